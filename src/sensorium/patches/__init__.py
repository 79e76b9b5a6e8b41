"""Any array or picture cut into patches and put back exactly, in our own way and in those of others.

`split`, `merge`, `pack` and `draw` are ours; `sensorium.patches.patchify`, `.empatches` and
`.unfold` have the names and arguments of other libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorium.core.lazy import lazily

if TYPE_CHECKING:
    from sensorium.core.patch.grid import PatchGrid as PatchGrid
    from sensorium.patches.door import Merger as Merger
    from sensorium.patches.door import Patches as Patches
    from sensorium.patches.door import draw as draw
    from sensorium.patches.door import merge as merge
    from sensorium.patches.door import pack as pack
    from sensorium.patches.door import split as split

_WHERE = {
    "Merger": "patches.door:Merger",
    "PatchGrid": "core.patch.grid:PatchGrid",
    "Patches": "patches.door:Patches",
    "draw": "patches.door:draw",
    "merge": "patches.door:merge",
    "pack": "patches.door:pack",
    "split": "patches.door:split",
}
__all__ = sorted(_WHERE)
__getattr__ = lazily(__name__, _WHERE)
