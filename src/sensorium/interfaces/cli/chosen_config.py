"""What a command's options and its ``--config`` file say together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from sensorium.core.config import Config

_ONLY = {"passes": "only"}  # choices whose option has another name


def chosen(file: str | None, choices: Mapping[str, Any]) -> Config:
    """The config of a command: its options, or the file with those options that were given by hand over it.

    Raises:
        UsageError: a file that is no config; see `sensorium.run.config_file.read_config`.
    """
    if file is None:
        mine = dict(choices)
        return Config.flat(mine.pop("passes", None), **mine)
    from sensorium.run.config_file import read_config

    context = click.get_current_context()
    given = {
        name: value
        for name, value in choices.items()
        if context.get_parameter_source(_ONLY.get(name, name))
        not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP, None)
    }
    return read_config(file, **given)
