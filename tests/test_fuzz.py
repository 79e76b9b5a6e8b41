"""The short version of `benchmarks/fuzz.py`: no crash, no time that cannot be; pinned what it once found."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def fuzz():
    """The benchmark as a module."""
    spec = importlib.util.spec_from_file_location("fuzz", ROOT / "benchmarks" / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def mutants(fuzz, tmp_path_factory):
    """Ten thousand of them, of which each is made when it is asked for."""
    return fuzz.Mutants(10_000, 1, str(tmp_path_factory.mktemp("fuzz")))


@pytest.fixture(autouse=True)
def the_passes_stay(monkeypatch, fuzz):
    """The benchmark puts its fakes in place of the passes; other tests want theirs back."""
    monkeypatch.setattr(fuzz.work, "_built", fuzz.work._built)


@pytest.mark.filterwarnings("ignore")
def test_broken_files_are_read_or_refused(fuzz, mutants):
    """Two of every kind: each ends in records with times that can be, or in one error of ours."""
    wrong = []
    for number in range(100):
        item = mutants[number]
        answer = fuzz.examined(item)
        wrong += fuzz.judged(item, answer, {"pixels": None, "records": None})
    assert not wrong


# Errors of decoders, lengths that cannot be, pictures that change their size, frames of fewer channels.
FOUND = [191, 662, 830, 4443, 4493, 6795, 7843, 8843, 9743]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", FOUND)
def test_what_was_found_stays_mended(fuzz, mutants, number):
    """Mutants that were once an unexpected error (their bytes depend on the encoders of this PyAV)."""
    item = mutants[number]
    assert not fuzz.judged(item, fuzz.examined(item), {"pixels": None, "records": None})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("seed", "number"), [(2, 395), (16, 2710)])
def test_what_other_seeds_found_stays_mended(fuzz, tmp_path, seed, number):
    """A length in an APNG that asks for gigabytes; a transport stream with pictures before its beginning."""
    item = fuzz.Mutants(10_000, seed, str(tmp_path))[number]
    assert not fuzz.judged(item, fuzz.examined(item), {"pixels": None, "records": None})
