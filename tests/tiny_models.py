"""Models of random weights, saved as transformers saves the real ones, for whoever tests what loads them."""

from __future__ import annotations

import shutil
from pathlib import Path

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.3, 0.25]


def whisper(folder: Path) -> Path:
    """A Whisper without a tokenizer: what a sound encoder needs of one."""
    import torch
    import transformers

    config = transformers.WhisperConfig(
        d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=48, vocab_size=100,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
    return folder


def spectrogram_transformer(folder: Path) -> Path:
    """An AST with a classifier, as the public ones have."""
    import torch
    import transformers

    config = transformers.ASTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
    )
    torch.manual_seed(0)
    transformers.ASTForAudioClassification(config).save_pretrained(folder)
    return folder


def whisper_that_writes(folder: Path) -> Path:
    """A Whisper with the bundled tokenizer: it transcribes, nothing of sense."""
    import torch
    import transformers

    from sensorium.models.installing import installed

    tokenizer = transformers.WhisperTokenizerFast(
        tokenizer_file=str(installed("whisper-tiny.en") / "tokenizer.json")
    )
    config = transformers.WhisperConfig(
        vocab_size=51864, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_target_positions=64,
        eos_token_id=50256, pad_token_id=50256, bos_token_id=50256, decoder_start_token_id=50257,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
    extractor = transformers.WhisperFeatureExtractor()
    transformers.WhisperProcessor(extractor, tokenizer).save_pretrained(folder)
    transformers.GenerationConfig(
        decoder_start_token_id=50257, eos_token_id=50256, pad_token_id=50256, max_length=24,
        no_timestamps_token_id=50362, is_multilingual=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def vision_transformers(root: Path) -> dict[str, Path]:
    """One folder per family: vit, dinov2, dinov3, clip, siglip."""
    import torch
    import transformers

    dino = {k: v for k, v in SMALL.items() if k != "intermediate_size"}
    clip = transformers.CLIPConfig(
        vision_config={**SMALL, "image_size": 64, "patch_size": 16, "projection_dim": 16},
        text_config={**SMALL, "vocab_size": 99, "projection_dim": 16}, projection_dim=16,
    )  # fmt: skip
    siglip = transformers.SiglipConfig(
        vision_config={**SMALL, "image_size": 64, "patch_size": 16},
        text_config={**SMALL, "vocab_size": 99},
    )
    dino3 = transformers.DINOv3ViTConfig(
        **SMALL, image_size=64, patch_size=16, num_register_tokens=4
    )
    torch.manual_seed(0)
    made = {
        "dinov3": transformers.DINOv3ViTModel(dino3),
        "vit": transformers.ViTModel(transformers.ViTConfig(**SMALL)),
        "dinov2": transformers.Dinov2Model(
            transformers.Dinov2Config(**dino, image_size=56, patch_size=14)
        ),
        "clip": transformers.CLIPModel(clip),
        "siglip": transformers.SiglipModel(siglip),
    }
    for name, model in made.items():
        model.save_pretrained(root / name)
        (root / name / "preprocessor_config.json").write_text(
            f'{{"image_mean": {MEAN}, "image_std": {STD}, "image_processor_type": "ViTImageProcessor"}}'
        )
    return {name: root / name for name in made}


def naflex(folder: Path) -> Path:
    """A SigLIP 2 with its processor's config."""
    import torch
    import transformers
    from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

    config = transformers.Siglip2Config(
        vision_config={**SMALL, "patch_size": 16, "num_patches": 64},
        text_config={**SMALL, "vocab_size": 99, "projection_size": 16},
    )
    torch.manual_seed(0)
    transformers.Siglip2Model(config).save_pretrained(folder)
    Siglip2ImageProcessorPil(max_num_patches=60).save_pretrained(folder)
    return folder


def spoilt_copy(folder: Path, target: Path) -> Path:
    """The same folder with weights that nothing can load."""
    shutil.copytree(folder, target)
    for path in target.glob("*.safetensors"):
        path.write_bytes(b"no weights at all")
    return target
