"""What the Linux kernel can take away from a process for good: the network, programs, writing elsewhere.

Landlock and seccomp by their system calls. The packages that wrap them are not kept (`landlock` has
pre-releases only, `pyseccomp` is of 2021 and needs a library of the system), and neither call needs rights
or a helper. Source: landlock(7), seccomp(2), and the headers of Linux 6.12.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Sequence

_NEW_PRIVILEGES, _DUMPABLE = 38, 4  # options of prctl
_LANDLOCK = (444, 445, 446)  # create, add a rule, restrict; one number on all architectures
_SIGNALS = 2  # Landlock's scope of signals: none to processes outside
# Rights to write, make, remove, rename, cut files: all that Landlock knows but to run, read and list.
_WRITING = 0x1FFF & ~0b1101
_INTO_OTHER_FOLDERS = (
    1 << 13
)  # since the second version; without it nothing may be renamed across folders

_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38  # EPERM; ENOSYS
_LOAD, _EQUAL, _HAS_BITS, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCH, _FIRST = 0, 4, 16  # offsets in what the filter is shown
_THREAD = 0x00010000  # a flag of clone

# (architecture as the kernel names it, its calls that are refused, clone, clone3, seccomp).
# To open sockets, also by io_uring; to run programs; to look into or steer other processes; to change
# namespaces, mounts, keys and the kernel itself.
_CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 42, 49, 50, 57, 58, 59, 322, 101, 310, 311, 425, 272, 308, 165, 155, 248, 249, 250, 298,
         321, 323, 246, 320, 175, 313, 438, 424, 62, 200, 234),
        56,
        435,
        317,
    ),
    "aarch64": (
        0xC00000B7,
        (198, 203, 200, 201, 221, 281, 117, 270, 271, 425, 97, 268, 40, 41, 217, 218, 219, 241,
         280, 282, 104, 294, 105, 273, 438, 424, 129, 130, 131),
        220,
        435,
        277,
    ),
}  # fmt: skip
# To reach out, where the file itself is fetched: socket, connect, bind (the resolver asks for it).
_REACH = {"x86_64": (41, 42, 49), "aarch64": (198, 203, 200)}
_KILLS = {"x86_64": (62, 200, 234), "aarch64": (129, 130, 131)}  # allowed against oneself


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(libc: ctypes.CDLL, *arguments: int | ctypes.c_char_p | ctypes.Array | None) -> int:
    done = libc.syscall(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(done)


def landlock_version() -> int:
    """Which Landlock this kernel has; 0: none."""
    try:
        return _call(_libc(), _LANDLOCK[0], None, 0, 1)
    except (OSError, AttributeError):
        return 0


def no_privileges(libc: ctypes.CDLL) -> None:
    """Nothing that this process starts can win rights; the kernel asks for that before both fences."""
    if libc.prctl(_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl: no new privileges")


def write_only_to(folders: Sequence[str]) -> bool:
    """From now on this thread, and those that it starts, write and make files in `folders` alone.

    Returns False where the kernel cannot (before 5.19, or Landlock is switched off).
    """
    version = landlock_version()
    if version < 2:
        return False
    libc = _libc()
    rights = _WRITING | _INTO_OTHER_FOLDERS | ((1 << 14) if version >= 3 else 0)  # truncate
    fields = (rights, 0, _SIGNALS) if version >= 6 else (rights,)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    rules = _call(libc, _LANDLOCK[0], ctypes.c_char_p(attributes), len(attributes), 0)
    try:
        for folder in folders:
            place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            try:
                allowed = rights if os.path.isdir(folder) else rights & 0b10
                rule = struct.pack("=Qi", allowed, place)
                _call(libc, _LANDLOCK[1], rules, 1, ctypes.c_char_p(rule), 0)
            finally:
                os.close(place)
        no_privileges(libc)
        _call(libc, _LANDLOCK[2], rules, 0)
    finally:
        os.close(rules)
    return True


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _filter(machine: str, network: bool) -> bytes:
    """The program that the kernel asks at every call: the architecture, the number, for two the argument."""
    arch, refused, clone, clone3, _ = _CALLS[machine]
    kills, reach = _KILLS[machine], _REACH[machine] if network else ()
    steps = [
        _step(_LOAD, _ARCH), _step(_EQUAL, arch, 1, 0), _step(_RETURN, _REFUSE),
        _step(_LOAD, _NUMBER),
        _step(_HAS_BITS, 0x40000000, 0, 1), _step(_RETURN, _REFUSE),  # x32, whose numbers are others
        # What it asks for lies in memory that a filter cannot read; the C library then takes clone.
        _step(_EQUAL, clone3, 0, 1), _step(_RETURN, _UNKNOWN),
        _step(_EQUAL, clone, 0, 4),
        _step(_LOAD, _FIRST), _step(_HAS_BITS, _THREAD, 0, 1), _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE),
    ]  # fmt: skip
    steps += [_step(_EQUAL, kill, 0, 4) + _step(_LOAD, _FIRST)
              + _step(_EQUAL, os.getpid(), 0, 1) + _step(_RETURN, _ALLOW) + _step(_RETURN, _REFUSE)
              for kill in kills[:1] + kills[2:]]  # fmt: skip
    for number in refused:
        if number not in (kills[0], kills[2], *reach):
            steps.append(_step(_EQUAL, number, 0, 1) + _step(_RETURN, _REFUSE))
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def no_network_no_programs(network: bool = False) -> bool:
    """From now on no thread of this process opens a socket, starts a process or looks into another one.

    With `network` it may open connections, but not wait for any.

    Returns False where the kernel cannot, or on an architecture whose calls are not listed here.
    """
    machine = platform.machine()
    if machine not in _CALLS:
        return False
    libc = _libc()
    program = ctypes.create_string_buffer(_filter(machine, network))
    length = (len(program) - 1) // 8
    head = struct.pack("@HP", length, ctypes.addressof(program))
    no_privileges(libc)
    try:
        # 1: a filter; flag 1: for all threads, also those that are there already
        return not _call(libc, _CALLS[machine][4], 1, 1, ctypes.c_char_p(head))
    except OSError:
        return False
