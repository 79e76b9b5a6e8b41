# ruff: noqa: E501 - a row of a Markdown table is one line
"""Writes docs/formats.md: the head below, then every kind of record from `sensorium.core.record.KINDS`.

Run it after a change of the columns: ``python docs/make_formats.py``.
"""

from __future__ import annotations

from pathlib import Path

from sensorium.core.record import COMMON, KINDS, Column
from sensorium.interfaces.text.formats import CSV_COLUMNS

HERE = Path(__file__).parent

WHAT = {
    "media": "The file itself. One row per file that could be read.",
    "subtitle": "The entries of subtitle files that lie beside the file.",
    "speech": "Where somebody speaks.",
    "transcript": "What was said, utterance by utterance.",
    "word": "What was said, word by word.",
    "turn": "Who spoke when, by the sound. Turns of different speakers may overlap.",
    "exclusive_turn": "Who spoke most of all at each moment, one at a time: what words are given to.",
    "voice": "The speakers of a file, one row each.",
    "shot": "The stretches between cuts.",
    "region": "What was found in the pictures, one row per box.",
    "text": "What is written on the screen, one row per line and picture that was read.",
    "person": "The people seen in a file, one row each.",
    "look": "How a drawn face looked in one picture; a title learns from them who is who.",
    "mouth": "How the mouth of one face moved, one row per stretch.",
    "speaking": "Whether one face speaks, by an active-speaker model, one row per track. Only with such a model.",
    "link": "Which face belongs to a turn. Span and `speaker` are those of the turn.",
    "assignment": "Who said a word. Span and `text` are those of the word.",
    "feature": "Where the model outputs lie; the numbers themselves are in safetensors files.",
    "warning": "What is wrong with a file though it was used, one row per pass that met it.",
    "error": "What could not be done, and why.",
}

HEAD = """# Formats

This file is made by `docs/make_formats.py`. What a library holds, how other tools read it, and what
`sensorium show` writes.

## The folder

```
library/
├── sensorium.json               {{"format": 2}}
├── shards/<number>/             the results of many inputs
│   ├── <kind>.parquet           the records of each kind that count now
│   ├── <kind>.cached.parquet    those of other recipes and of files that have changed
│   ├── results.parquet          which results these are: key, state, recipe, rows of each kind
│   ├── inputs.parquet           what is known of inputs: path, digest of its bytes, its results
│   └── shard.json               sizes and checksums (crc32) of these files and of the tensors they speak of
├── tensors/<shard>-<number>.safetensors   model outputs
├── decisions.jsonl              decisions about who is who, see below
├── people.sqlite                who is who, by result; derived, may be deleted
├── journals/                    what a run has finished and is in no shard yet
├── catalogue.sqlite             where the rows of each result are; derived, is made again from the shards
└── search.sqlite                index of `library.find`; derived, may be deleted
```

A result is named `<media>/<pass>-<recipe>`: `<media>` is the first half of the sha256 of the file's bytes,
`<recipe>` a digest of everything that decides the result. A run adds what it finishes to a journal, and
moves it into shards from time to time, at its end at the latest; only then readers see it. A shard appears
whole, by one rename, and never changes; small ones are replaced by larger ones, so a library of 100,000 files
has some hundred files. A run with another model moves the results that no longer count to the
`.cached` files, where a run that asks for them again finds them.

A library of format 1 (a folder a result, up to version 0.1) is brought to format 2 when it is opened. If that
is stopped half-way, it is as it was.

## Reading it

```python
import sensorium as sm

library = sm.open("library")
library.words()                          # pandas, with speaker and person
library.records("region", "talk.mp4")    # any kind below, of one input or of all
library.features("talk.mp4", "patches")  # arrays with their place in the picture
```

pandas, polars, DuckDB and Hugging Face datasets read the same Parquet files; `library.files(kind)` lists
them. They hold the rows that count now and no others; the rows of one input are told by `media`. While a
run writes, files are replaced: what is gone ten seconds later, ask for again:

```python
files = [str(file) for file in library.files("word")]

import pandas
pandas.concat(map(pandas.read_parquet, files))

import polars
polars.read_parquet(files)

import duckdb
duckdb.sql(f"SELECT uri, count(*) FROM read_parquet({{files}}) GROUP BY uri")

library.dataset("words")  # a datasets.Dataset
```

Features are plain safetensors. A row of kind `feature` names the file (relative to the folder of the Parquet file) and
the tensor:

```python
from safetensors import safe_open

file = library.files("feature")[0]
row = pandas.read_parquet(file).iloc[0]
with safe_open(file.parent / row["file"], framework="np") as tensors:
    values = tensors.get_tensor(row["tensor"])
```

Note: `datasets.with_format("numpy")` gives float32 where the file holds float16.

## What `sensorium show` writes

| format | what |
|---|---|
| `text` | every file: what it is, who speaks and who is seen for how long, what happens in order of time, what failed |
| `vtt` | WebVTT subtitles of one file, the speaker as voice (`<v S1>`); cues of at most two lines of 42 characters and 7 s, no word is cut; people who speak at once on two channels get cues of their own, which overlap |
| `srt` | the same as SubRip; a new speaker is written in front of what it says |
| `rttm` | `SPEAKER` lines, one per turn; the channel is 1, or one more than `channel` where channels were heard apart; the speaker is its name, else its identity, else the label in this file. The file's id is its name without ending, blanks as `_`; with the ending or the whole path where names alone would be mistaken for one another |
| `json` | `{{"inputs": [{{"uri", "media"}}], "tables": {{kind: [row, ...]}}}}` with every kind below, even if empty. Words also have `speaker`, `identity`, `name` and `person`, turns `identity`, `name`, `person` and `track`. `heard` of a word is its text before a person corrected it, `found_start` and `found_end` of a turn its span as the sound alone gives it. Lists of numbers (embeddings, mouth motion) are left out unless asked for: `render(library, "json", embeddings=True)`. NaN is null |
| `csv` | one line per word, RFC 4180, UTF-8, empty where nothing is known |

In Python: `sensorium.interfaces.text.formats.render(library, format, media=None)`. The columns of `csv`:

{csv}

## Records

Times are seconds from the start of the file; spans are half-open, `[start, end)`. Boxes are pixels of
the picture as displayed (after rotation), origin at the top left. `speaker` (S1, S2, ...) and `person` (P1, P2, ...)
are labels inside one file. `channel` is null unless channels were heard apart, as in a call with one person on each
([speech.md](speech.md)); then one speaker is on one channel, and exclusive turns exclude one another inside a channel.

Every kind has these columns first:

{common}
"""

