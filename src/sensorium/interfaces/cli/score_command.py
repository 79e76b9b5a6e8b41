"""``sensorium score``: a library against the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensorium.core.errors import MissingDependencyError, MissingMediaError, UsageError
from sensorium.interfaces.cli.terminal.console import echo_json, json_option

if TYPE_CHECKING:
    from sensorium.core.speech import Turn
    from sensorium.library.library import Library

Row = dict[str, Any]
_TURNS = ("der", "jer", "missed", "false_alarm", "confusion")
_WORDS = ("wer", "substituted", "deleted", "inserted", "words")


@click.command()
@click.argument("references", nargs=-1, required=True)
@click.argument("library")
@click.option("--collar", default=0.0, show_default=True, help="Seconds left out at boundaries.")
@click.option("--skip-overlap", is_flag=True, help="Leave out where several speak at once.")
@json_option("Print JSON.")
def score(references: tuple[str, ...], library: str, as_json: bool, **how: Any) -> None:
    """Score a library: REFERENCES are .rttm files (turns) and .txt files (words), then LIBRARY.

    \b
    A .rttm names its files by their names without ending; a .txt is the text of the input
    that has its name. Needs: pip install "sensorium[score]"
    """
    from sensorium.library.library import open_library

    opened, told = open_library(library), []
    ids = _inputs(opened)
    rttm = [each for each in references if each.lower().endswith(".rttm")]
    told += list(_turn_rows(opened, rttm, ids, how)) if rttm else []
    texts = [each for each in references if each not in rttm]
    told += list(_word_rows(opened, texts, ids)) if texts else []
    echo_json(told) if as_json else click.echo(_text(told))


def _inputs(library: Library) -> dict[str, str]:
    """Name as references use it -> path of the input."""
    from sensorium.interfaces.text.formats import file_ids

    return {name: uri for uri, name in file_ids(library.inputs()).items()}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MissingMediaError(f"{path}: expected a reference; {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: expected text in UTF-8, got other bytes") from None


def _found(name: str, reference: str, ids: Mapping[str, str]) -> str:
    if name not in ids:
        known = ", ".join(sorted(ids)[:8])
        raise UsageError(f"{reference}: speaks of {name!r}, which is no input; there are: {known}")
    return ids[name]


def _turn_rows(
    library: Library, references: Sequence[str], ids: Mapping[str, str], how: Mapping[str, Any]
) -> Iterator[Row]:
    from sensorium.ops.speech.rttm import parse

    try:
        from sensorium.adapters.metrics.turn_error import TurnScore
    except ImportError as error:
        raise _missing(error) from None
    scored, num = TurnScore(**how), 0
    for reference in references:
        truths = parse(_read(reference).splitlines(), reference)
        own = "_".join(Path(reference).stem.split())
        if len(truths) == 1 and not truths.keys() & ids.keys() and own in ids:
            truths = {
                own: next(iter(truths.values()))
            }  # the file's name tells what its id does not
        for name, truth in truths.items():
            uri = _found(name, reference, ids)
            turns, end = _turns(library, uri, max(turn.span.end for turn in truth))
            yield {"input": name, **scored.add(truth, turns, end)}
            num += 1
    if num > 1:
        yield {"input": "all", **scored.total()}


def _turns(library: Library, uri: str, end: float) -> tuple[list[Turn], float]:
    from sensorium.core.speech import Turn
    from sensorium.core.time import Span

    about = library.records("media", uri)
    length = about["duration"].iloc[0] if len(about) else None
    rows = library.records("turn", uri)
    turns = [
        Turn(Span(start, stop), speaker)
        for start, stop, speaker in zip(rows["start"], rows["end"], rows["speaker"], strict=True)
    ]
    return turns, max(end, float(length or 0.0))


def _word_rows(
    library: Library, references: Sequence[str], ids: Mapping[str, str]
) -> Iterator[Row]:
    try:
        from sensorium.adapters.metrics.word_error import word_errors
    except ImportError as error:
        raise _missing(error) from None
    whole: dict[str, list[str]] = {"right": [], "heard": []}
    for reference in references:
        name = "_".join(Path(reference).stem.split())
        uri = _found(name, reference, ids)
        right, heard = _read(reference), _heard(library, uri)
        whole["right"].append(right)
        whole["heard"].append(heard)
        yield {"input": name, **word_errors(right, heard)}
    if len(references) > 1:
        yield {"input": "all", **word_errors(" ".join(whole["right"]), " ".join(whole["heard"]))}


def _heard(library: Library, uri: str) -> str:
    """The words of one input as they are read; of two who speak at once, one after the other."""
    from sensorium.interfaces.text.timeline import rows
    from sensorium.ops.speech.utterance import side_by_side

    words = rows(library, library.chosen(uri)[0], "word")
    return " ".join(word["text"] for word in side_by_side([{**w, "speaker": None} for w in words]))


def _missing(error: ImportError) -> MissingDependencyError:
    return MissingDependencyError(
        f'score: needs {error.name}, not installed; pip install "sensorium[score]"'
    )


def _text(rows: Sequence[Row]) -> str:
    lines = []
    for columns in (_TURNS, _WORDS):
        mine = [row for row in rows if columns[0] in row]
        if mine:
            width = max(len(row["input"]) for row in mine) + 2
            lines.append("".ljust(width) + "".join(name.rjust(13) for name in columns))
            for row in mine:
                cells = (row[c] if isinstance(row[c], int) else f"{row[c]:.3f}" for c in columns)
                lines.append(row["input"].ljust(width) + "".join(str(c).rjust(13) for c in cells))
    return "\n".join(lines)
