"""What every port with a provenance promises: it is plain data, and no weights are read for it."""

from __future__ import annotations

import numpy as np
import pytest

from sensorium.core.errors import ModelError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import digest
from sensorium.models import installing
from tiny_models import spoilt_copy

RATE = 16_000


def noise(seconds: float, start: float = 0.0, rate: int = RATE, seed: int = 0) -> Audio:
    """Sound in which everybody hears something: a tone with noise on it."""
    num = round(seconds * rate)
    rng = np.random.default_rng(seed)
    samples = 0.1 * rng.standard_normal(num) + 0.3 * np.sin(np.arange(num) * (0.1 + 0.05 * seed))
    return Audio(samples[None].astype(np.float32), rate, start)


def silence(seconds: float, start: float = 0.0, rate: int = RATE) -> Audio:
    """Zeros."""
    return Audio(np.zeros((1, round(seconds * rate)), np.float32), rate, start)


def assert_same(one: Features, other: Features, tolerance: float = 0.0) -> None:
    """Raises unless both are the same output with the same values."""
    assert (one.name, one.model, one.num_valid) == (other.name, other.model, other.num_valid)
    assert one.axes == other.axes
    assert one.values.dtype == other.values.dtype
    np.testing.assert_allclose(
        one.values.astype(np.float64), other.values.astype(np.float64), atol=tolerance
    )


class ModelContract:
    """Of whatever has a `provenance`."""

    tolerance = 1e-4  # how far a batch may lead from one alone: sums in another order

    def ask(self, model):
        """The least that the model can be asked for."""
        raise NotImplementedError

    def test_provenance_is_plain_data_and_stays(self, model):
        told = model.provenance.plain()
        self.ask(model)
        assert told["model"]
        assert told["revision"] or told["params"]
        assert digest(model.provenance.plain()) == digest(told)


class WeightsContract:
    """Of a model with weights: `spoilt` is one like it whose weights cannot be had or loaded."""

    missing: type[Exception] = ModelError  # what using it raises

    def test_provenance_is_known_without_loading_weights(self, spoilt):
        assert spoilt.provenance.plain()["model"]
        with pytest.raises(self.missing):
            self.ask(spoilt)


class StoredContract(WeightsContract):
    """Of a model out of the store: its provenance is the same before its weights are installed."""

    @classmethod
    def made(cls):
        """A new one."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return cls.made()

    @pytest.fixture
    def spoilt(self, monkeypatch, tmp_path):
        monkeypatch.setenv("SENSORIUM_MODELS", str(tmp_path / "empty"))
        monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
        # nor may they come out of a package that happens to be installed beside
        monkeypatch.setattr(installing, "carried", lambda package, member: None)
        return self.made()

    def test_provenance_is_that_of_the_installed_weights(self, spoilt, model):
        assert spoilt.provenance == model.provenance


class FolderContract(WeightsContract):
    """Of a model out of a folder of transformers: a fixture `folder`."""

    @classmethod
    def of(cls, source: str):
        """The model of a source."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, folder):
        return cls.of(str(folder))

    @pytest.fixture
    def spoilt(self, folder, tmp_path):
        return self.of(str(spoilt_copy(folder, tmp_path / "spoilt")))

    def test_provenance_of_a_name_asks_nobody(self, model, monkeypatch, tmp_path):
        """A hub name is told apart from another without a network."""
        monkeypatch.setenv("SENSORIUM_OFFLINE", "1")
        one, other = (self.of(f"nobody/nothing-{number}").provenance for number in (1, 2))
        assert one != other
