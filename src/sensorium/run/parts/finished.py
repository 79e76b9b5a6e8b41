"""Which inputs of a run have all their results: decided from the catalogue, without a worker or a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sensorium.adapters.remote.address import is_remote
from sensorium.core.media import MediaRef
from sensorium.core.record import digest
from sensorium.library.layout import Layout, fingerprints, result_key
from sensorium.library.store.catalogue import Catalogue
from sensorium.library.store.shelf import Shelf
from sensorium.library.store.sink import to_repeat
from sensorium.run import work
from sensorium.run.job import Failure, Job, Outcome
from sensorium.run.parts.keys import media_recipe, stat_of, unread_key
from sensorium.run.plan import Built

States = Mapping[str, Mapping[str, Any]]


def already(jobs: Sequence[Job], layout: Layout) -> Iterator[Outcome | None]:
    """The outcome of each job that has nothing left to do; None where there may be something."""
    with Shelf(layout).catalogue() as catalogue:
        look = Look(catalogue)
        for job in jobs:
            yield look.outcome(job)


class Look:
    """What `work` would find, as long as it finds everything."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._prints: dict[tuple[str, ...], dict[str, str]] = {}
        self._same: dict[Any, Any] = {}  # tuples that many outcomes have

    def outcome(self, job: Job) -> Outcome | None:
        """What became of the input; None if there may be something to do."""
        entry = next(iter(self._catalogue.entries_where("uri", job.input.uri)), None)
        if entry is None:
            return None
        if is_remote(job.input.uri) and job.input.stat is None:
            return None  # who asks for it there asks once, and many at a time
        stat = stat_of(job.input)
        if stat is None or entry["stat"] != stat:
            return None
        if not entry["digest"]:
            return self._unread(job, entry, stat)
        if "tracks" not in entry["ref"]:
            return None
        return self._all(job, entry, MediaRef(**entry["ref"]))

    def _unread(self, job: Job, entry: Mapping[str, Any], stat: list[int]) -> Outcome | None:
        key = unread_key(job.input.uri, stat)
        state = self._catalogue.state(key)
        if state is None or not job.input.claimed or entry["results"] != {"media": key}:
            return None
        if to_repeat(state, job.retry_failed):
            return None
        return Outcome(
            job.input.uri, failures=(Failure("media", state["error"], state["message"]),)
        )

    def _all(self, job: Job, entry: Mapping[str, Any], ref: MediaRef) -> Outcome | None:
        built = work._built(job.config, job.threads)
        states = self._catalogue.states(ref.digest[:32])
        found: list[str] = []
        failures: list[Failure] = []
        warnings = list(entry.get("warnings", ()))
        stale = {"work"}
        for name, needs, key in self.wanted(built, job.input.uri, ref):
            if {failure.step for failure in failures} & needs:
                stale.add(name)
                continue
            state = states.get(key)
            if (
                state is None
                or entry["results"].get(name) != key
                or to_repeat(state, job.retry_failed)
            ):
                return None
            if state["status"] == "failed":
                failures.append(Failure(name, state["error"], state["message"]))
            else:
                found.append(name)
                warnings += state.get("warnings", ())
                failures += [Failure(**each) for each in state.get("errors", ())]
        if stale & entry["results"].keys():
            return None
        told = tuple(dict.fromkeys(warnings))
        done = self._one(tuple(found))
        return Outcome(
            job.input.uri, ref.kind, ref.duration, (), done, tuple(failures), self._one(told)
        )

    def wanted(
        self, built: Built, uri: str, ref: MediaRef
    ) -> Iterator[tuple[str, frozenset[str], str]]:
        """(name, what it needs, key) of every result that the file is to have, in order of need."""
        recipe = digest(media_recipe(built.subtitles.beside(uri)))
        yield "media", frozenset(), result_key(ref.digest, "media", recipe)
        wanted = [each for each in built.passes if each.applies(ref)]
        names = tuple(each.name for each in wanted)
        if names not in self._prints:
            self._prints[names] = fingerprints(built.passes, wanted)
        for each in wanted:
            key = result_key(ref.digest, each.name, self._prints[names][each.name])
            yield each.name, frozenset(each.needs), key

    def _one(self, value: Any) -> Any:
        return self._same.setdefault(value, value)
