"""Active-speaker models in the form of TalkNet and Light-ASD, from an ONNX file.

Tao et al. 2021, Liao et al. 2023. No package carries their weights; whoever has some exports them with
two inputs, cepstra ``(1, 4 * picture, 13)`` and gray faces ``(1, picture, 112, 112)`` of 0..255, and one
output of ``(picture,)`` probabilities or ``(picture, 2)`` logits, the second being "speaks".
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.errors import ModelError
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.ops.sound.mfcc import cepstra


class ActiveSpeakerModel:
    """Whether a face speaks the sound that is heard, 25 times a second."""

    def __init__(self, path: str, threads: int = 1) -> None:
        self._path = Path(path).expanduser()
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The file by its content."""
        if not self._path.is_file():
            raise ModelError(
                f"{self._path}: expected an active-speaker model as ONNX, found no file"
            )
        content = hashlib.sha256(self._path.read_bytes()).hexdigest()[:12]
        return Provenance("active-speaker", f"{self._path.name} sha256:{content}")

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        session = open_session(self._path, self._threads)
        shapes = {each.name: each.shape for each in session.get_inputs()}
        if sorted(len(shape) for shape in shapes.values()) != [3, 4]:
            raise ModelError(
                f"{self._path}: expected the inputs (1, 4 * picture, 13) and (1, picture, 112, 112), "
                f"got {shapes}"
            )
        return session

    def speaks(self, faces: NDArray[np.uint8], sound: Audio) -> NDArray[np.float32]:
        """Probability ``(picture,)`` for gray faces ``(picture, 112, 112)``, 25 a second, and their sound."""
        num = len(faces)
        rows = cepstra(sound.mono())
        rows = np.concatenate([rows, np.repeat(rows[-1:], max(4 * num - len(rows), 0), axis=0)])
        given = {3: rows[None, : 4 * num], 4: faces[None].astype(np.float32)}
        feed = {each.name: given[len(each.shape)] for each in self._session.get_inputs()}
        answer = np.asarray(self._session.run(None, feed)[0], np.float32)
        answer = answer.reshape(num, -1)
        if answer.shape[1] == 2:
            return 1 / (1 + np.exp(answer[:, 0] - answer[:, 1]))
        if answer.shape[1] != 1:
            raise ModelError(
                f"{self._path}: expected (picture,) or (picture, 2), got {answer.shape}"
            )
        return answer[:, 0]
