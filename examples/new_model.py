"""A new model: an image encoder that measures mean colours on a grid of 8 x 8.

In the house it is one file in adapters/models/vision/ and one entry in models/bundled.py; in a package of
your own the entry point group `sensorium.models` names the entry.

    python examples/new_model.py PICTURE LIBRARY
"""

import sys

import numpy as np

import sensorium as sm
from sensorium.core.record import Provenance
from sensorium.core.time import Axis
from sensorium.models.registry import models
from sensorium.ops.vision.resize import resize


class Colours:
    """Mean colour (red, green, blue; 0..1) of each of 8 x 8 fields of a picture."""

    provenance = Provenance("colours", "1")  # known without loading anything

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads  # a constructor assigns and does no more

    def encode(self, frames: sm.Frames) -> list[tuple[sm.Features, ...]]:
        """Per frame ``patches``, axes (height, width), dim 3."""
        high, wide = (size / 8 for size in frames.pixels.shape[1:3])
        axes = Axis("height", 0.0, high, high, "px"), Axis("width", 0.0, wide, wide, "px")
        small = [resize(each, 8, 8).astype(np.float32) / 255 for each in frames.pixels]
        return [(sm.Features(values, axes, "colours", "patches"),) for values in small]


COLOURS = sm.models.Model("colours", "image_encoder", "Apache-2.0", "none", "new_model:Colours")

if __name__ == "__main__":
    sys.modules["new_model"] = sys.modules["__main__"]  # a package would be importable by its name
    models()["image_encoder", "colours"] = COLOURS
    config = sm.Config(pictures={"image_encoder": "colours"}, passes=("pictures",))
    library = sm.extract(sys.argv[1], sys.argv[2], config=config, workers=0, progress=False)
    print(library.features()[0])
