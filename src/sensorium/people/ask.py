"""Asking an agent for the names that the evidence of a library does not give. Off unless it is called."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.core.people.evidence import Scene
from sensorium.core.people.identity import Identity
from sensorium.core.people.inquiry import Answer, Budget, Case, Price, Quote
from sensorium.core.record import digest
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout, write_json
from sensorium.library.library import Library
from sensorium.library.lock import held
from sensorium.library.together import Together
from sensorium.ops.people.known import Known
from sensorium.people.cast import Cast
from sensorium.people.claim import read_scene
from sensorium.people.decision import keep_claims
from sensorium.people.match import calibration_of
from sensorium.people.name import in_play
from sensorium.ports import NameAgent, SearchEngine

_LINES = 30  # of what was said or written near somebody
_PICTURES = 3
Disclose = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """`model`: ``http://HOST:PORT/v1#NAME`` of any server with OpenAI's interface, also a local one;
    `search`: ``ddgs``, ``searxng:http://HOST:PORT`` or None for no search; `pictures`: whether faces may
    be shown to the model; `allow_private`: pages may lie at private addresses.
    """

    model: str
    search: str | None = None
    pictures: bool = False
    budget: Budget = field(default_factory=Budget)
    price: Price = field(default_factory=Price)
    allow_private: bool = False


def open_agent(options: AgentOptions, disclose: Disclose) -> NameAgent:
    """The agent of some options; nothing leaves the machine before it is asked.

    Raises:
        MissingDependencyError: the extra agent is not installed.
        UsageError: an unknown search engine.
    """
    try:
        from sensorium.adapters.agents.pydantic_agent import PydanticAgent, openai_model
        from sensorium.adapters.pages.web_pages import WebPages
    except ImportError as error:
        raise MissingDependencyError(
            f"the agent needs {error.name}, not installed; pip install 'sensorium[agent]'"
        ) from None
    model = openai_model(options.model)
    search, pages = search_engine(options.search), WebPages(options.allow_private)
    return PydanticAgent(model, search, disclose, options.budget, options.price, pages)


def search_engine(chosen: str | None) -> SearchEngine | None:
    """The engine of that name; None for None.

    Raises:
        UsageError: another name.
    """
    from sensorium.adapters.search.duckduckgo import DdgsSearch
    from sensorium.adapters.search.searxng import SearxngSearch

    if chosen is None:
        return None
    if chosen == "ddgs":
        return DdgsSearch()
    if chosen.startswith("searxng:"):
        return SearxngSearch(chosen.partition(":")[2])
    raise UsageError(f"search: expected ddgs or searxng:http://HOST:PORT, got {chosen!r}")


def ask(
    library: str | os.PathLike[str],
    options: AgentOptions,
    disclose: Disclose,
    agent: NameAgent | None = None,
) -> Iterator[tuple[Identity, Answer]]:
    """Asks for everyone in a library who has no sure name; each answer becomes a claim among the others.

    `disclose` is called with (where to, what) before anything leaves the machine; False keeps it here.
    Answers are kept in ``answers/`` of the library, and the same question costs nothing again. `agent`
    takes the place of the one that the options describe.

    Raises:
        LibraryError: no library, or another run is writing to it.
    """
    layout = Layout(library)
    known = Cast(library).known()  # also checks that it is a library
    agent = agent or open_agent(options, disclose)
    kept = layout.root / "answers"
    cases = _Cases(layout, known, options.pictures)
    for who in known.all():
        if who.name is not None or not who.samples:
            continue
        case = cases.of(who)
        key = digest(
            [
                case.digest(),
                options.model,
                options.search or "",
                options.budget.pages > 0,
                _version(),
            ]
        )
        answer = _kept(kept / f"{key}.json")
        if answer is None:
            answer = agent.name(case)
            if answer.whole:
                kept.mkdir(exist_ok=True)
                write_json(kept / f"{key}.json", asdict(answer))
        _claim(layout, who, answer)
        yield who, answer


def _version() -> int:
    from sensorium.adapters.agents.pydantic_agent import VERSION

    return VERSION


def _kept(file: Path) -> Answer | None:
    """An answer that was given before; it costs nothing now."""
    try:
        row = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    evidence = tuple(Quote(**each) for each in row["evidence"])
    return Answer(row["name"], row["score"], evidence, row["reason"])


def _claim(layout: Layout, who: Identity, answer: Answer) -> None:
    """The answer as a claim; one without a name takes back what the agent said before."""
    rows: list[dict[str, Any]] = []
    if answer.name is not None:
        quote = "; ".join(f"{each.text} {each.url}".strip() for each in answer.evidence)
        rows = [{"sample": who.samples[0].key, "name": answer.name, "score": answer.score,
                 "source": "agent", "uri": "", "start": None, "end": None, "quote": quote[:500]}]  # fmt: skip
    with held(layout):
        gallery = Gallery(layout)
        keep_claims(gallery, gallery.known(), {(who.samples[0].key, "agent"): rows})


class _Cases:
    """What is to be told of each identity; every file is read once."""

    def __init__(self, layout: Layout, known: Known, pictures: bool) -> None:
        self._layout, self._known, self._pictures = layout, known, pictures
        self._library = Library(layout.root)
        self._entries = {entry["uri"]: entry for entry in self._library.inputs()}
        self._scenes: dict[str, Scene] = {}

    def of(self, who: Identity) -> Case:
        """The case of one identity."""
        files = [uri for uri in dict.fromkeys(s.uri for s in who.samples) if uri in self._entries]
        lines = [line for uri in files for line in _lines(self._scene(uri), who)]
        return Case(
            who.id,
            tuple(sorted(in_play(self._known))),
            who.claims,
            tuple(lines[:_LINES]),
            tuple(Path(uri).name for uri in files),
            tuple(self._faces(who, files)) if self._pictures else (),
            tuple(_similar(who, self._known)),
        )

    def _scene(self, uri: str) -> Scene:
        if uri not in self._scenes:
            self._scenes[uri] = read_scene(
                Together(self._layout, [self._entries[uri]]), self._entries[uri]
            )
        return self._scenes[uri]

    def _faces(self, who: Identity, files: list[str]) -> Iterator[bytes]:
        """The best faces as JPEG, of at most three files."""
        from sensorium.adapters.media.pillow import jpeg_bytes
        from sensorium.adapters.media.reader import MediaReader
        from sensorium.core.media import MediaRef

        mine = {(sample.uri, sample.label) for sample in who.samples}
        there = [uri for uri in files if os.path.exists(uri)]
        for uri in there[:_PICTURES]:
            for row in self._library.table("person", uri).to_pylist():
                if (uri, row["person"]) in mine:
                    times = None if row["at"] is None else [row["at"] + 0.0005]
                    box = [row[name] for name in ("x0", "y0", "x1", "y1")]
                    ref = MediaRef(**self._entries[uri]["ref"])
                    for frame in MediaReader().frames(ref, None, times):
                        yield jpeg_bytes(frame.pixels[0], box)
                        break
                    break


def _lines(scene: Scene, who: Identity) -> Iterator[str]:
    """What this person says, and what is written while he speaks or is seen; with times."""
    mine = {sample.key for sample in who.samples}
    spans = [span for span, key in (*scene.turns, *scene.faces) if key in mine]
    said = ""
    for span, text, key in scene.words:
        said = f"{said} {text}".strip() if key in mine else said
        if said and (key not in mine or text.endswith((".", "?", "!"))):
            yield f"{span.start:.0f} s, says: {said}"
            said = ""
    if said:
        yield f"says: {said}"
    for cue in scene.cues:
        if any(cue.span.overlap(span) > 0 for span in spans):
            yield f"{cue.span.start:.0f} s, subtitle: {cue.name} {cue.text}"
    for line in scene.texts:
        if any(span.start <= line.span.start <= span.end for span in spans):
            yield f"{line.span.start:.0f} s, on the screen: {line.text}"


def _similar(who: Identity, known: Known) -> Iterator[tuple[str, float]]:
    """Known identities with a name that look or sound alike, the most alike first."""
    found: dict[str, float] = {}
    for other in known.identities.values():
        for sample in who.samples if other.name and other.id != who.id else ():
            center = other.centroid(sample.model)
            calibration = calibration_of(sample.model, sample.kind)
            if center is not None and calibration is not None:
                likely = calibration.probability(
                    float(sample.embedding @ center[0]), (sample.seconds, center[1])
                )
                found[other.name or ""] = max(found.get(other.name or "", 0.0), likely)
    ranked = sorted(found.items(), key=lambda each: -each[1])
    return ((name, score) for name, score in ranked[:3] if score >= 0.05)