GALLERY = """
## Who is who

`decisions.jsonl` holds one decision a line, in order; none is ever changed. What is known is their fold: `library.known()`, or with
names `sensorium.Voices("library").table()`. Every decision has `number` and `kind`:

| kind | values | meaning |
|---|---|---|
| `seen` | `samples`: key, uri, label, kind, model, seconds, embedding (little-endian float32 in base64; a list of numbers in older libraries), apart, identity, score | voices and faces that were matched to an identity, or found one (`score` null); `origin` where they came from another library |
| `linked` | `links`: voice, face, seconds | how long a voice was seen to come from a face |
| `joined` | `identity`, `into`, `seconds` | a voice and a face that go together become one identity |
| `claimed` | `entries`: media, source, `claims`: sample, name, score, source, uri, start, end, quote | evidence of names; takes the place of what the source said of this file before |
| `cast` | `members`: name, aliases, portraits; `unused` | the cast list; the last one counts |
| `named` | `identity`, `name` (null: none of the names found is right) | by hand |
| `merged` | `identity`, `into` | all samples of one go to the other |
| `split` | `identity`, `into`, `samples` | these samples are somebody else, and stay so |
| `apart` | `identity`, `other` | they are never joined |
| `forgotten` | `identity`, `into` (null) | its samples belong to nobody and are not matched again |
| `confirmed` | `identity`, `sample` | this sample is that identity: its score is 1 |
| `word` | `media`, `start`, `end`, `text`, `channel`, `to` | the word of this record is `to`; the same as `text` where it was heard right |
| `edge` | `media`, `start`, `end`, `speaker`, `to`: start, end | the turn of this record begins and ends there |
| `undone` | `target` | that decision counts for nothing |

The key of a sample is `<media>/speakers-<recipe>/<speaker>`, or `enrolled/<media>/S1`.

Words and turns are corrected where they are read (`library.words()`, `library.turns()`, subtitles, search, pages); the records stay as they
were found. Another model finds other records: a correction of a word holds as long as there is a word of its place and text.
"""

CSV = {
    "uri": "path of the file",
    "start": "seconds",
    "end": "seconds, exclusive",
    "text": "the word with its punctuation",
    "speaker": "voice inside this file",
    "identity": "the same voice in all files of the library, where it is known",
    "name": "its name, where it has one",
    "person": "face that said it, where it is clear",
    "score": "0..1",
    "language": "BCP-47 tag",
    "channel": "channel from 0 that was heard alone; empty: all channels as one",
}


def _table(columns: tuple[Column, ...]) -> str:
    rows = [f"| `{c.name}` | {c.dtype} | {c.doc} |" for c in columns]
    return "\n".join(["| column | type | what |", "|---|---|---|", *rows])


def document() -> str:
    """The whole text of docs/formats.md."""
    csv = "\n".join(
        ["| column | what |", "|---|---|", *(f"| `{c}` | {CSV[c]} |" for c in CSV_COLUMNS)]
    )
    parts = [HEAD.format(csv=csv, common=_table(COMMON))]
    parts += [f"### {kind}\n\n{WHAT[kind]}\n\n{_table(KINDS[kind])}\n" for kind in KINDS]
    return "\n".join(parts) + GALLERY


if __name__ == "__main__":
    (HERE / "formats.md").write_text(document(), encoding="utf-8")
