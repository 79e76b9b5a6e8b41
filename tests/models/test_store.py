"""The store holds whole models that are what the list says, or none; whatever comes in between."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_index import EARS, EYES, SMALL, sha256

from sensorium.adapters.engines.local import LocalPool
from sensorium.core.errors import ModelError, UsageError
from sensorium.models import installing, store, wheels
from sensorium.models.bundled import BUNDLED
from sensorium.models.graphs.derived import MAKERS
from sensorium.models.installing import install, installed
from sensorium.models.manifest import damage, read_manifest
from sensorium.models.registry import verify
from sensorium.models.store import folder, is_there
from sensorium.models.weights import find, known

KILLED_AT = {
    "fetching": "installing.fetch = stay",
    "fetched": "installing.fetch = copy; installing.extract = stay",
    "before the manifest": "installing.fetch = copy; installing.write_manifest = stay",
    "before the name": "installing.fetch = copy; os.replace = stay",
}


def names(place):
    return sorted(path.name for path in place.iterdir())


def test_pip_fetches_and_the_wheel_is_gone(index):
    """One wheel serves two models; only the weights stay, each as listed, with what they are."""
    first, second = install(["ears", "small-ears"], quiet=True)
    assert (first / "ears.onnx").read_bytes() == EARS
    assert (second / "small.onnx").read_bytes() == SMALL
    assert index.left() == sorted([first.name, second.name])
    about = read_manifest(first)
    assert about == {
        "name": "ears", "licence": "MIT", "purpose": "tests", "source": "sn-ears 1.0",
        "files": {"ears.onnx": {"sha256": sha256(EARS), "bytes": len(EARS)}},
    }  # fmt: skip


def test_a_wheel_is_fetched_once_and_what_is_whole_never(quick, monkeypatch, capsys):
    """Two models of one wheel, twice; stderr names each wheel before it comes, with its size."""
    asked = []
    monkeypatch.setattr(
        installing, "fetch", lambda wheel, *how: asked.append(wheel.package) or quick.copy(wheel, *how)
    )  # fmt: skip
    for _ in range(2):
        install(["ears", "small-ears", "joined"])
    assert asked == ["sn-ears", "sn-part-1", "sn-part-2"]
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "fetching weights of ears: sn-ears 1.0, 0 MB",
        "fetching weights of joined: sn-part-1 1.0, 0 MB",
        "fetching weights of joined: sn-part-2 1.0, 0 MB",
    ]


def test_joined_and_made_files(quick):
    """A file in two wheels is one; of a file that is not kept only what is made of it stays."""
    joined, made = install(["joined", "eyes"], quiet=True)
    assert (joined / "model.bin").read_bytes() == EYES
    assert names(made) == ["eyes.onnx", "manifest.json"]
    assert (made / "eyes.onnx").read_bytes() == EARS.upper()


def test_no_names_are_the_defaults(quick, monkeypatch):
    """Those of the bundled models without an extra; a carried one is as good as installed."""
    stored = [("ears", ""), ("hands", ""), ("joined", "hub")]
    monkeypatch.setattr(
        installing, "BUNDLED",
        [type("Entry", (), {"stored": name, "also": "", "extra": extra}) for name, extra in stored],
    )  # fmt: skip
    ears, hands = install(quiet=True)
    assert quick.left() == [ears.name]
    assert (hands / "__init__.py").is_file()


def test_a_carried_file_of_another_version(quick):
    """Said with the version to install; the others are installed before."""
    quick.known["weights"]["hands"]["files"]["__init__.py"]["sha256"] = "0" * 64
    quick.write()
    with pytest.raises(
        ModelError, match=r"hands: __init__.py: .*another one; pip install click==8"
    ):
        install(["hands", "ears"], quiet=True)
    assert quick.left() == [folder("ears").name]


def test_no_such_weights(quick):
    with pytest.raises(UsageError, match=r"expected one of ears, .*; got 'nose'"):
        install(["ears", "nose"])
    assert not quick.home.exists()


def test_another_wheel_than_the_known(index):
    """The index has the version, but other bytes: nothing of it is kept."""
    expected = index.known["wheels"]["sn-ears"]["sha256"]
    index.wheel("sn-ears", {"ears.onnx": EARS, "small.onnx": b"other"})
    got = index.known["wheels"]["sn-ears"]["sha256"]
    with pytest.raises(
        ModelError, match=f"sn-ears 1.0: expected .*{expected}.*one with {got}; noth"
    ):
        install(["ears"], quiet=True)
    assert index.left() == []


def test_a_wheel_of_another_version(index):
    """Never taken instead: pip is asked for the one that is known."""
    (index.wheels / "sn_ears-1.0-py3-none-any.whl").unlink()
    index.wheel("sn-ears", {"ears.onnx": EARS}, version="2.0")
    with pytest.raises(
        ModelError, match=r"sn-ears 1\.0: pip could not fetch .*sn-ears==1\.0.*--from"
    ):
        install(["ears"], quiet=True)
    assert index.left() == []


def test_another_member_than_the_known(quick):
    quick.weights("ears", {"ears.onnx": (b"deaf", ("sn-ears", "ears.onnx"))})
    with pytest.raises(
        ModelError, match=r"ears: ears.onnx of sn-ears is not the file that is known"
    ):
        install(["ears"], quiet=True)
    assert quick.left() == []


def test_a_member_that_is_missing(quick):
    """The second of a model's files: the first is not left behind."""
    quick.weights("ears", {
        "ears.onnx": (EARS, ("sn-ears", "ears.onnx")), "nose.onnx": (b"", ("sn-ears", "nose.onnx")),
    })  # fmt: skip
    with pytest.raises(
        ModelError, match=r"sn_ears-1.0-\S+: expected data/nose.onnx in it, found none"
    ):
        install(["ears"], quiet=True)
    assert quick.left() == []


