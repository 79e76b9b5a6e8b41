"""What the models of Hugging Face transformers share: a source, and a provenance that loads nothing."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import transformers

from sensorium.core.record import Provenance
from sensorium.models.foreign import pinned


class FromTransformers:
    """A model from a local folder or a hub name; `prefix` names its family in the provenance.

    Weights are read from safetensors files only, code from the installed library only, and neither
    before the first use.
    """

    prefix = "transformers"

    def __init__(self, source: str, threads: int = 1) -> None:
        self._source = source
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """Model name, version of the library, and where the weights come from."""
        version = f"transformers {transformers.__version__} {pinned(self._source)}".strip()
        name = f"{self.prefix}:{Path(self._source).name}"
        return Provenance(name, version, {"source": self._source})
