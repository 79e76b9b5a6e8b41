"""Reading a library: tables, features, datasets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorium.adapters.remote.address import is_remote, shown
from sensorium.adapters.stores.feature_shards import OpenTensors, read_features
from sensorium.core.errors import LibraryError, UsageError
from sensorium.core.features import Features
from sensorium.core.lazy import Shown
from sensorium.core.record import KINDS
from sensorium.library.choosing import choose, matching, results_of
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library_file import LibraryFile, names
from sensorium.library.snapshot import WhoIsWho, who_is_who
from sensorium.library.store.shelf import Shelf
from sensorium.library.upstairs import Upstairs

if TYPE_CHECKING:
    import datasets
    import pandas as pd
    import pyarrow as pa

    from sensorium.ops.people.known import Known


class Library(Upstairs, Shown):
    """The results of many files in one folder, as the last run over each file asked for them.

    Every table is a pandas DataFrame in order of input and time, readable columns first; `media` narrows
    it to one input, given by its path, the end of its path, or its digest, and so does
    ``library["talk.mp4"]``. Times are seconds from the start of the file. What each column
    holds is in docs/formats.md and in `sensorium.core.record.KINDS`.

    Raises:
        LibraryError: the folder is no library, or of a newer format.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._layout = Layout(path)
        self._layout.check()
        self.shelf = Shelf(self._layout)

    def __repr__(self) -> str:
        with self.shelf.catalogue() as catalogue:
            return f"Library({str(self.path)!r}, {catalogue.num_inputs()} inputs)"

    def __getitem__(self, media: str | os.PathLike[str]) -> LibraryFile:
        """One file, by its path, the end of its path, or its digest: ``library["talk.mp4"]``."""
        return LibraryFile(self, self.chosen(media)[0])

    def __iter__(self) -> Iterator[str]:
        """The names of its files, as short as can be."""
        return iter(names(self.inputs()).values())

    def __contains__(self, media: object) -> bool:
        """Whether it has an input of that name, and just one."""
        try:
            return isinstance(media, (str, os.PathLike)) and bool(self.chosen(media))
        except UsageError:
            return False

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._layout.root

    def inputs(self) -> list[dict[str, Any]]:
        """What is known of each input: uri, digest, results; sorted by uri."""
        return self.shelf.entries()

    def chosen(self, media: str | os.PathLike[str] | None = None) -> list[dict[str, Any]]:
        """The entries of `inputs` that `media` names: all for None, else exactly one.

        Raises:
            UsageError: no input of that name, or several.
        """
        if media is None:
            return self.inputs()
        name = shown(os.fspath(media))
        near = [
            *self.shelf.entries_where("base", name.rstrip("/").rpartition("/")[2]),
            *self.shelf.entries_where("media", name[:32]),
        ]
        found = matching(list({entry["uri"]: entry for entry in near}.values()), name)
        return found if len(found) == 1 else choose(self.inputs(), name, str(self.path))

    def called(self, uri: str) -> str:
        """The file name of an input, or its whole path where another one has the same name."""
        base = os.path.basename(uri)
        return base if len(self.shelf.entries_where("base", base, 2)) == 1 else uri

    def files(self, kind: str, media: str | os.PathLike[str] | None = None) -> list[Path]:
        """The Parquet files that hold `kind`, each once, for any tool that reads Parquet.

        They hold the rows that count now, and no others. Many inputs share a file: those of one input
        are in it with those of others, and the column ``media`` tells them apart. A run that goes on
        puts other files in their place; what is gone when it is opened, ask for again.
        """
        if kind not in KINDS:
            raise UsageError(f"kind: expected one of {', '.join(KINDS)}; got {kind!r}")
        if media is None:
            return self.shelf.files(kind)
        keys = results_of(self.chosen(media))
        return self.shelf.files_with(kind, keys)

    def table(self, kind: str, media: str | os.PathLike[str] | None = None) -> pa.Table:
        """All records of one kind as an Arrow table."""
        if kind not in KINDS:
            raise UsageError(f"kind: expected one of {', '.join(KINDS)}; got {kind!r}")
        return self.shelf.table(kind, results_of(self.chosen(media)))

    def records(self, kind: str, media: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """All records of one kind as a DataFrame, integers with gaps kept as integers."""
        import pandas as pd
        import pyarrow as pa

        from sensorium.library.readable import readable

        to_pandas = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
        return readable(self.table(kind, media).to_pandas(types_mapper=to_pandas.get))

    def turns(self, media: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """Who spoke when; `person` is the face that was speaking, where that is clear.

        No turn cuts a word of its speaker: `start` and `end` are moved to where the word begins or
        ends, or to where a person said. `records("turn")` has them as the sound alone gives them.
        """
        turns, links = self.records("turn", media), self.records("link", media)
        keys, moved = ["media", "start", "end", "speaker"], ["whole_start", "whole_end"]
        turns = turns.merge(links[[*keys, "person", "track", *moved]], on=keys, how="left")
        edges, found = (
            self.who_is_who(()).edges,
            list(zip(*(turns[key] for key in keys), strict=True)),
        )
        for side, column in enumerate(("start", "end")):
            turns[column] = turns.pop(f"whole_{column}").fillna(turns[column])
            if edges:
                times = zip(found, turns[column], strict=True)
                turns[column] = [edges[key][side] if key in edges else at for key, at in times]
        return self._with_identities(turns, media)

    def words(self, media: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """What was said, word by word, with the speaker and the face where they are clear.

        Words that a person corrected have the corrected text and score 1.
        """
        words, known = self.records("word", media), self.records("assignment", media)
        keys = ["media", "start", "end", "text", "channel"]
        known = known[[*keys, "speaker", "person"]].drop_duplicates(keys)
        words, fixed = words.merge(known, on=keys, how="left"), self.who_is_who(()).words
        if fixed:
            columns = [words[key].astype(object).where(words[key].notna(), None) for key in keys]
            texts = [fixed.get(key) for key in zip(*columns, strict=True)]
            right = [text is not None for text in texts]
            words.loc[right, "text"] = [text for text in texts if text is not None]
            words.loc[right, "score"] = 1.0
        return self._with_identities(words, media)

    def known(self) -> Known:
        """Who is who, after every decision of the gallery."""
        return Gallery(self._layout).known()

    def who_is_who(self, entries: Iterable[Mapping[str, Any]]) -> WhoIsWho:
        """Who is who in some of `inputs`: costs what they hold, however large the library is."""
        return who_is_who(self._layout, results_of(entries))

    def people(self, media: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """Who every voice and face of each file is.

        One row each: uri, label (``"S1"`` or ``"P1"``), kind (``"voice"``, ``"face"``, ``"drawn"``),
        name, identity, `name_score` (probability of the name, 1 where a person said it), `score`
        (probability of the identity; null for the one who founded it) and media.
        """
        import pandas as pd

        from sensorium.library.readable import readable

        entries = self.chosen(media)
        found = self.who_is_who(entries).rows
        columns = ["media", "uri", "label", "kind", "identity", "name", "name_score", "score"]
        rows = [
            (entry["digest"], entry["uri"], *row)
            for entry in entries
            for result in dict.fromkeys(entry["results"].values())
            for row in found.get(result, ())
        ]
        return readable(pd.DataFrame(rows, columns=columns))

    def _with_identities(
        self, frame: pd.DataFrame, media: str | os.PathLike[str] | None, column: str = "speaker"
    ) -> Any:
        """Adds `identity` (the same in all files of the library) and its `name`."""
        from sensorium.library.readable import readable

        called = self.people(media)[["media", "label", "identity", "name"]].astype(
            "str", errors="ignore"
        )
        called = called.rename(columns={"label": column}).drop_duplicates(["media", column])
        return readable(frame.merge(called, on=["media", column], how="left"))

    def regions(self, media: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """What was found in the pictures, box by box, with its track, person, identity and name."""
        return self._with_identities(self.records("region", media), media, "person")

    def persons(self, media: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """The persons of each file, with their best picture, face embedding, identity and name."""
        return self._with_identities(self.records("person", media), media, "person")

    def shots(self, media: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """The stretches between cuts."""
        return self.records("shot", media)

    def transcripts(self, media: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """What was said, utterance by utterance."""
        return self.records("transcript", media)

    def media(self) -> pd.DataFrame:
        """One row per file that could be read: kind, length, size, rates."""
        return self.records("media")

    def errors(self) -> pd.DataFrame:
        """One row per thing that could not be done, with the reason."""
        return self.records("error")

    def warnings(self) -> pd.DataFrame:
        """One row per thing that is wrong with a file though it was used; `step` is a pass that met it."""
        return self.records("warning").drop_duplicates(["media", "message"], ignore_index=True)

    def features(
        self, media: str | os.PathLike[str] | None = None, name: str | None = None
    ) -> list[Features]:
        """Model outputs with their place in the picture or in time, read into memory.

        `name` keeps one output: ``"patches"`` or ``"class"`` of pictures, ``"encoder"`` of sound.
        """
        return list(self.iter_features(media, name))

    def iter_features(
        self, media: str | os.PathLike[str] | None = None, name: str | None = None
    ) -> Iterator[Features]:
        """Like `features`, one at a time, for what is larger than memory."""
        opened = OpenTensors()
        for folder, row in self.feature_rows(media, name):
            yield read_features(folder, row, opened)

    def feature_rows(
        self, media: str | os.PathLike[str] | None = None, name: str | None = None
    ) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Where each of these features lies: the folder and the row, for `read_features`."""
        for batch in self.table("feature", media).to_batches(max_chunksize=1000):
            for row in batch.to_pylist():
                if name in (None, row["name"]):
                    yield self._layout.tensors, {**row, "file": row["file"].rpartition("/")[2]}

    def dataset(
        self, kind: str = "words", media: str | os.PathLike[str] | None = None
    ) -> datasets.Dataset:
        """A Hugging Face ``datasets.Dataset``; `kind` as in docs/formats.md, singular or plural.

        ``"words"`` and ``"turns"`` carry speaker and person, as `words` and `turns` do.
        """
        import datasets

        singular = kind if kind in KINDS else kind.removesuffix("s")
        joined = {"word": self.words, "turn": self.turns}
        frame = joined.get(singular, partial(self.records, singular))(media)
        return datasets.Dataset.from_pandas(frame, preserve_index=False)


def open_library(path: str | os.PathLike[str]) -> Library:
    """Opens the library in a folder.

    Raises:
        LibraryError: no such library.
    """
    if not is_remote(path) and not Path(path).expanduser().is_dir():
        raise LibraryError(f"{path}: no such folder; make a library with: sensorium extract")
    return Library(path)
