"""Which interpreters GILScope can read: the one place that says so."""

from __future__ import annotations

# major, minor, free-threaded; the observer has a layout for each.
SUPPORTED: tuple[tuple[int, int, bool], ...] = (
    (3, 11, False),
    (3, 12, False),
    (3, 13, False),
    (3, 13, True),
    (3, 14, False),
    (3, 14, True),
    (3, 15, False),
    (3, 15, True),
)


def spoken() -> str:
    """SUPPORTED as a person says it: "CPython 3.11 to 3.13"."""
    parts = []
    for prefix, free_threaded in (("", False), ("free-threaded ", True)):
        versions = sorted(version[:2] for version in SUPPORTED if version[2] is free_threaded)
        if versions:
            first, last = (f"{major}.{minor}" for major, minor in (versions[0], versions[-1]))
            parts.append(prefix + (first if first == last else f"{first} to {last}"))
    return "CPython " + " and ".join(parts)


def why_not(implementation: str, version: tuple[int, ...], free_threaded: bool) -> str | None:
    """Why such an interpreter cannot be read, as a sentence; None when it can."""
    if implementation == "cpython" and (version[0], version[1], free_threaded) in SUPPORTED:
        return None
    name = "CPython" if implementation == "cpython" else implementation
    build = ", free-threaded" if free_threaded else ""
    return f"It is {name} {version[0]}.{version[1]}{build}: GILScope reads {spoken()}."
