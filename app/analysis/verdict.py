"""Where the memory of a process went, in sentences with numbers: the largest part first.

The parts are those of parts.py; a sentence says what a part is, and what would give it back. What is less
than a tenth of RSS, or than 8 MiB, is not worth one.
"""

from __future__ import annotations

from typing import NamedTuple

from app.analysis.growth import LargeObjects
from app.analysis.growth_words import grows
from app.model.summary import CLibraryRow, GrowthRow, LargestMapping, PartName, Parts
from app.model.units import count, share, size

LEAST_BYTES = 8 << 20
LEAST_SHARE = 0.1

# glibc makes an arena for a thread that finds the others taken, up to eight for each CPU. A program with few
# threads has one or two.
MANY_ARENAS = 4
RAISED_THRESHOLD = 1 << 20  # from 128 KiB; interpreters raise it to some hundreds by themselves

_SAID: dict[PartName, str] = {
    "objects_free": (
        "{} are free blocks in the arenas of Python's allocator. An arena goes back to the system when all "
        "of it is free: the objects that are left in it keep it."
    ),
    "c_free_kept": (
        "{} are free in the C library's heap and stay with the process: holes smaller than a page between "
        "blocks in use, and the ends of arenas. malloc_trim gives none of it back."
    ),
    "c_mapped": (
        "{} are large blocks of the C library, each with a mapping of its own: all of it is in use, and goes "
        "back as soon as it is freed."
    ),
    "stacks": "{} are stacks of threads.",
    "huge_waste": (
        "About {} are zeros in huge pages: the kernel gives 2 MiB where a program touches one byte. "
        "madvise(MADV_NOHUGEPAGE) or /sys/kernel/mm/transparent_hugepage/enabled keeps it from that."
    ),
}
_STEADY, _LITTLE = 0.05, 1 << 20  # of what is free: less is no change worth telling
_MAPPED: dict[PartName, tuple[str, tuple[str, ...]]] = {
    "files": ("mapped files, the interpreter and its libraries with them", ("file",)),
    "shared": ("shared memory", ("shared",)),
    "other": ("memory of no allocator that is known here", ("anonymous", "other")),
}


class Objects(NamedTuple):
    """What is known of Python's objects beside their bytes."""

    allocator: str | None = None  # Python's own: pymalloc or mimalloc
    large: LargeObjects | None = None  # those among the C library's blocks


def verdict(
    rss: int,
    parts: Parts,
    library: CLibraryRow | None,
    largest: list[LargestMapping],
    growth: GrowthRow | None = None,
    unmapped: tuple[int, int] | None = None,
    objects: Objects | None = None,
) -> list[str]:
    """The sentences: how much is in use, what grows, the largest parts, and what could not be known.

    `unmapped` are bytes and files of shared memory that are in no RSS.
    """
    worth = [(bytes_ or 0, name) for name, bytes_ in parts.items() if _is_worth(bytes_ or 0, rss)]
    unknown = unread(library)
    objects = objects or Objects()
    said = [_live(rss, parts, unknown, objects), *_owners(objects.large, rss)]
    said += [grows(growth, unknown)] if growth else []
    for bytes_, name in sorted(worth, reverse=True):
        if name == "c_trimmable":
            said.append(_trimmable(bytes_, library))
        elif name in _SAID:
            said.append(_SAID[name].format(size(bytes_)))
        elif name in _MAPPED:
            said.append(_mappings(bytes_, name, largest, unknown))
    return [*said, *_left(unmapped), *_unknown(library)]


def unread(library: CLibraryRow | None) -> str | None:
    """The allocator that serves the program where how much of its memory is free cannot be read."""
    return library["allocator"] if library and library["free"] is None else None


