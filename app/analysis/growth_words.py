"""How memory grows, in a sentence: which kinds of it do, how fast, and which do not."""

from __future__ import annotations

from app.model.summary import GrowthKind, GrowthRow
from app.model.units import count, size

NAMED_SHARE = 0.1  # of the growth: what is less has no pace of its own in words
_STILL = 0.01  # of the growth: a kind that grows by less is said to stand still

KINDS: dict[GrowthKind, str] = {
    "small_objects": "Python's small objects",
    "objects": "Python's objects",
    "objects_free": "free blocks in the arenas of Python's allocator",
    "large_objects": "live objects of more than 512 bytes",
    "native": "blocks of native code, and what arrays of numpy and the like hold,",
    "c_library": "blocks of the C library, which are objects of more than 512 bytes or native memory,",
    "stacks": "stacks of threads",
    "files": "mapped files",
    "shared": "segments of shared memory",
    "huge_waste": "zeros in huge pages",
    "other": "mappings of no allocator that is known here",
}
_UNKNOWN = ", so it is not known which kind of memory that is"
_OBJECTS: tuple[GrowthKind, ...] = ("small_objects", "objects", "large_objects")


def grows(growth: GrowthRow, served_by: str | None = None) -> str:
    """One sentence; `served_by` is the allocator that serves the program where it cannot be read."""
    kinds = growing(growth)
    if not kinds:
        why = "none of its kinds in RSS does" if growth["kinds"] else "its mappings were read too seldom"
        return f"It grows by {size(growth['bytes_per_s'])}/s; {why}{_UNKNOWN}."
    said = " and ".join(
        f"{_kind(kind, served_by)}{' grow' * (number == 0)} by {size(per_s)}/s"
        f"{_blocks(growth, kind, served_by)}"
        for number, (kind, per_s) in enumerate(kinds)
    )
    others = [each for each in (growth["kinds"] or {}).items() if each[0] in _OBJECTS and each not in kinds]
    for does, least, most in (("hardly do", _STILL, NAMED_SHARE), ("do not", float("-inf"), _STILL)):
        named = [
            KINDS[kind]
            for kind, per_s in others
            if least * growth["bytes_per_s"] <= per_s < most * growth["bytes_per_s"]
        ]
        if named:
            said += f"; {' and '.join(named)} {does}"
    return f"{said[0].upper()}{said[1:]}."


def _kind(kind: GrowthKind, served_by: str | None) -> str:
    return f"mappings of {served_by}" if kind == "other" and served_by is not None else KINDS[kind]


def _blocks(growth: GrowthRow, kind: GrowthKind, served_by: str | None) -> str:
    blocks = growth["large_blocks_per_s"]
    if blocks is None:
        return ""
    lasts_s = growth["to_s"] - growth["from_s"]
    if kind == "large_objects" and blocks * lasts_s < 1:
        return ", in no more blocks than before: some get larger"
    if not blocks:
        return ""
    if kind == "other" and served_by is not None:
        return f" (objects of more than 512 bytes are among them: {count(blocks)} more a second)"
    if kind != "large_objects":
        return ""
    if blocks < 1:
        return f" ({count(blocks * lasts_s)} blocks more in {lasts_s:.0f} s)"
    return f" ({count(blocks)} blocks more a second)"


def growing(growth: GrowthRow) -> list[tuple[GrowthKind, float]]:
    """The kinds that make up the growth, and how fast each of them grows, the fastest first.

    What is left over holds what was taken between the readings of the others, so it is a kind only where it
    is most of the growth.
    """
    least: dict[GrowthKind, float] = {"other": 0.5}
    kinds = [
        (kind, per_s)
        for kind, per_s in (growth["kinds"] or {}).items()
        if per_s >= least.get(kind, NAMED_SHARE) * growth["bytes_per_s"]
    ]
    return sorted(kinds, key=lambda each: -each[1])
