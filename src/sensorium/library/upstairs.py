"""What can be asked of a library, but is done in rooms that are built on it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sensorium.core.lazy import loaded

if TYPE_CHECKING:
    import pandas as pd


class Upstairs:
    """Methods of `Library` whose work is done above it; the rooms are loaded by name, at their first use."""

    def find(
        self,
        text: str = "",
        *,
        speaker: str | None = None,
        media: str | os.PathLike[str] | None = None,
        kind: str | None = None,
        between: tuple[float, float] | None = None,
        like: str | os.PathLike[str] | None = None,
        limit: int = 20,
    ) -> pd.DataFrame:
        """What was said, written or named, best first; or, with `like`, what is like a file.

        `text` holds words that must all be there, ``"phrases"`` and prefixes (``word*``), in any
        language, without regard to case and accents. `kind` narrows it to ``"word"`` (utterances),
        ``"text"`` (on the screen), ``"subtitle"`` or ``"name"``; `speaker` to somebody by name, id or
        label; `between` to (start, end) in seconds. `like` is a picture (kinds ``"picture"``, ``"face"``)
        or a sound of one voice (``"voice"``). Columns: docs/find.md.

        Raises:
            UsageError: nothing to look for, nobody of that name, no such input.
            MediaError: a file `like` that cannot be read.
            LibraryError: no index can be made.
        """
        narrow = loaded("find.finder:Narrow")(speaker, media, kind, between)
        return loaded("find.finder:find")(self, text, narrow, like, limit)

    def prompt(
        self,
        file: str | os.PathLike[str],
        budget: int = 2000,
        tokenizer: Any = None,
        pictures: bool = False,
    ) -> str | list[dict[str, Any]]:
        """What happened in one file, for a language model's context, within `budget` tokens.

        Who spoke when, what, who was seen, what was written, in order of time; what does not fit is
        left out from the least informative on, and told as ``[...]``. `tokenizer` is whatever has
        ``encode``, or a function of a text; without one tokens are estimated, rather too many. With
        `pictures` it is a list of ``{"type": "text", "text"}`` and ``{"type": "image", "image"}`` (a PIL
        picture). The rules: docs/find.md.

        Raises:
            UsageError: no such input, a budget below 50.
        """
        return loaded("interfaces.agent.digest:prompt")(self, file, budget, tokenizer, pictures)

    def title(self, folder: str | os.PathLike[str] | None = None) -> Any:
        """All its files, or those below a folder, as one film or series: who is seen how long, who says
        what, who is there with whom; a `sensorium.people.title.Title`.

        Raises:
            UsageError: no input lies in the folder.
        """
        return loaded("people.title:Title")(self, folder)
