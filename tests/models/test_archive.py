"""One file carries a store to another machine; what it says of itself is not believed."""

import hashlib
import io
import json
import os
import tarfile

import pytest
from small_index import EARS, EYES, SMALL, sha256

from sensorium.core.errors import ModelError, UsageError
from sensorium.models.archive import pack, unpack
from sensorium.models.foreign import install_folder, own_folder
from sensorium.models.installing import install
from sensorium.models.manifest import damage
from sensorium.models.registry import verify
from sensorium.models.store import folder, is_there


@pytest.fixture
def other(quick, tmp_path, monkeypatch):
    """A function that goes to another machine's store, empty, and gives its folder."""

    def go(name="other"):
        quick.home = tmp_path / name
        monkeypatch.setenv("SENSORIUM_MODELS", str(quick.home))
        monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
        return quick.home

    return go


def manifest(name, files, **more):
    """What `write_manifest` would say of such files."""
    about = {"name": name, "licence": "MIT", "purpose": "", "source": "somewhere", **more}
    sums = {n: {"sha256": sha256(c), "bytes": len(c)} for n, c in files.items()}
    return json.dumps({**about, "files": sums}).encode()


def write(path, *members):
    """A tar of (name or TarInfo, content)."""
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def ears(content=EARS, **more):
    """The members of a file that holds ears, with a manifest that fits them."""
    place = folder("ears").name
    files = {"ears.onnx": content}
    return [
        (f"{place}/ears.onnx", content),
        (f"{place}/manifest.json", manifest("ears", files, **more)),
    ]


def odd(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def own_model(tmp_path, name, **files):
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    (source / "config.json").write_bytes(b"{}")
    (source / "model.safetensors").write_bytes(b"numbers")
    return install_folder(source, name)


def test_there_and_back(quick, other, tmp_path):
    """All that is installed, of the registry and own; the other machine has the same bytes, offline."""
    places = [*install(["ears", "joined", "eyes"], quiet=True), own_model(tmp_path, "me/mine")]
    before = {p.relative_to(quick.home): p.read_bytes() for q in places for p in q.iterdir()}
    file = pack(tmp_path / "models.tar")
    assert pack(tmp_path / "again.tar").read_bytes() == file.read_bytes()
    home = other()
    assert sorted(unpack(file)) == sorted(home / place.name for place in places)
    after = {p.relative_to(home): p.read_bytes() for p in home.rglob("*/*")}
    assert after == before
    assert install(["ears", "joined", "eyes"]) == [folder(n) for n in ("ears", "joined", "eyes")]
    assert not verify()
    assert sorted(unpack(file)) == sorted(home / place.name for place in places)


def test_nobody_is_in_it(quick, tmp_path):
    """Neither who packed nor when."""
    install(["ears"], quiet=True)
    with tarfile.open(pack(tmp_path / "models.tar")) as tar:
        told = {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in tar.getmembers()}
    assert told == {(0, 0, "", "", 0)}


def test_some_only(quick, tmp_path):
    """By name, own ones too; a name that is not there or needs no packing is said."""
    install(["ears", "joined"], quiet=True)
    own_model(tmp_path, "me/mine")
    with tarfile.open(pack(tmp_path / "some.tar", ["ears", "me/mine", "ears"])) as tar:
        inside = [member.name for member in tar.getmembers()]
    assert {name.split("/")[0] for name in inside} == {folder("ears").name, "own--me%2Fmine"}
    assert len(inside) == len(set(inside)) == 5
    for name, message in [("eyes", "is not installed; .*install eyes"), ("hands", "comes with click 8"),
                          ("nose", "expected one of")]:  # fmt: skip
        with pytest.raises(UsageError, match=message):
            pack(tmp_path / "none.tar", [name])
    assert not (tmp_path / "none.tar").exists()


def test_nothing_to_pack(quick, tmp_path):
    """Also where only a killed run's leftovers, and another version's weights, lie."""
    install(["ears"], quiet=True)
    folder("ears").rename(quick.home / "ears-000000000000")
    left = quick.home / "own--x.part"
    left.mkdir()
    (left / "manifest.json").write_bytes(manifest("x", {}))
    with pytest.raises(UsageError, match=r"no models in .*; install some first: sensorium models"):
        pack(tmp_path / "models.tar")


def test_what_is_damaged_is_not_packed(quick, tmp_path):
    """A file that is there already stays as it is."""
    install(["ears"], quiet=True)
    file = pack(tmp_path / "models.tar")
    before = file.read_bytes()
    (folder("ears") / "ears.onnx").write_bytes(b"")
    with pytest.raises(
        ModelError, match=r"ears.onnx is not the file .*; run: sensorium models verify"
    ):
        pack(file)
    assert file.read_bytes() == before


def test_only_what_the_manifest_tells_of_is_packed(quick, tmp_path):
    install(["ears"], quiet=True)
    (folder("ears") / "notes.txt").write_text("mine")
    with tarfile.open(pack(tmp_path / "models.tar")) as tar:
        inside = {member.name.split("/")[1] for member in tar.getmembers()}
    assert inside == {"ears.onnx", "manifest.json"}


@pytest.mark.parametrize("target", ["none/models.tar", "."])
def test_a_place_that_cannot_be_written(quick, tmp_path, target):
    install(["ears"], quiet=True)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ModelError, match=r"cannot be written: .*; choose another place"):
        pack(tmp_path / target)
    assert sorted(tmp_path.iterdir()) == before


