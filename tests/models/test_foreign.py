"""Models of a hub and of local folders: only numbers come in, and no token goes out."""

import errno
import os
from types import SimpleNamespace

import numpy as np
import pytest
import small_hub

from sensorium.core.errors import ModelError, UsageError
from sensorium.core.media import Frames
from sensorium.models import foreign
from sensorium.models.foreign import install_folder, install_hub, located, own_folder, pinned
from sensorium.models.manifest import MANIFEST, read_manifest
from sensorium.models.registry import listed, load_model, verify

TOKEN = "hf_aSecretThatNobodySees"
FILES = {
    "config.json": b'{"a": 1}',
    "model.safetensors": b"numbers" * 9,
    "onnx/model.onnx": b"graph",
    "README.md": b"# small",
    "pytorch_model.bin": b"PK\x03\x04 pickled",
    "modeling_small.py": b"import os",
    "manifest.json": b'{"of": "somebody else"}',
}


@pytest.fixture
def hub(index, tmp_path, monkeypatch):
    """The small hub, as HF_ENDPOINT says it to a client that has not begun yet."""
    constants = pytest.importorskip("huggingface_hub.constants")
    with small_hub.serving() as (served, address):
        served.files = dict(FILES)
        served.address = address
        monkeypatch.setattr(constants, "ENDPOINT", address)  # what is read once, at the import
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield served


@pytest.fixture
def source(tmp_path):
    """A folder with a model, and with what does not belong to one."""
    folder = tmp_path / "trained"
    (folder / "checkpoint-5").mkdir(parents=True)
    (folder / "logs.json").mkdir()
    (folder / "checkpoint-5" / "model.safetensors").write_bytes(b"older")
    for name, content in FILES.items():
        if "/" not in name:
            (folder / name).write_bytes(content)
    return folder


def test_a_folder(index, source):
    """Numbers and text only, listed under its name, whole; a manifest.json of its own does no harm."""
    place = install_folder(source, "me/mine")
    assert sorted(p.name for p in place.iterdir()) == ["config.json", MANIFEST, "model.safetensors"]
    (found,) = [each for each in listed(verify=True) if each.name == "me/mine"]
    size = len(FILES["config.json"] + FILES["model.safetensors"])
    assert (found.state, found.source, found.bytes) == ("installed", "folder trained", size)
    assert located("me/mine") == str(place)
    assert not verify()


def test_a_folder_once_more(index, source):
    """The new one takes the place of the old."""
    install_folder(source, "mine")
    (source / "model.safetensors").write_bytes(b"better")
    (source / "config.json").unlink()
    place = install_folder(source, "mine")
    assert (place / "model.safetensors").read_bytes() == b"better"
    assert index.left() == [place.name]
    assert sorted(read_manifest(place)["files"]) == ["model.safetensors"]


def test_a_folder_that_fails_leaves_the_old(index, source, monkeypatch):
    """A disk that is full, or weights that are no longer there."""
    place = install_folder(source, "mine")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(foreign.shutil, "copyfile", full)
        with pytest.raises(
            ModelError, match=r"own--mine: cannot be written to .*: the disk is full"
        ):
            install_folder(source, "mine")
    (source / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="mine: expected weights as safetensors"):
        install_folder(source, "mine")
    assert (place / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert index.left() == [place.name]


@pytest.mark.parametrize(("name", "content", "found"), [
    ("pytorch_model.bin", b"PK\x03\x04", "found none"), ("model.pt", b"\x80\x02", "found none"),
    ("model.bin", b"PK\x03\x04", "found model.bin of torch"),
    ("model.bin", b"\x80\x02", "found model.bin of torch"),
])  # fmt: skip
def test_pickled_weights(index, tmp_path, name, content, found):
    """Refused with the reason, whatever they are called."""
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "config.json").write_text("{}")
    (tmp_path / "pickled" / name).write_bytes(content)
    with pytest.raises(
        ModelError, match=f"{found}; pickled weights are not read, since they can run"
    ):
        install_folder(tmp_path / "pickled", "mine")
    assert index.left() == []


@pytest.mark.parametrize("name", ["", "ears", "hub:me/small", "a\nb"])
def test_names_that_are_taken(index, source, name):
    with pytest.raises(UsageError, match="name: expected a new one for trained, got"):
        install_folder(source, name)
    with pytest.raises(UsageError, match="expected a folder with a model, found none"):
        install_folder(source / "none", "mine")


def test_one_broken_model_hides_no_other(index, source):
    """Nor its manifest's loss the others in the list."""
    install_folder(source, "first")
    (install_folder(source, "second") / MANIFEST).write_text("{}")
    left = index.home / "own--third.part"
    left.mkdir()
    (left / MANIFEST).write_text("{}")
    own = [each for each in listed() if each.path and "own--" in each.path]
    assert [(each.name, each.state) for each in own] == [
        ("first", "installed"),
        ("own--second", "broken"),
    ]
    assert [each.name for each in verify()] == ["own--second"]


