"""What is known by name, and where its weights lie: the registry and the store.

`install` fetches what the default choices need, `listed` and `verify` tell what is there, `pack` and `unpack`
carry it to machines without a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorium.core.lazy import lazily

if TYPE_CHECKING:
    from sensorium.models.archive import pack as pack
    from sensorium.models.archive import unpack as unpack
    from sensorium.models.bundled import Model as Model
    from sensorium.models.foreign import install_folder as install_folder
    from sensorium.models.foreign import install_hub as install_hub
    from sensorium.models.installing import install as install
    from sensorium.models.registry import listed as listed
    from sensorium.models.registry import verify as verify
    from sensorium.models.store import where as where

_WHERE = {
    "Model": "models.bundled:Model",
    "install": "models.installing:install",
    "install_folder": "models.foreign:install_folder",
    "install_hub": "models.foreign:install_hub",
    "listed": "models.registry:listed",
    "pack": "models.archive:pack",
    "unpack": "models.archive:unpack",
    "verify": "models.registry:verify",
    "where": "models.store:where",
}
__all__ = sorted(_WHERE)
__getattr__ = lazily(__name__, _WHERE)
