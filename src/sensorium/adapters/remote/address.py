"""What an address says, and what of it may be told: never a password, a signature or a token.

The address as it may be told is the name of the input everywhere: in the library, in messages, in progress.
The address as it was given is known to this process alone, for as long as it runs.
"""

from __future__ import annotations

import hashlib
import os
import re
from urllib.parse import unquote, urlsplit, urlunsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
# What only says that a request is allowed, and until when: a link that is signed anew is the same input.
_SIGNED = re.compile(
    r"(x-amz-|x-goog-)(?!meta).*|awsaccesskeyid|googleaccessid|signature|expires|key-pair-id|policy",
    re.I,
)
_SAS = re.compile(r"s[vsrpte]|srt|spr|sip|sig|sk(oid|tid|[teskv])")  # Azure
_SECRET = re.compile(r".*(token|secret|passw|key|auth|session|credential|sig$|jwt|code$).*", re.I)
_LONG = 24  # characters: longer values may be keys whatever they are called

_given: dict[str, str] = {}  # as told -> as given, where the two differ
_trusted: set[str] = set()  # those that may lie at a private address


def is_remote(name: str | os.PathLike[str]) -> bool:
    """Whether a name is an address, and no path.

    >>> [is_remote(name) for name in ("s3://bucket/a.mp4", "talk.mp4", "C:/talk.mp4", "file:///a.mp4")]
    [True, False, False, False]
    """
    name = os.fspath(name)
    return bool(_SCHEME.match(name)) and not name.lower().startswith("file://")


def local(name: str) -> str:
    """The path of a ``file://`` address; anything else as it is."""
    return unquote(urlsplit(name).path) if name.lower().startswith("file://") else name


def is_http(address: str) -> bool:
    """Whether it is fetched by our own client."""
    return address.lower().startswith(("http://", "https://"))


def remember(address: str, trusted: bool = False) -> str:
    """The address as it may be told; `given` knows the whole one from now on.

    `trusted`: it may be fetched from a private address.
    """
    told = shown(address)
    if told != address:
        _given[told] = address
    if trusted:
        _trusted.add(told)
    return told


def is_trusted(told: str) -> bool:
    """Whether it may be fetched from a private address."""
    return told in _trusted or os.environ.get("SENSORIUM_ALLOW_PRIVATE") == "1"


def given(told: str) -> str:
    """The whole address of one that may be told, where this process knows it."""
    return _given.get(told, told)


def shown(address: str) -> str:
    """The address without what gives access.

    Names and passwords and what a signature consists of are left out. A value that looks like a key stays
    as eight digits of its sha256, so that two addresses that differ in it are two inputs.

    >>> shown("https://ann:pw@host/a.mp4?v=2&X-Amz-Signature=abc&token=xyz")
    'https://host/a.mp4?v=2&token=~3608bca1'
    """
    if not is_remote(address):
        return address
    return "::".join(_shown(part) for part in address.split("::"))


def _shown(address: str) -> str:
    if not is_http(address):
        scheme, mark, rest = address.partition("://")
        place, slash, path = rest.partition("/")
        return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}"
    parts = urlsplit(address)
    pairs = [pair for pair in parts.query.split("&") if pair]
    names = {unquote(pair.partition("=")[0]).lower() for pair in pairs}
    azure = {"sig", "sv"} <= names
    kept = [_pair(pair) for pair in pairs if not _signs(pair, azure)]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme.lower(), host.lower(), parts.path or "/", "&".join(kept), ""))


def _signs(pair: str, azure: bool) -> bool:
    name = unquote(pair.partition("=")[0]).lower()
    return bool(_SIGNED.fullmatch(name) or (azure and _SAS.fullmatch(name)))


def _pair(pair: str) -> str:
    name, mark, value = pair.partition("=")
    if not value or not (_SECRET.fullmatch(unquote(name)) or len(value) >= _LONG):
        return pair if len(pair) < 4 * _LONG else "~" + _eight(pair)
    return f"{name}{mark}~{_eight(value)}"


def _eight(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:8]