def test_a_model_is_used_by_its_name(index, tmp_path, monkeypatch, rng):
    """Random weights as transformers saves them: the same features by name, after their folder is gone."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.ViTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                                    intermediate_size=48, image_size=32, patch_size=16)  # fmt: skip
    folder = tmp_path / "random"
    transformers.ViTModel(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        '{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": {"height": 32, "width": 32},'
        ' "image_processor_type": "ViTImageProcessor"}'
    )
    frames = Frames(rng.integers(0, 255, (1, 40, 50, 3), dtype=np.uint8), np.zeros(1))
    expected = load_model("image_encoder", f"transformers:{folder}", 1).encode(frames)
    install_folder(folder, "me/random")
    for path in folder.iterdir():
        path.unlink()
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    got = load_model("image_encoder", "transformers:me/random", 1).encode(frames)
    for one, other in zip(expected[0], got[0], strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    with pytest.raises(ModelError, match="sensorium models install hub:me/another"):
        load_model("image_encoder", "transformers:me/another", 1).encode(frames)


def test_another_model_under_the_same_name_gives_results_of_its_own(index, source):
    """What is in the store is part of the provenance; a name that the store does not hold is not."""
    assert pinned("mine") == ""
    install_folder(source, "mine")
    before = pinned("mine")
    (source / "config.json").write_text("{}")
    install_folder(source, "mine")
    assert before.startswith("sha256:")
    assert pinned("mine") not in ("", before)
    assert pinned(str(source)) == ""


def test_located(index, source, monkeypatch):
    """A folder, the store's copy, the short name of a faster-whisper; else the name as it is, online."""
    monkeypatch.chdir(source.parent)
    assert located("trained") == "trained"
    assert located("small") == "small"
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    with pytest.raises(
        ModelError, match=r"SENSORIUM_OFFLINE .* install hub:Systran/faster-whisper-small"
    ):
        located("small")
    place = install_folder(source, "Systran/faster-whisper-small")
    assert located("small") == located("Systran/faster-whisper-small") == str(place)
    assert located(str(source)) == str(source)
    monkeypatch.delenv("SENSORIUM_OFFLINE")
    assert located("Systran--faster-whisper-small") == "Systran--faster-whisper-small"


def test_a_model_of_the_hub(hub, index):
    """Through the hub's own client: pickles and code are not even asked for."""
    place = install_hub("me/small")
    assert place == own_folder("me/small")
    files = {
        p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()
    }
    about = files.pop(MANIFEST)
    assert files == {
        name: FILES[name] for name in ("config.json", "model.safetensors", "onnx/model.onnx")
    }
    assert index.left() == [place.name]
    assert not [path for path in hub.asked if path.endswith((".bin", ".py", ".md", MANIFEST))]
    (found,) = [each for each in listed(verify=True) if each.name == "me/small"]
    assert (found.state, found.source) == ("installed", "hub me/small")
    assert f"Bearer {TOKEN}" in hub.tokens
    assert TOKEN.encode() not in about
    hub.files["config.json"] = b"{}"
    install_hub("me/small")
    assert (place / "config.json").read_bytes() == b"{}"


@pytest.mark.parametrize(("owner", "message"), [
    ("absent", "no such model there, or a private one; .*HF_TOKEN"),
    ("private", "no such model there, or a private one; .*HF_TOKEN"),
    ("gated", "it is gated; accept its terms .* HF_TOKEN"),
    ("broken", "500 .*; check the network, the variable HF_ENDPOINT"),
])  # fmt: skip
def test_a_hub_that_refuses(hub, index, owner, message):
    """One line with what to do; the token that was sent is not in it, though this hub says it."""
    with pytest.raises(
        ModelError, match=f"hub:{owner}/small: cannot be fetched: .*{message}"
    ) as told:
        install_hub(f"{owner}/small")
    assert f"Bearer {TOKEN}" in hub.tokens
    assert TOKEN not in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert told.value.__cause__ is None
    assert index.left() == []


def test_a_hub_that_is_away(hub, index, monkeypatch):
    """Said as such; the login of a mirror stays out of it."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "ENDPOINT", f"http://me:{TOKEN}@127.0.0.1:9")
    with pytest.raises(
        ModelError, match=r"hub:me/small: cannot be fetched: .*check the network"
    ) as told:
        install_hub("me/small")
    assert TOKEN not in str(told.value)
    assert index.left() == []


def test_a_hub_that_sends_half(hub, index, monkeypatch):
    """A file that breaks off is no file: the model that was there stays."""
    import huggingface_hub.file_download as client

    patient = SimpleNamespace(**{**vars(client.time), "sleep": lambda _: None})
    monkeypatch.setattr(client, "time", patient)  # it tries five times, a second apart
    place = install_hub("me/small")
    hub.files["model.safetensors"] = b"other" * 50
    hub.cut.add("model.safetensors")
    with pytest.raises(ModelError, match="hub:me/small: cannot be fetched"):
        install_hub("me/small")
    assert (place / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert index.left() == [place.name]


def test_a_hub_of_pickles(hub, index):
    hub.files = {"config.json": b"{}", "pytorch_model.bin": b"PK\x03\x04"}
    with pytest.raises(ModelError, match=r"me/small: expected weights as safetensors.*found none"):
        install_hub("me/small")
    assert index.left() == []


def test_the_hub_offline(hub, index, monkeypatch):
    """Nobody is asked."""
    monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
    with pytest.raises(
        ModelError, match=r"hub:me/small: SENSORIUM_OFFLINE is set.* install --from FILE"
    ):
        install_hub("me/small")
    assert hub.asked == []
    assert not index.home.exists()


@pytest.mark.parametrize(
    "name", ["", "../x", "me/small/more", "me/../x", "http://host/x", "me small"]
)
def test_what_is_no_name_of_the_hub(hub, index, name):
    with pytest.raises(UsageError, match="hub: expected OWNER/NAME, got"):
        install_hub(name)
    assert hub.asked == []


@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_a_full_disk_while_the_hub_sends(hub, index, disk, monkeypatch):
    """A real one: the disk is named, not the network."""
    place, _ = disk
    hub.files["model.safetensors"] = os.urandom(2_000_000)
    monkeypatch.setenv("SENSORIUM_MODELS", str(place))
    with pytest.raises(ModelError, match=r"cannot be written to .*: the disk is full"):
        install_hub("me/small")
    assert {p.name for p in place.iterdir()} == {"lock"}
