"""Files that the store makes of weights once, so that no run has to: graphs for onnxruntime.

onnx is slow to import and holds a model twice while it changes it; both are paid at the installation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sensorium.core.errors import ModelError

_TOKENS = "/backbone/layernorm/Add_1_output_0"


def make(maker: str, source: Path, target: Path) -> None:
    """Writes the graph that `maker` makes of `source`.

    Raises:
        ModelError: the weights are not of the shape that the maker knows.
    """
    target.write_bytes(MAKERS[maker](source).SerializeToString(deterministic=True))


def _segmentation(source: Path) -> Any:
    from sensorium.models.graphs.checkpoint import read_checkpoint
    from sensorium.models.graphs.segmentation_graph import segmentation_graph

    return segmentation_graph(read_checkpoint(source)["state_dict"])


def _campplus(source: Path) -> Any:
    from sensorium.models.graphs.campplus_graph import campplus_graph
    from sensorium.models.graphs.checkpoint import read_checkpoint

    return campplus_graph(read_checkpoint(source))


def _backbone(source: Path) -> Any:
    """The ViT of a saliency model, its decoder cut off: all tokens after the last norm."""
    import onnx
    from onnx.utils import Extractor

    graph = onnx.load(source)
    name = graph.graph.input[0].name
    shape = onnx.helper.make_tensor_value_info(_TOKENS, onnx.TensorProto.FLOAT, None)
    graph.graph.value_info.append(shape)
    try:
        return Extractor(graph).extract_model([name], [_TOKENS])
    except Exception as error:
        raise ModelError(f"{source}: expected a ViT backbone with {_TOKENS}; {error}") from error


def _dlib(source: Path) -> Any:
    from sensorium.models.graphs.dlib_graph import dlib_graph

    return dlib_graph(source.read_bytes())


def _any_size(source: Path) -> Any:
    """A detector whose graph says one size of pictures and one a batch, though it takes any."""
    import onnx
    from onnx.tools.update_model_dims import update_inputs_outputs_dims

    model = onnx.load(source)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    outputs = {
        each.name: ["batch", each.type.tensor_type.shape.dim[1].dim_value, "rows", "columns"]
        for each in model.graph.output
    }
    return update_inputs_outputs_dims(
        model, {inputs[0].name: ["batch", 3, "height", "width"]}, outputs
    )


def _persons(source: Path) -> Any:
    from sensorium.models.graphs.frozen_graph import read_frozen
    from sensorium.models.graphs.person_graph import person_graph

    return person_graph(read_frozen(source))


MAKERS: Mapping[str, Callable[[Path], Any]] = {
    "segmentation": _segmentation,
    "campplus": _campplus,
    "backbone": _backbone,
    "any_size": _any_size,
    "dlib": _dlib,
    "persons": _persons,
}
