"""Names of people: what is one, and which of the known ones is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from sensorium.ops.folding import fold
from sensorium.ops.people.wording.role_words import is_title, name_nobody, without_suffix
from sensorium.ops.people.wording.spelling import PARTICLES, cased, proper, unspaced, words

if TYPE_CHECKING:
    from nicknames import NickNamer

_ALIKE = 90  # of 100: letters that a text reader may confuse
_LETTERS = 2  # of a name, at least


def like_a_name(text: str) -> bool:
    """Whether a label can be somebody's name: one to four words of any script, large where it has large
    letters, none of them a role.

    >>> [like_a_name(t) for t in ("MARY", "Jean-Luc Picard", "NARRATOR", "MAN 1", "laughs", "Then")]
    [True, True, False, False, False, False]
    >>> [like_a_name(t) for t in ("Dr. Müller", "Der Arzt", "АННА", "監督", "田中さん", "Anna Koch")]
    [True, False, True, False, True, True]
    """
    found = text.split()
    bare = [word.rstrip(".") for word in found]
    if not 1 <= len(bare) <= 4 or any([each.text for each in words(w)] != [w] for w in bare):
        return False
    named = [without_suffix(word) for word in bare if not is_title(word)]
    called = [bare[0], *(word for word in bare[1:] if word not in PARTICLES)]
    if name_nobody(called) or sum(map(len, named)) < _LETTERS:
        return False
    return all(proper(word) or word in PARTICLES for word in named)


def written(text: str) -> str:
    """A name as it is written in a text: titles left out, capitals only at the start of words.

    >>> written("PRESIDENT OBAMA"), written("Ronan O'Neil"), written("MARY-ANN"), written("田中さん")
    ('Obama', "Ronan O'Neil", 'Mary-Ann', '田中')
    """
    found = [w for w in text.split() if not is_title(w)] or text.split()
    if cased(text) and all(word == word.upper() for word in found):
        found = [re.sub(r"[^\W\d_]+", lambda m: m[0].capitalize(), word) for word in found]
    return " ".join(map(without_suffix, found))


@cache
def _nicknames() -> NickNamer:
    from nicknames import NickNamer  # whose import takes longer than most names do

    return NickNamer()


def short_for(short: str, whole: str) -> bool:
    """Whether one first name stands for another; English ones, of the package nicknames.

    >>> short_for("bill", "william"), short_for("william", "bill"), short_for("bill", "bob")
    (True, True, False)
    """
    known = _nicknames()
    return whole in known.canonicals_of(short) or short in known.canonicals_of(whole)


class Names:
    """The names in play: of the cast, and of those who are known. Tells which one a text means."""

    def __init__(self, known: Mapping[str, Iterable[str]] | Iterable[str] = ()) -> None:
        aliases = known if isinstance(known, Mapping) else dict.fromkeys(known, ())
        self._aliases = {name: tuple(others) for name, others in aliases.items()}
        self._forms = {
            name: {_plain(form) for form in (name, *others)}
            for name, others in self._aliases.items()
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._forms)

    def __contains__(self, name: str) -> bool:
        return name in self._forms

    def also(self, more: Iterable[str]) -> Names:
        """These names and more."""
        return Names({**self._aliases, **dict.fromkeys(more, ())})

    def meant(self, text: str) -> str | None:
        """The one known name that a text is: all of it, an alias, or a part that only it has.

        >>> names = Names({"Mary Weaver": (), "John Park": ("Johnny",), "John Hill": ()})
        >>> names.meant("MARY"), names.meant("Mr. Park"), names.meant("JOHN"), names.meant("johnny")
        ('Mary Weaver', 'John Park', None, 'John Park')
        """
        asked = _plain(text)
        if not asked:
            return None
        whole = [name for name, forms in self._forms.items() if asked in forms]
        if not whole and len(asked) >= 6:
            whole = [n for n, forms in self._forms.items() if any(_alike(asked, f) for f in forms)]
        for fits in (_part_of, _short_of):
            whole = whole or [
                n for n, forms in self._forms.items() if any(fits(asked, f) for f in forms)
            ]
        return whole[0] if len(whole) == 1 else None

    def unclear(self, text: str) -> bool:
        """Whether a text may mean several of the known names, so that nobody may guess."""
        asked = _plain(text)
        return (
            sum(
                any(_part_of(asked, f) or _short_of(asked, f) for f in forms)
                for forms in self._forms.values()
            )
            > 1
        )

    def within(self, text: str) -> list[str]:
        """The known names that stand in a longer text: whole, or by a family name that only one has.

        >>> Names(["Barack Obama", "Joe Biden"]).within("PRESIDENT OBAMA STATEMENT ON IRAN")
        ['Barack Obama']
        """
        there = _plain(text).split()
        return [
            name for name, forms in self._forms.items() if any(self._in(f, there) for f in forms)
        ]

    def _in(self, form: str, there: list[str]) -> bool:
        parts = form.split()
        runs = [there[i : i + len(parts)] for i in range(len(there) - len(parts) + 1)]
        if parts in runs or (unspaced(form[:1]) and any(form in run for run in there)):
            return True
        last = parts[-1]
        own = sum(any(f.split()[-1] == last for f in forms) for forms in self._forms.values()) == 1
        return own and len(last) >= 4 and last in there


def _plain(text: str) -> str:
    """Words without case, accents, titles and points."""
    found = [without_suffix(each.text) for each in words(text, kinds="LMN")]
    return " ".join(fold(word) if not re.search("['’-]", word) else _joined(word)
                    for word in found if not is_title(word))  # fmt: skip


def _joined(word: str) -> str:
    return "-".join(map(fold, re.split("['’-]", word)))


def _part_of(asked: str, form: str) -> bool:
    """Whether all that is asked for is in a name; of names without blanks, its beginning or end."""
    if unspaced(asked[:1] or " "):
        return (len(asked) >= 2 and form.startswith(asked)) or form.endswith(asked)
    return set(asked.split()) <= set(form.split())


def _short_of(asked: str, form: str) -> bool:
    """Whether the first name is short for that of a name, and the rest is in it."""
    first, *rest = asked.split() or [""]
    there = form.split()
    return short_for(first, there[0]) and set(rest) <= set(there[1:])


def _alike(a: str, b: str) -> bool:
    return len(a.split()) == len(b.split()) and fuzz.ratio(a, b) >= _ALIKE
