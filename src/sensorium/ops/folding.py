"""Words of any script in one form, so that they can be compared without case and accents."""

from __future__ import annotations

import unicodedata

# Marks that writers leave out: accents of Latin, Greek, Cyrillic; points of Hebrew; harakat of Arabic.
# Those of other scripts are vowels and stay.
_LEFT_OUT = dict.fromkeys(
    code
    for low, high in (
    (0x0300, 0x036F), (0x0591, 0x05C7), (0x0610, 0x061A), (0x0640, 0x0640), (0x064B, 0x065F),
    (0x0670, 0x0670), (0x06D6, 0x06ED))
    for code in range(low, high + 1)
)  # fmt: skip
_ALONE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)  # letters that no normal form takes apart


def fold(run: str) -> str:
    """Letters without case, accents and width; what is no letter or digit is left out.

    >>> fold("Ｓtraße"), fold("ÅNGSTRÖM"), fold("Łódź")
    ('strasse', 'angstrom', 'lodz')
    """
    apart = unicodedata.normalize("NFKD", run.casefold())
    whole = unicodedata.normalize("NFKC", apart.translate(_LEFT_OUT)).casefold().translate(_ALONE)
    return "".join(each for each in whole if unicodedata.category(each)[0] in "LNM")
