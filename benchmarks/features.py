"""Features beside the reference implementations: pictures and sound, one process, one thread.

    OMP_NUM_THREADS=1 python benchmarks/features.py

Ratio is peer / ours. Fuyu's processor fails with pictures in the installed transformers, so its parts are
measured: the image processor and its patch function, which works on arrays, and its counting of tokens.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable, Iterator

import features_audio
import numpy as np
from features_audio import Row, fastest, peak
from PIL import Image

warnings.simplefilter("ignore")


def photograph(height: int, width: int) -> Image.Image:
    """Smooth with noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 40), np.cos(y / 30), np.sin((x + y) / 50)], -1) * 90 + 128
    return Image.fromarray(np.clip(waves + rng.normal(0, 12, waves.shape), 0, 255).astype(np.uint8))


def row(job: str, ours: Callable[[], object], theirs: Callable[[], object], target: str) -> Row:
    """One comparison."""
    mine, other = fastest(ours, 20), fastest(theirs, 6)
    memory = f"{peak(ours):.1f} / {peak(theirs):.1f}"
    return job, f"{mine:.4g}", f"{other:.4g}", f"{other / mine:.1f}", target, memory


def vit() -> Iterator[Row]:
    """ViT-224 from a decoded picture and from JPEG."""
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    from sensorium.adapters.processors.images import load_processor

    reference, picture = ViTImageProcessorPil(), photograph(768, 1024)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=90)
    jpeg = data.getvalue()

    def theirs() -> object:
        return reference(picture, return_tensors="np")

    def theirs_from_jpeg() -> object:
        return reference(Image.open(io.BytesIO(jpeg)), return_tensors="np")

    with tempfile.TemporaryDirectory() as folder:
        reference.save_pretrained(folder)
        exact, fast = load_processor(folder, "exact"), load_processor(folder, "fast")
    yield row(
        "ViT-224, 1024x768 as PIL, exact; transformers Pillow",
        lambda: exact(picture),
        theirs,
        ">= 1.4",
    )
    yield row(
        "ViT-224, 1024x768 as PIL, fast; transformers Pillow",
        lambda: fast(picture),
        theirs,
        ">= 5",
    )

    pixels = np.array(picture)

    def theirs_from_array() -> object:
        return reference(pixels, return_tensors="np")

    yield row(
        "ViT-224, 1024x768 as array, fast; transformers Pillow",
        lambda: fast(pixels),
        theirs_from_array,
        ">= 5",
    )

    def from_jpeg() -> object:
        return fast(Image.open(io.BytesIO(jpeg)))

    yield row(
        "ViT-224, 1024x768 JPEG, fast; transformers Pillow", from_jpeg, theirs_from_jpeg, ">= 2"
    )


def fuyu() -> Iterator[Row]:
    """Patches and counts."""
    import torch
    from transformers.image_utils import SizeDict
    from transformers.models.fuyu.image_processing_pil_fuyu import FuyuImageProcessorPil

    from sensorium.ops.vision.fuyu import FuyuLayout, fuyu_patches

    torch.set_num_threads(1)
    reference = FuyuImageProcessorPil()
    for height, width, target in ((768, 1024, ">= 20"), (300, 300, ">= 100")):
        picture = photograph(height, width)
        layout = FuyuLayout((height, width))

        def theirs(picture=picture, layout=layout) -> object:
            whole = np.asarray(reference(picture, return_tensors="np")["images"][0])
            cut = whole[..., : layout.rows * 30, : layout.columns * 30]
            return reference.patchify_image(cut.reshape(3, *cut.shape[-2:]))

        def ours(picture=picture) -> object:
            return fuyu_patches(np.asarray(picture))

        yield row(f"Fuyu patches, {width}x{height}; transformers' parts", ours, theirs, target)

    def counted() -> object:
        return reference.preprocess_with_tokenizer_info(
            image_input=torch.zeros(1, 1, 3, 1080, 1920),
            image_present=torch.ones(1, 1, 1),
            image_unpadded_h=torch.tensor([[768]]),
            image_unpadded_w=torch.tensor([[1024]]),
            image_placeholder_id=0,
            image_newline_id=0,
            variable_sized=True,
            patch_size=SizeDict(height=30, width=30),
        )

    try:
        counted()
    except Exception as error:
        print(f"token count of transformers: {type(error).__name__}: {error}")
        return
    yield row(
        "Fuyu token count, 1024x768; transformers",
        lambda: FuyuLayout((768, 1024)).count,
        counted,
        ">= 1000",
    )


def main() -> None:
    """One table."""
    print("| job; peer | ours ms | peer ms | ratio | target | peak MB ours / peer |")
    print("|---|---:|---:|---:|---|---|")
    for part in (vit, fuyu, features_audio.rows):
        for each in part():
            print("| " + " | ".join(each) + " |", flush=True)


if __name__ == "__main__":
    main()