def test_no_index_to_be_reached(index, monkeypatch):
    """Said as such, not as a version that does not exist; the login of the index stays out of it."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ModelError, match=r"the index cannot be reached .*models pack FILE") as told:
        install(["ears"], quiet=True)
    assert "secret" not in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert index.left() == []


def test_no_pip(index, tmp_path, monkeypatch):
    """A Python without it gets the two commands that help."""
    made = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")]
    subprocess.run(made, check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(ModelError, match=r"python -m ensurepip; .* install --from FILE"):
        install(["ears"], quiet=True)
    assert index.left() == []


@pytest.mark.parametrize(("script", "message"), [
    ("echo 'ERROR: 403 of http://me:secret@index/simple' >&2; exit 1", "403 of http://index/simple; check"),
    ("exit 1", "pip gave no reason; check"),
    ("exit 0", "pip gave no reason; check"),
    ("echo 'ERROR: [Errno 28] No space left on device' >&2; exit 2", "the disk is full; free 0 MB in"),
    (None, "pip could not be started with .*No such file"),
])  # fmt: skip
def test_what_pip_says(index, tmp_path, monkeypatch, script, message):
    """Its reason in one line, without logins; a pip that does nothing, or cannot be started, is an error."""
    program = tmp_path / "python"
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(ModelError, match=f"sn-ears 1.0: .*{message}") as told:
        install(["ears"], quiet=True)
    assert len(str(told.value).splitlines()) == 1
    assert index.left() == []


def test_no_pip_of_the_working_folder(index, tmp_path, monkeypatch):
    """Photos may lie in a folder of somebody else, who put a pip.py beside them."""
    (tmp_path / "photos").mkdir()
    for name in ("pip", "runpy"):
        (tmp_path / "photos" / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path / "photos")
    install(["ears"], quiet=True)
    assert not (tmp_path / "ran").exists()
    assert is_there("ears")


def test_offline(quick, monkeypatch):
    """Nothing is fetched, nor is the folder made; the command to type is in the message."""
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    for way in (lambda: installed("ears"), lambda: install(["joined", "ears"])):
        with pytest.raises(
            ModelError, match=r"SENSORIUM_OFFLINE is set; .* models install (ears|joined);"
        ):
            way()
    assert not quick.home.exists()
    monkeypatch.setenv("SENSORIUM_OFFLINE", "0")
    ears = installed("ears")
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    assert installed("ears") == ears
    assert installed("hands") == folder("hands")


def test_where(monkeypatch, tmp_path):
    """SENSORIUM_MODELS, relative to where one is and with ~; else the folder for caches."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for chosen, expected in [("models", tmp_path / "models"), ("~/m", tmp_path / "home" / "m")]:
        monkeypatch.setenv("SENSORIUM_MODELS", chosen)
        assert store.where() == expected
    monkeypatch.delenv("SENSORIUM_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert store.where() == tmp_path / "caches" / "sensorium" / "models"


def test_a_store_that_cannot_be_one(quick):
    """A file where the folder should be: one error, which names it."""
    quick.home.write_text("a file")
    with pytest.raises(ModelError, match=rf"cannot be written to {quick.home}: .*SENSORIUM_MODELS"):
        install(["ears"], quiet=True)


def test_a_store_that_may_not_be_written(quick, disk, monkeypatch):
    """Complete, it works as ever; what it lacks is one error."""
    place, mount = disk
    monkeypatch.setenv("SENSORIUM_MODELS", str(place))
    install(["ears"], quiet=True)
    assert mount("remount,ro")
    assert (installed("ears") / "ears.onnx").read_bytes() == EARS
    assert install(["ears"], quiet=True) == [folder("ears")]
    assert not verify()
    with pytest.raises(ModelError, match=r"cannot be written to .*Read-only file system"):
        installed("joined")


@pytest.mark.parametrize("step", ["extract", "write_manifest"])
def test_a_full_disk_in_the_middle(quick, monkeypatch, step):
    """Half a file is on the disk when it fills: gone, and what was there stays."""
    (ears,) = install(["ears"], quiet=True)
    at = {"extract": 2, "write_manifest": 0}[step]  # which argument says where

    def full(*arguments):
        target = arguments[at] / "x" if arguments[at].is_dir() else arguments[at]
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(installing, step, full)
        with pytest.raises(
            ModelError, match=r"joined-\w+: cannot .*: the disk is full; free space there"
        ):
            install(["joined"], quiet=True)
    assert quick.left() == [ears.name]
    install(["joined"], quiet=True)
    assert not damage(folder("joined"))


@pytest.mark.parametrize("swells", [True, False])
def test_a_disk_that_is_full(index, disk, monkeypatch, swells):
    """A real one of 1 MB: pip's wheel does not fit, or what is in it. What was installed stays."""
    content = bytes(4_000_000) if swells else os.urandom(2_000_000)
    index.wheel("sn-big", {"big.bin": content})
    index.weights("big", {"big.bin": (content, ("sn-big", "big.bin"))})
    place, _ = disk
    monkeypatch.setenv("SENSORIUM_MODELS", str(place))
    if swells:
        monkeypatch.setattr(installing, "fetch", index.copy)
    (ears,) = install(["ears"], quiet=True)
    with pytest.raises(ModelError, match="the disk is full"):
        install(["big"], quiet=True)
    assert sorted(set(names(place)) - {"lock"}) == [ears.name]
    assert not damage(ears)


@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_run_that_is_killed(quick, moment):
    """Whenever it dies there is no half a model, the lock is free, and the next clears and mends."""
    run = quick.start(f"{KILLED_AT[moment]}\ninstalling.install(['joined'], quiet=True)")
    assert run.stdout.readline() == "here\n"
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert [name for name in quick.left() if name.endswith(".part")]
    assert not is_there("joined")
    assert [each.state for each in store.listed() if each.name == "joined"] == ["absent"]
    install(["ears"], quiet=True)
    assert quick.left() == [folder("ears").name]
    install(["joined"], quiet=True)
    assert not damage(folder("joined"))


def test_a_mending_run_that_is_killed(quick):
    """The broken model is out of the way then; it is absent, not half."""
    (joined,) = install(["joined"], quiet=True)
    (joined / "model.bin").write_bytes(b"")
    run = quick.start(f"{KILLED_AT['before the name']}\ninstalling.install(['joined'], quiet=True)")
    assert run.stdout.readline() == "here\n"
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not is_there("joined")
    assert (installed("joined") / "model.bin").read_bytes() == EYES


@pytest.mark.parametrize("num", [2, 4])
def test_processes_at_once(index, num):
    """One fetches, by pip; the others wait, and all have it."""
    runs = [index.start("print(installing.installed('ears'))") for _ in range(num)]
    told = [run.communicate()[0].splitlines() for run in runs]
    assert [run.returncode for run in runs] == [0] * num
    assert [lines[-1] for lines in told] == [str(folder("ears"))] * num
    assert sum(line.startswith("fetching") for lines in told for line in lines) == 1
    assert index.left() == [folder("ears").name]


def test_a_file_swept_out_of_the_cache(quick):
    """Caches are cleaned by age: the model is not taken for whole, and is fetched again."""
    (installed("joined") / "config.json").unlink()
    assert not is_there("joined")
    assert [each.problem for each in verify()] == ["config.json is missing"]
    assert (installed("joined") / "config.json").read_bytes() == b"{}"
    assert not verify()


def test_a_file_that_changed(quick):
    """Found by reading every byte, and mended by another installation."""
    (installed("joined") / "model.bin").write_bytes(EYES[:-1] + b"?")
    (wrong,) = verify()
    assert (wrong.name, wrong.state) == ("joined", "broken")
    install(["joined"], quiet=True)
    assert not verify()


def test_a_new_list_leaves_old_weights(quick):
    """Other bytes are another folder: two versions of Sensorium share a store."""
    old = installed("ears")
    quick.wheel("sn-ears", {"ears.onnx": SMALL})
    quick.weights("ears", {"ears.onnx": (SMALL, ("sn-ears", "ears.onnx"))})
    assert (installed("ears") / "ears.onnx").read_bytes() == SMALL
    assert (old / "ears.onnx").read_bytes() == EARS


def test_a_manifest_of_somebody_else(quick):
    """Whatever it says, it is an error of ours, and leads out of its folder to no file."""
    place = installed("ears")
    sound = json.loads((place / "manifest.json").read_text())
    for text in ["", "[]", "[" * 100_000, '{"files": []}', json.dumps({**sound, "name": 5}),
                 json.dumps({**sound, "name": "\x1b[2J"}),
                 json.dumps({**sound, "files": {"../x": sound["files"]["ears.onnx"]}}),
                 json.dumps({**sound, "files": {"ears.onnx": {"bytes": 1}}})]:  # fmt: skip
        (place / "manifest.json").write_text(text)
        with pytest.raises(ModelError, match="expected"):
            read_manifest(place)
        assert "expected" in damage(place)


def test_the_list_is_whole():
    """Every model of the registry has its weights in it, every maker is there, no folder is two's."""
    stored = {each.stored for each in BUNDLED if each.stored}
    assert stored <= set(known())
    for weights in known().values():
        assert weights.licence
        assert weights.download > 0
        assert {maker for maker, _ in weights.made.values()} <= set(MAKERS)
        assert {source for _, source in weights.made.values()} <= {f.name for f in weights.files}
        assert all(len(file.sha256) == 64 and file.bytes > 0 for file in weights.files)
    ours = [folder(name).name for name, each in known().items() if not each.carried]
    assert len(set(ours)) == len(ours)
    assert not [name for name in known() if name.startswith("own--")]


@pytest.mark.model
@pytest.mark.parametrize("name", sorted(known()))
def test_the_list_is_true(name):
    """What is listed is what the packages hold that are installed here, version by version."""
    here = [(file, *file.members[0]) for file in find(name).files if len(file.members) == 1]
    checked = 0
    for file, package, member in here:
        lies = wheels.carried(package, member)
        if lies is not None:
            assert (lies.stat().st_size, wheels.sha256_of(lies)) == (file.bytes, file.sha256)
            revision = find(name).revision.split(" sha256:")[0]
            assert wheels.carried_revision(package, member).startswith(revision)
            checked += 1
    if not checked:
        pytest.skip(f"{find(name).source} is not installed here")


@pytest.mark.model
def test_a_package_that_is_installed_serves_without_a_network(tmp_path, monkeypatch):
    """In worker processes at once, on a store that is empty, offline: nothing has to be fetched."""
    if wheels.carried("silero-vad", "silero_vad/data/silero_vad.onnx") is None:
        pytest.skip("silero-vad is not installed here")
    monkeypatch.setenv("SENSORIUM_MODELS", str(tmp_path))
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    places = dict(LocalPool(2).map(installed, ["silero-vad"] * 3))
    assert places == {index: folder("silero-vad") for index in range(3)}
    assert Path(places[0], "silero_vad.onnx").stat().st_size == find("silero-vad").files[0].bytes
    assert not verify()
