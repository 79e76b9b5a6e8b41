"""How sharp a face is: blur counts, light, contrast and size do not."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from sensorium.ops.vision.sharpness import sharpness
from sensorium.pipelines.people.watch import FacesOptions

LEAST = FacesOptions().least_sharp
MARGIN = 20


def face(height, blur=0.0):
    """A round face with brows, eyes, a nose and a mouth, drawn large and made `height` pixels high."""
    drawn = np.full((400, 400), 170.0)
    y, x = np.mgrid[:400, :400]
    drawn[(x - 200) ** 2 + (y - 200) ** 2 > 190**2] = 40
    for left in (95, 235):
        drawn[130:150, left : left + 70] = 50
        drawn[168:192, left + 12 : left + 58] = 225
        drawn[168:192, left + 25 : left + 45] = 20
    drawn[200:260, 192:208] = 130
    drawn[288:308, 140:260] = 70
    picture = Image.fromarray(drawn.astype(np.uint8)).resize((height, height), Image.Resampling.BOX)
    wide = np.pad(np.asarray(picture), MARGIN, constant_values=40)
    blurred = Image.fromarray(wide).filter(ImageFilter.GaussianBlur(blur * height))
    pixels = np.repeat(np.asarray(blurred)[..., None], 3, axis=-1)
    return pixels, np.array([MARGIN, MARGIN, MARGIN + height, MARGIN + height], np.float32)


@pytest.mark.parametrize("height", [36, 48, 120, 300])
def test_a_blurred_face_is_told_from_a_sharp_one_at_any_size(height):
    assert sharpness(*face(height)) > LEAST > sharpness(*face(height, blur=0.06))


def test_light_and_contrast_make_little_difference():
    pixels, box = face(120)
    dark = (pixels * 0.4 + 10).astype(np.uint8)
    assert sharpness(dark, box) == pytest.approx(sharpness(pixels, box), rel=0.05)


def test_a_box_over_the_border_is_cut_and_one_outside_is_nothing():
    pixels, box = face(120)
    assert sharpness(pixels, box - MARGIN - 10) > 0
    assert sharpness(pixels, box + 1000) == 0.0
    assert sharpness(pixels, np.array([50.0, 50.0, 50.0, 50.0])) == 0.0
