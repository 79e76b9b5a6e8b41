"""What every test may ask for."""

from __future__ import annotations

import os

import numpy as np
import pytest

import tiny_models

pytest.register_assert_rewrite("contracts")


@pytest.fixture(autouse=True)
def _as_usual():
    """A test that leaves this thread a real-time one stops later ones: see `usual_priority`."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) not in (os.SCHED_FIFO, os.SCHED_RR)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20261123)


@pytest.fixture(scope="session")
def transformers():
    """The library, or no such test."""
    pytest.importorskip("torch")
    return pytest.importorskip("transformers")


@pytest.fixture(scope="session")
def random_whisper(transformers, tmp_path_factory):
    """A Whisper of random weights, without a tokenizer."""
    return tiny_models.whisper(tmp_path_factory.mktemp("random-whisper"))


@pytest.fixture(scope="session")
def random_spectrogram(transformers, tmp_path_factory):
    """An AST of random weights."""
    return tiny_models.spectrogram_transformer(tmp_path_factory.mktemp("random-ast"))


@pytest.fixture(scope="session")
def random_transcriber(transformers, tmp_path_factory):
    """A Whisper of random weights with the bundled tokenizer."""
    return tiny_models.whisper_that_writes(tmp_path_factory.mktemp("random-transcriber"))


@pytest.fixture(scope="session")
def random_vision(transformers, tmp_path_factory):
    """One folder of random weights per family of vision transformers."""
    return tiny_models.vision_transformers(tmp_path_factory.mktemp("random-vision"))


@pytest.fixture(scope="session")
def random_naflex(transformers, tmp_path_factory):
    """A SigLIP 2 of random weights with its processor's config."""
    return tiny_models.naflex(tmp_path_factory.mktemp("random-siglip2"))