def _live(rss: int, parts: Parts, unknown: str | None, of: Objects) -> str:
    """`unknown` is the allocator that serves the program where it cannot be read."""
    small = "of Python's objects" if of.allocator == "mimalloc" else "of Python's small objects"
    objects, blocks, mapped = parts["objects_in_use"], parts["c_in_use"], parts["c_mapped"]
    if objects is None and blocks is None:
        return f"Of {size(rss)} in memory it is not known how much is in use: no allocator could be read."
    live = (objects or 0) + (blocks or 0) + (mapped or 0)
    by = [
        f"{size(bytes_)} {what}"
        for bytes_, what in (
            (objects, small),
            (blocks, "of the C library's blocks"),
            (mapped, "of large blocks"),
        )
        if bytes_
    ]
    free = (parts["objects_free"] or 0) + (parts["c_trimmable"] or 0) + (parts["c_free_kept"] or 0)
    if unknown is not None:
        return (
            f"Of {size(rss)} in memory, {size(live)} are in use ({', '.join(by)}) and {size(free)} are free "
            f"in Python's allocator. Of what {unknown} has that is not known."
        )
    return f"Of {size(rss)} in memory, {size(live)} are in use ({', '.join(by)}) and {size(free)} are free."


def _owners(large: LargeObjects | None, rss: int) -> list[str]:
    """How much of the C library's blocks are objects; a census looks at those that no pool has room for."""
    if large is None or not _is_worth(large.blocks, rss):
        return []
    known = min(large.bytes, large.blocks)
    said = (
        f"Of the C library's blocks in use about {share(known / large.blocks)} by size are Python's objects"
    )
    if not _is_worth(large.blocks - known, rss):
        return [f"{said}."]
    return [f"{said}; the rest is of none that is known: native code's, or the data of arrays or bytearrays."]


def _trimmable(bytes_: int, library: CLibraryRow | None) -> str:
    said = f"{size(bytes_)} are free in the C library's heap, and malloc_trim(0) would give them back."
    if library is None:
        return said
    arenas, threshold = library["arenas"] or 0, library["mmap_threshold"] or 0
    if arenas >= MANY_ARENAS:
        said += (
            f" There are {count(arenas)} arenas, for threads that allocated at the same time: "
            "MALLOC_ARENA_MAX=2 in the environment makes fewer."
        )
    elif threshold >= RAISED_THRESHOLD:
        said += (
            f" A freed block of {size(threshold)} raised the threshold from which on a block is a mapping of "
            "its own, so that smaller ones lie in the heap: MALLOC_MMAP_THRESHOLD_=131072 in the environment "
            "fixes it."
        )
    return said


def _mappings(bytes_: int, part: PartName, largest: list[LargestMapping], unknown: str | None) -> str:
    what, kinds = _MAPPED[part]
    if part == "other" and unknown is not None:
        what = f"what {unknown} has of the kernel, in use and free, and {what}"
    told = [each for each in largest if each.kind in kinds][:2]
    named = ", ".join(f"{each.name} ({size(each.rss)})" for each in told)
    if not named:
        return f"{size(bytes_)} are {what}."
    is_most = sum(each.rss for each in told) > bytes_ / 2
    return f"{size(bytes_)} are {what}: {'most of it' if is_most else 'the largest'} {named}."


def _left(unmapped: tuple[int, int] | None) -> list[str]:
    bytes_, files = unmapped or (0, 0)
    if bytes_ < LEAST_BYTES:
        return []
    of_them, they = ("one file", "It belongs") if files == 1 else (f"{count(files)} files", "They belong")
    return [
        f"{size(bytes_)} more of shared memory are in no process's RSS: {of_them} in /dev/shm, or "
        f"held open, that no process maps. {they} to the same user and changed since this process began. "
        "Such a file takes memory until it is unlinked and closed."
    ]


def _unknown(library: CLibraryRow | None) -> list[str]:
    if library is None:
        return []
    said = [f"{library['why'].rstrip('.')}."] if library["why"] else []
    if library["torn"] or library["cut"]:
        said.append(
            f"{count(library['torn'])} lists of free blocks changed while they were read, and "
            f"{count(library['cut'])} were too long to be read to their end: what is in them counts as used."
        )
    if library["moved"] > max(_LITTLE, _STEADY * (library["free"] or 0)):
        said.append(
            f"What is free changed while it was read, by {size(library['moved'])}: it may be off by as much."
        )
    return said


def _is_worth(bytes_: int, rss: int) -> bool:
    return bytes_ >= max(LEAST_BYTES, LEAST_SHARE * rss)
