"""Names of languages: the tags that we write, the codes that Whisper knows, how words are joined."""

from __future__ import annotations

from sensorium.core.errors import UsageError

# Radford et al. 2022, as the multilingual models list them.
_ALL = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr "
    "ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa "
    "pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue "
    "zh"
)
WHISPER = frozenset(_ALL.split())
_CODES = {"jv": "jw", "fil": "tl", "nb": "no", "iw": "he", "cmn": "zh"}  # ours -> Whisper's
_TAGS = {"jw": "jv"}  # Whisper's -> BCP-47
# what ends a sentence: Latin, Chinese and Japanese, Arabic, Urdu, Hindi
SENTENCE_END = (".", "?", "!", "…", "。", "？", "！", "؟", "۔", "।")
_UNSPACED = {"zh", "yue", "ja", "th", "lo", "km", "my"}  # scripts written without blanks


def code(tag: str) -> str:
    """Whisper's code of a BCP-47 tag; region and script make no difference to it.

    Raises:
        UsageError: a language that Whisper does not know.

    >>> code("pt-BR"), code("jv")
    ('pt', 'jw')
    """
    first = tag.split("-")[0].lower()
    found = _CODES.get(first, first)
    if found not in WHISPER:
        raise UsageError(
            f"language: expected auto or one of {', '.join(sorted(WHISPER))}; got {tag!r}"
        )
    return found


def tag(whisper: str) -> str:
    """The BCP-47 tag of one of Whisper's codes.

    >>> tag("jw"), tag("de")
    ('jv', 'de')
    """
    return _TAGS.get(whisper, whisper)


def translated(spoken: str) -> str:
    """The tag of English text that translates what was spoken (RFC 6497).

    >>> translated("de"), translated("en")
    ('en-t-de', 'en')
    """
    return "en" if spoken.split("-")[0] == "en" else f"en-t-{spoken}"


def glue(language: str | None) -> str:
    """What stands between two words of a language: a blank, or nothing.

    >>> glue("de"), glue("zh-Hant"), glue("en-t-zh")
    (' ', '', ' ')
    """
    return "" if (language or "").split("-")[0].lower() in _UNSPACED else " "
