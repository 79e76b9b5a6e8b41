"""Names of people: what is one, and which of the known ones is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from rapidfuzz import fuzz

_TITLES = frozenset(
    """
    president senator governor minister chancellor king queen prince princess lord lady sir dame dr
    doctor prof professor mr mrs ms miss mister captain colonel general sergeant officer detective
    judge father sister brother uncle aunt agent chief coach
    """.split()  # noqa: SIM905 - a list of a hundred quoted words reads worse
)
# Labels of subtitles and captions that stand for somebody without naming him.
_NOBODY = frozenset(
    """
    narrator narration man men woman women boy boys girl girls child children kid kids baby voice
    voices voiceover announcer presenter host hostess reporter journalist anchor interviewer
    interviewee moderator speaker speakers unknown unidentified male female all both everyone
    everybody crowd audience people group chorus choir singer singers operator caller dispatcher
    guard soldier soldiers nurse driver waiter waitress teacher student students computer radio tv
    television phone telephone recording robot intercom music song applause laughter laughs laughing
    cheering cheers sighs sigh gasps coughs sobs crying silence noise bell knock sound sounds
    translator interpreter subtitle subtitles caption captions note warning part chapter episode
    scene act the a an and or of in on at to for with i you he she it we they i'm i’m i've i'd it's
    that's there's here's what's let's we're you're they're he's she's who's
    """.split()  # noqa: SIM905 - a list of a hundred quoted words reads worse
)
# Capitalised after "I'm", and no names.
_DESCRIBES = frozenset(
    """
    american british english irish scottish welsh french german italian spanish dutch swedish
    norwegian danish finnish polish russian ukrainian turkish greek arab arabic jewish muslim
    christian catholic hindu buddhist chinese japanese korean indian african asian european mexican
    canadian australian brazilian catholic republican democrat monday tuesday wednesday thursday
    friday saturday sunday january february march april may june july august september october
    november december god ok okay sorry fine
    """.split()  # noqa: SIM905 - a list of a hundred quoted words reads worse
)
_TOKEN = re.compile(r"[^\W\d_][\w.'’-]*")
_ALIKE = 90  # of 100: letters that a text reader may confuse


def like_a_name(text: str) -> bool:
    """Whether a label can be somebody's name: one to four words that begin large, none of them a role.

    >>> [like_a_name(t) for t in ("MARY", "Jean-Luc Picard", "NARRATOR", "MAN 1", "laughs", "Then")]
    [True, True, False, False, False, True]
    """
    words = text.split()
    if not 1 <= len(words) <= 4 or not all(_TOKEN.fullmatch(word) for word in words):
        return False
    bare = [word.casefold().strip(".") for word in words]
    named = [word for word in bare if word not in _TITLES]
    if not named or any(word in _NOBODY for word in bare) or len("".join(named)) < 2:
        return False
    return not any(
        word[0].islower() for word in words if word.casefold() not in ("de", "von", "van")
    )


def describes(text: str) -> bool:
    """Whether a capitalised word says what somebody is, not who."""
    return all(word.casefold() in _DESCRIBES for word in text.split())


def written(text: str) -> str:
    """A name as it is written in a text: titles left out, capitals only at the start of words.

    >>> written("PRESIDENT OBAMA"), written("Ronan O'Neil"), written("MARY-ANN")
    ('Obama', "Ronan O'Neil", 'Mary-Ann')
    """
    words = [w for w in text.split() if w.casefold().strip(".") not in _TITLES] or text.split()
    if all(word == word.upper() for word in words):
        words = [re.sub(r"[^\W\d_]+", lambda m: m[0].capitalize(), word) for word in words]
    return " ".join(words)


class Names:
    """The names in play: of the cast, and of those who are known. Tells which one a text means."""

    def __init__(self, known: Mapping[str, Iterable[str]] | Iterable[str] = ()) -> None:
        aliases = known if isinstance(known, Mapping) else dict.fromkeys(known, ())
        self._forms = {
            name: {_plain(form) for form in (name, *others)} for name, others in aliases.items()
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._forms)

    def __contains__(self, name: str) -> bool:
        return name in self._forms

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
        if not whole:
            words = set(asked.split())
            whole = [
                n for n, forms in self._forms.items() if any(words <= set(f.split()) for f in forms)
            ]
        return whole[0] if len(whole) == 1 else None

    def unclear(self, text: str) -> bool:
        """Whether a text may mean several of the known names, so that nobody may guess."""
        words = set(_plain(text).split())
        return (
            sum(any(words <= set(f.split()) for f in forms) for forms in self._forms.values()) > 1
        )

    def within(self, text: str) -> list[str]:
        """The known names that stand in a longer text: whole, or by a family name that only one has.

        >>> Names(["Barack Obama", "Joe Biden"]).within("PRESIDENT OBAMA STATEMENT ON IRAN")
        ['Barack Obama']
        """
        words = _plain(text).split()
        return [
            name for name, forms in self._forms.items() if any(self._in(f, words) for f in forms)
        ]

    def _in(self, form: str, words: list[str]) -> bool:
        parts = form.split()
        runs = [words[i : i + len(parts)] for i in range(len(words) - len(parts) + 1)]
        if parts in runs:
            return True
        last = parts[-1]
        own = sum(any(f.split()[-1] == last for f in forms) for forms in self._forms.values()) == 1
        return own and len(last) >= 4 and last in words


def _plain(text: str) -> str:
    """Lower case, without titles and points."""
    words = [w.casefold() for w in re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text)]
    return " ".join(word for word in words if word not in _TITLES)


def _alike(a: str, b: str) -> bool:
    return len(a.split()) == len(b.split()) and fuzz.ratio(a, b) >= _ALIKE