def test_every_cut_is_found(quick, other, tmp_path):
    """Wherever a file ends early, between two members too: an error, and no half a model."""
    install(["ears", "joined"], quiet=True)
    content = pack(tmp_path / "models.tar").read_bytes()
    with tarfile.open(tmp_path / "models.tar") as tar:
        edges = [each.offset for each in tar.getmembers()]
    home = other()
    cut = tmp_path / "cut.tar"
    for length in [0, 100, *edges[1:], edges[1] - 300, edges[2] + 100, edges[-1] + 520, tar.offset]:
        cut.write_bytes(content[:length])
        with pytest.raises(UsageError, match="cut short"):
            unpack(cut)
        assert not home.exists()
    cut.write_bytes(content[: edges[2]] + b"\1" * 512 + content[edges[2] + 512 :])
    with pytest.raises(UsageError, match="cut short"):
        unpack(cut)
    assert not home.exists()


def test_a_changed_byte_is_found(quick, other, tmp_path):
    """Of a file, with a manifest that is right; the models before it stay."""
    install(["ears", "joined"], quiet=True)
    file = pack(tmp_path / "models.tar")
    content = file.read_bytes()
    assert content.count(EYES) == 1
    file.write_bytes(content.replace(EYES, EYES[:-1] + b"!"))
    home = other()
    with pytest.raises(ModelError, match=r"joined-\w+: model.bin is not .*; pack it again"):
        unpack(file)
    assert sorted(p.name for p in home.iterdir()) == sorted([folder("ears").name, "lock"])


@pytest.mark.parametrize("made", [None, b"", b"no tar at all" * 100, "gz", "folder"])
def test_no_file_of_pack(quick, tmp_path, made):
    path = tmp_path / "models.tar"
    if made == "gz":
        with tarfile.open(path, "w:gz") as tar:
            tar.addfile(tarfile.TarInfo("ears/x"))
    elif made == "folder":
        path.mkdir()
    elif made is not None:
        path.write_bytes(made)
    with pytest.raises(UsageError, match="expected a file of sensorium models pack"):
        unpack(path)
    assert not quick.home.exists()


@pytest.mark.parametrize("name", [
    "/etc/x", "../x", "ears/../../x", "ears/..", "ears\\..\\x", "ears/a\\b", "x", "ears/a\nb", "./ears",
    "own--x.part/model.safetensors", "ears/\x1b[2J",
])  # fmt: skip
def test_names_that_lead_out(quick, tmp_path, name):
    """Refused by their names, after good ones too; nothing is written anywhere."""
    file = write(tmp_path / "models.tar", *ears(), (name, b"x"))
    with pytest.raises(UsageError, match="expected names FOLDER/FILE in it, got"):
        unpack(file)
    assert not quick.home.exists()


