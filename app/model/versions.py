"""Which interpreters GILScope can read: the one place that says so."""

from __future__ import annotations

import os
from itertools import groupby

Version = tuple[int, int, bool]

# major, minor, free-threaded; the observer has a layout for each.
_ON_X86_64: tuple[Version, ...] = (
    (3, 11, False),
    (3, 12, False),
    (3, 13, False),
    (3, 13, True),
    (3, 14, False),
    (3, 14, True),
    (3, 15, False),
    (3, 15, True),
)
_ON_AARCH64 = ((3, 11, False), (3, 13, False), (3, 14, False), (3, 15, False))  # what was run there


def supported(machine: str) -> tuple[Version, ...]:
    """Those of a machine, as uname -m names it."""
    return _ON_AARCH64 if machine == "aarch64" else _ON_X86_64


SUPPORTED = supported(os.uname().machine)


def spoken(some: tuple[Version, ...] = SUPPORTED) -> str:
    """Versions as a person says them: "CPython 3.11 to 3.13"; SUPPORTED unless told."""
    parts = []
    for prefix, free_threaded in (("", False), ("free-threaded ", True)):
        of = sorted(version for version in some if version[2] is free_threaded)
        for _, row in groupby(enumerate(of), lambda each: each[1][1] - each[0]):
            names = [f"{major}.{minor}" for _, (major, minor, _) in row]
            first, last = names[0], names[-1]
            parts.append(prefix + (first if first == last else f"{first} to {last}"))
            prefix = ""
    return "CPython " + " and ".join(parts)


def why_not(implementation: str, version: tuple[int, ...], free_threaded: bool) -> str | None:
    """Why such an interpreter cannot be read, as a sentence; None when it can."""
    if implementation == "cpython" and (version[0], version[1], free_threaded) in SUPPORTED:
        return None
    name = "CPython" if implementation == "cpython" else implementation
    build = ", free-threaded" if free_threaded else ""
    return f"It is {name} {version[0]}.{version[1]}{build}: GILScope reads {spoken()}."
