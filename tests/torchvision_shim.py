"""Lets torchvision be imported beside a CPU build of torch that it was not built for.

No torchvision for the CPU can be had on the machines that test this project: the one on the package
registry looks for CUDA libraries and its operators stay undefined. Trainers of YOLO models import it all
the same, mostly for `nms`. This defines that in plain torch and the rest by name only. For tests and
benchmarks; with a torchvision that works it does nothing.
"""

from __future__ import annotations

import sys
import types

_NAMES = (
    "roi_align qroi_align _roi_align_backward qnms roi_pool _roi_pool_backward ps_roi_align "
    "_ps_roi_align_backward ps_roi_pool _ps_roi_pool_backward deform_conv2d _deform_conv2d_backward"
)
_kept: list[object] = []  # a torch library lives as long as its object


def install() -> bool:
    """Makes `import torchvision` work; False where the package is not there."""
    import importlib.util

    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        importlib.import_module("torchvision.ops")
        return True
    except Exception:
        for name in [each for each in sys.modules if each.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    import torch

    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", _nms, "CPU")
    for name in _NAMES.split():
        library.define(f"{name}(Tensor input) -> Tensor")
    _kept.append(library)
    # torchvision.extension refuses to go on without its compiled part
    real = importlib.util.find_spec("torchvision")
    assert real is not None
    extension = types.ModuleType("torchvision.extension")
    extension._assert_has_ops = lambda: None  # type: ignore[attr-defined]
    extension._has_ops = lambda: True  # type: ignore[attr-defined]
    extension._check_cuda_version = lambda: -1  # type: ignore[attr-defined]
    extension._load_library = lambda name: False  # type: ignore[attr-defined]
    sys.modules["torchvision.extension"] = extension
    importlib.import_module("torchvision")
    return True


def _nms(dets, scores, iou_threshold):  # type: ignore[no-untyped-def]
    """Indices of the boxes that stay, best first."""
    import torch

    order = scores.argsort(descending=True, stable=True)
    areas = (dets[:, 2] - dets[:, 0]) * (dets[:, 3] - dets[:, 1])
    kept = []
    while order.numel():
        first = order[0]
        kept.append(first)
        rest = order[1:]
        low = torch.maximum(dets[first, :2], dets[rest, :2])
        high = torch.minimum(dets[first, 2:], dets[rest, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        joint = areas[first] + areas[rest] - shared
        order = rest[shared <= iou_threshold * joint]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)
