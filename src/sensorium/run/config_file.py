"""A config in a YAML file, in the groups of `Config`: what a tuning writes, and what people write by hand.

YAML and not TOML: it can say "open" (``speakers: [2, null]``), Python 3.10 reads no TOML by itself, no Python
writes it, and pyyaml is there already.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import yaml

from sensorium.core.config import Config
from sensorium.core.errors import UsageError
from sensorium.run.filled import filled


def as_config(config: Config | str | os.PathLike[str] | None) -> Config:
    """A config, the one in a file, or the defaults."""
    if isinstance(config, Config):
        return config
    return Config() if config is None else read_config(config)


def read_config(path: str | os.PathLike[str], **over: Any) -> Config:
    """The config in a YAML file, with `over` (names of `Config.flat`) in place of what it says.

    Raises:
        UsageError: no such file, no YAML, a group or a name that does not exist, a value of another type or
            out of range; it names the file and the key.
    """
    file = Path(path).expanduser()
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UsageError(f"{file}: expected a config as YAML; {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: expected text in UTF-8, got other bytes") from None
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise UsageError(f"{file}: cannot be read as YAML; {told}") from None
    if not isinstance(said, Mapping):
        raise UsageError(f"{file}: expected groups such as speech:, got {type(said).__name__}")
    plain = _lists(said)
    config = filled(Config(), plain, f"{file}: config")
    for name in ("diarization", "live"):
        _known(name, getattr(config.speech, name), f"{file}: config.speech.{name}")
    return _over(config, over)


def write_config(path: str | os.PathLike[str], config: Config, comment: str = "") -> Path:
    """Writes what differs from the defaults, so that better defaults of later versions are not held back.

    `comment` stands above it, each line behind a #.
    """
    said: dict[str, Any] = {}
    default = Config()
    for each in fields(config):
        value, usual = getattr(config, each.name), getattr(default, each.name)
        if value == usual:
            continue
        if each.name == "passes":
            said["passes"] = list(value)
        else:
            usual, value = asdict(usual), asdict(value)
            said[each.name] = {k: _plain(v) for k, v in value.items() if v != usual[k]}
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True) if said else "{}\n"
    file = Path(path).expanduser()
    beside = file.with_name(f"{file.name}.part")
    beside.write_text("\n".join([*lines, text]), encoding="utf-8")
    os.replace(beside, file)
    return file


def _over(config: Config, over: Mapping[str, Any]) -> Config:
    """The choices of `over`, by the names of all groups side by side."""
    passes = over.get("passes") or config.passes
    mine = {name: value for name, value in over.items() if name != "passes"}
    flat = {
        each.name: getattr(group, each.name)
        for name in ("speech", "sound", "pictures", "people")
        for group in [getattr(config, name)]
        for each in fields(group)
    }
    return Config.flat(passes, **{**flat, **mine})


def _known(side: str, given: Mapping[str, Any], where: str) -> None:
    """Raises where options of who speaks when are none."""
    from sensorium.run.plan import live_options, whole_options

    if side == "live":
        live_options(given, where)
    else:
        whole_options(given, where)


def _lists(said: Any) -> Any:
    if isinstance(said, Mapping):
        return {str(name): _lists(value) for name, value in said.items()}
    return tuple(said) if isinstance(said, list) else said


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