@pytest.mark.parametrize("kind", [
    tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
    tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE,
])  # fmt: skip
def test_members_that_are_no_files(quick, tmp_path, kind):
    """Links, devices, pipes, files with holes: refused, even beside a model that is right."""
    place = folder("ears").name
    if kind == tarfile.GNUTYPE_SPARSE:
        block = odd(f"{place}/ears.onnx", kind).tobuf(tarfile.GNU_FORMAT)
        file = tmp_path / "models.tar"
        file.write_bytes(block + bytes(1024))
    else:
        file = write(tmp_path / "models.tar", *ears(), (odd(f"{place}/x", kind, "ears.onnx"), b""))
    with pytest.raises(UsageError, match="expected plain files in it"):
        unpack(file)
    assert not quick.home.exists()


def test_a_file_with_holes(quick, tmp_path):
    """In the form that looks like a plain file: a few bytes that would be a million."""
    info = odd(f"{folder('ears').name}/ears.onnx")
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": "1000000",
    }
    content = b"1\n0\n3\n".ljust(512, b"\0") + b"abc"
    with pytest.raises(UsageError, match="expected plain files in it"):
        unpack(write(tmp_path / "models.tar", (info, content)))
    assert not quick.home.exists()


def test_a_file_twice(quick, tmp_path):
    """Also where the second name only reads the same."""
    place = folder("ears").name
    for name in (f"{place}/ears.onnx", f"{place}//./ears.onnx"):
        file = write(tmp_path / "models.tar", *ears(), (name, b"x"))
        with pytest.raises(UsageError, match="expected every file once"):
            unpack(file)
    assert not quick.home.exists()


def test_a_folder_that_nobody_knows(quick, tmp_path):
    """Of another version, or made up."""
    for name in ("ears-000000000000", "ears", "lock", folder("hands").name):
        members = [(f"{name}/ears.onnx", EARS), (f"{name}/manifest.json", manifest("ears", {}))]
        with pytest.raises(UsageError, match="no model that this version of Sensorium knows"):
            unpack(write(tmp_path / "models.tar", *members))
    assert not quick.home.exists()


def test_other_bytes_under_a_known_name(quick, tmp_path):
    """A manifest that fits them is not enough: the registry knows the checksum."""
    with pytest.raises(ModelError, match=r"ears.onnx is not that of sn-ears 1.0; nothing of it"):
        unpack(write(tmp_path / "models.tar", *ears(b"hostile")))
    assert quick.left() == []
    assert unpack(write(tmp_path / "models.tar", *ears())) == [folder("ears")]


def test_more_or_less_than_is_known(quick, tmp_path):
    """A file that the registry does not tell of, listed or not, or one that is lacking."""
    place = folder("ears").name
    both = {"ears.onnx": EARS, "evil.py": b"x"}
    for members in (
        [*ears(), (f"{place}/evil.py", b"x")],
        [(f"{place}/{n}", c) for n, c in both.items()] + [(f"{place}/manifest.json", manifest("ears", both))],
        ears()[1:],
    ):  # fmt: skip
        with pytest.raises(UsageError, match="is missing or does not belong there"):
            unpack(write(tmp_path / "models.tar", *members))
    for members, message in [
        (ears()[:1], "expected manifest.json"),
        ([ears()[0], (f"{place}/manifest.json", manifest("ears", {}))], "not in its manifest"),
        ([ears()[0], (f"{place}/manifest.json", b"{}")], "expected name, licence"),
    ]:
        with pytest.raises(ModelError, match=message):
            unpack(write(tmp_path / "models.tar", *members))
    assert quick.left() == []


