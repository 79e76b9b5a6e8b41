"""How right words are, through jiwer (Apache-2.0)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import jiwer


def plain(text: str) -> str:
    """Lower case, letters, digits and apostrophes only: spelling counts, punctuation does not.

    >>> plain("Ask NOT, what's new?")
    "ask not what's new"
    """
    kept = (
        c if c.isalnum() or c == "'" or unicodedata.category(c).startswith("M") else " "
        for c in unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    )
    return " ".join("".join(kept).split())


def word_errors(reference: str, found: str) -> Mapping[str, float]:
    """Word error rate and its parts as counts: wer, substituted, deleted, inserted, words.

    Both texts are made `plain` first. A reference without words counts every found word.
    """
    right, heard = plain(reference), plain(found)
    if not right:
        num = len(heard.split())
        counts = {"substituted": 0, "deleted": 0, "inserted": num, "words": 0}
        return {"wer": float("inf") if num else 0.0, **counts}
    told = jiwer.process_words(right, heard)
    counts = {"substituted": told.substitutions, "deleted": told.deletions}
    return {"wer": told.wer, **counts, "inserted": told.insertions, "words": len(right.split())}
