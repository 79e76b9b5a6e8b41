"""Computing again what a library has lost, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from sensorium.adapters.remote.address import remember
from sensorium.core.config import Config
from sensorium.core.media import MediaRef
from sensorium.library.health.damage import Found, find_damage, lost_results
from sensorium.library.health.mending import mend
from sensorium.library.layout import Layout
from sensorium.library.lock import held
from sensorium.library.store.catalogue import Catalogue
from sensorium.library.store.sink import Sink
from sensorium.library.store.writing import adding
from sensorium.ports import Earlier, Pass, Report
from sensorium.run import work
from sensorium.run.extract import fetch
from sensorium.run.inputs import Input
from sensorium.run.job import Job
from sensorium.run.parts.finished import Look
from sensorium.run.parts.keys import stat_of, unread_key
from sensorium.run.plan import Built, check
from sensorium.run.progress import Watcher

_OTHER = "made with other choices; give those with --config"
_GONE = "the file is gone"
_CHANGED = "the file is another one now; extract it again"
_AGAIN = "extract the file again"


@dataclass(frozen=True, slots=True)
class Lost:
    """What one input had lost: passes that were computed again, and why others could not be."""

    uri: str
    computed: tuple[str, ...] = ()
    left: Mapping[str, str] = field(default_factory=dict)


def repair(layout: Layout, config: Config, watch: Watcher) -> tuple[Found, list[Lost]]:
    """Mends a library, and computes again just the results that are lost.

    A pass is computed if `config` gives it the very recipe of the lost result, and its file is what it was.

    Raises:
        LibraryError: no library, or another process is writing to it.
        ModelError: a model that is needed is not installed.
    """
    with held(layout):
        found = find_damage(layout)
        if found.damages:
            mend(layout, found)
        return found, _computed(layout, lost_results(layout), config, watch)


def _computed(
    layout: Layout, lost: Sequence[tuple[dict[str, Any], list[str]]], config: Config, watch: Watcher
) -> list[Lost]:
    if not lost:
        return []
    check(config)
    fetch(config, [Input(entry["uri"], True) for entry, _ in lost], watch, None)
    built = work._built(config, 1)
    with closing(Catalogue(layout.catalogue)) as catalogue, adding(layout) as sink:
        again = _Again(Look(catalogue), built, config, sink)
        return [again.computed(entry, names) for entry, names in lost]


class _Again:
    """Computes lost passes of one input after another, in this process."""

    def __init__(self, look: Look, built: Built, config: Config, sink: Sink) -> None:
        self._look, self._built, self._config, self._sink = look, built, config, sink

    def computed(self, entry: Mapping[str, Any], names: Sequence[str]) -> Lost:
        """The lost passes `names` of one input, as far as they are what they were."""
        uri, results = entry["uri"], entry["results"]
        remember(uri, False)
        job = Job(Input(uri, True, uri), self._config, "", 1)
        stat = stat_of(job.input)
        if stat != entry["stat"]:
            return Lost(uri, left=dict.fromkeys(names, _GONE if stat is None else _CHANGED))
        ref = entry["ref"]
        if entry["digest"] and "tracks" not in ref:
            return Lost(uri, left=dict.fromkeys(names, _AGAIN))
        keys = dict(self._keys(uri, MediaRef(**ref))) if entry["digest"] else {}
        if not entry["digest"]:
            keys["media"] = unread_key(uri, stat)
        right = {name for name, key in results.items() if keys.get(name) == key}
        left = {n: _AGAIN if n == "work" else _OTHER for n in names if n not in right}
        if len(left) == len(names):
            return Lost(uri, left=left)
        passes = [each if each.name in right else _NotHere(each) for each in self._built.passes]
        work._Work(job, replace(self._built, passes=passes), self._sink).run()
        held = self._sink.finished
        failed = {n: _AGAIN for n in names if n in right and held(results[n]) is None}
        left |= failed
        return Lost(uri, tuple(n for n in names if n not in left), left)

    def _keys(self, uri: str, ref: MediaRef) -> Iterator[tuple[str, str]]:
        return ((name, key) for name, _, key in self._look.wanted(self._built, uri, ref))


class _NotHere:
    """A pass that an input has not, or has by another recipe: others' recipes name it all the same."""

    def __init__(self, one: Pass) -> None:
        self._one, self.name, self.needs = one, one.name, one.needs

    def recipe(self) -> Mapping[str, Any]:
        """That of the pass."""
        return self._one.recipe()

    def applies(self, ref: MediaRef) -> bool:
        """To nothing."""
        return False

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Any]:
        """Never asked for."""
        return self._one.run(ref, earlier, report)


def not_computed(layout: Layout, found: Found) -> list[Lost]:
    """What the catalogue says is lost, where it can be asked; what damaged files held is not among it."""
    if not found.catalogue:
        return []
    told = "computed again by --repair"
    return [
        Lost(entry["uri"], left=dict.fromkeys(names, told)) for entry, names in lost_results(layout)
    ]