@pytest.mark.parametrize(("name", "files", "message"), [
    ("mine", {"config.json": b"{}"}, "found none"),
    ("mine", {"model.safetensors": b"x", "pytorch_model.bin": b"x"}, "does not belong"),
    ("mine", {"model.safetensors": b"x", "modeling.py": b"x"}, "does not belong"),
    ("mine", {"model.bin": b"PK\x03\x04 of torch"}, "model.bin of torch"),
    ("model/of/another", {"model.safetensors": b"x"}, "manifest is that of 'model/of/another'"),
])  # fmt: skip
def test_own_models_are_no_way_round(quick, tmp_path, name, files, message):
    """No code, no pickles, no model under another's name come in with a file."""
    members = [(f"own--mine/{n}", c) for n, c in files.items()]
    members.append(("own--mine/manifest.json", manifest(name, files)))
    with pytest.raises((UsageError, ModelError), match=message):
        unpack(write(tmp_path / "models.tar", *members))
    assert quick.left() == []


def test_what_is_there_is_kept_and_what_is_broken_mended(quick, tmp_path):
    """Also a folder in the store whose manifest fits, but not the registry."""
    (joined,) = install(["joined"], quiet=True)
    install(["ears"], quiet=True)
    file = pack(tmp_path / "models.tar")
    kept = (joined / "model.bin").stat().st_ino
    (folder("ears") / "ears.onnx").write_bytes(b"hostile")
    (folder("ears") / "manifest.json").write_bytes(manifest("ears", {"ears.onnx": b"hostile"}))
    unpack(file)
    assert (folder("ears") / "ears.onnx").read_bytes() == EARS
    assert (joined / "model.bin").stat().st_ino == kept
    assert quick.left() == sorted([joined.name, folder("ears").name])


def test_a_disk_that_is_full(quick, other, disk, tmp_path, monkeypatch):
    """In the middle of the second of two: the first stays. Packing onto it leaves nothing there."""
    big = os.urandom(2_000_000)
    quick.wheel("sn-big", {"big.bin": big})
    quick.weights("zoo", {"big.bin": (big, ("sn-big", "big.bin"))})
    install(["small-ears", "zoo"], quiet=True)
    file = pack(tmp_path / "models.tar")
    place, _ = disk
    with pytest.raises(ModelError, match=r"models.tar: cannot be written: .*No space left"):
        pack(place / "models.tar")
    assert list(place.iterdir()) == []
    monkeypatch.setenv("SENSORIUM_MODELS", str(place))
    with pytest.raises(ModelError, match=r"zoo-\w+: cannot be written to .*: the disk is full"):
        unpack(file)
    assert {p.name for p in place.iterdir()} == {folder("small-ears").name, "lock"}
    assert (folder("small-ears") / "small.onnx").read_bytes() == SMALL


def test_every_worker_reads_the_same_file(quick, other, tmp_path):
    """Two at once on one store that is empty, and once more on one that is complete."""
    install(["ears", "joined"], quiet=True)
    file = pack(tmp_path / "models.tar")
    home = other()
    program = f"from sensorium.models.archive import unpack\nprint(len(unpack({str(file)!r})))"
    runs = [quick.start(program) for _ in range(2)]
    assert [run.communicate()[0] for run in runs] == ["2\n", "2\n"]
    assert not damage(folder("ears"))
    assert not damage(folder("joined"))
    (home / "lock").unlink()
    unpack(file)
    assert not (
        home / "lock"
    ).exists()  # nothing to write: a store may be one that only root writes


def test_a_killed_run_leaves_no_half(quick, other, tmp_path):
    """Killed with all bytes written, before the folder has its name."""
    install(["ears"], quiet=True)
    file = pack(tmp_path / "models.tar")
    other()
    run = quick.start(
        f"os.replace = stay\nfrom sensorium.models.archive import unpack\nunpack({str(file)!r})"
    )
    assert run.stdout.readline() == "here\n"
    run.kill()
    run.wait()
    assert not is_there("ears")
    unpack(file)
    assert quick.left() == [folder("ears").name]


def test_names_of_own_folders():
    """Two names never share one, nor does any lie elsewhere or end as leftovers do."""
    names = ["a/b", "a--b", "a%2Fb", "..", "../x", "a.part", "a%2Epart", "ä", "A/B"]
    folders = [own_folder(name) for name in names]
    assert len({hashlib.sha256(bytes(path)).digest() for path in folders}) == len(names)
    assert len({path.parent for path in folders}) == 1
    assert not [path for path in folders if path.name.endswith(".part")]
