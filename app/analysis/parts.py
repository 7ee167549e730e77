"""What a process's RSS is made of: one bar that adds up to it.

    parts  {"objects_in_use", "objects_free", "c_in_use", "c_trimmable", "c_free_kept", "c_mapped", "stacks",
            "files", "shared", "huge_waste", "other"}

    objects_in_use   blocks in use of Python's own allocator, pymalloc or mimalloc
    objects_free     the rest of its arenas that is in memory
    c_in_use         of the C library's arenas: in use, with the blocks that a thread keeps for its next call
    c_trimmable      free, and malloc_trim(0) would give it back
    c_free_kept      free, and it would not: holes smaller than a page, the tops of threads' arenas, and less
                     than a huge page of the main arena's where the heap is to have those
    c_mapped         blocks of the C library that are mappings of their own
    stacks           of the threads
    files, shared    mapped files; memory that several processes may map
    huge_waste       zeros in huge pages of other anonymous memory, by a sample
    other            the rest of it: anonymous memory that no allocator known here made, what the kernel maps

What could not be told apart is null, and its bytes are in `other`. Sizes are those of the last walk; the heap
and the C library were read at instants of their own, so that of a process that moves fast they may be a
little older or newer. They never make a part larger than the mappings that it lies in.
"""

from __future__ import annotations

from typing import get_args

from app.model.frames import CLibrary, Memory
from app.model.summary import PartName, Parts
from app.model.tracks import kinds_of

PARTS: tuple[PartName, ...] = get_args(PartName)

# The kinds of mappings that a part lies in: its PSS is reckoned like theirs.
_KINDS: dict[PartName, tuple[str, ...]] = {
    "objects_in_use": ("arenas",),
    "objects_free": ("arenas",),
    "c_in_use": ("heap", "c_heap"),
    "c_trimmable": ("heap", "c_heap"),
    "c_free_kept": ("heap", "c_heap"),
    "c_mapped": ("c_mapped",),
    "stacks": ("stacks",),
    "files": ("file",),
    "shared": ("shared",),
    "huge_waste": ("anonymous",),
}
_WHOLE: tuple[PartName, ...] = ("c_mapped", "stacks", "files", "shared")
_RSS, _PSS = 1, 2


def parts_of(memory: Memory, objects: int | None, library: CLibrary | None) -> Parts:
    """The parts of a walk's RSS; `objects` are the bytes in use of Python's own allocator, if it was read."""
    parts: Parts = dict.fromkeys(PARTS)
    arenas = _sum(memory, ("arenas",), _RSS)
    if arenas is not None and objects is not None:
        parts["objects_in_use"] = min(objects, arenas)
        parts["objects_free"] = arenas - min(objects, arenas)
    heaps = _sum(memory, ("heap", "c_heap"), _RSS)
    if heaps is not None and library is not None and library.free is not None:
        free = min(max(library.free - (library.absent or 0), 0), heaps)
        parts["c_in_use"] = heaps - free
        if library.trimmable is not None:
            trimmable = min(library.trimmable, free)
            parts |= {"c_trimmable": trimmable, "c_free_kept": free - trimmable}
    for name in _WHOLE:
        parts[name] = _sum(memory, _KINDS[name], _RSS)
    if memory.huge_waste is not None:
        parts["huge_waste"] = min(memory.huge_waste, _sum(memory, ("anonymous",), _RSS) or 0)
    parts["other"] = memory.rss - sum(bytes_ or 0 for bytes_ in parts.values())
    return parts


def by_pss(memory: Memory, parts: Parts) -> Parts | None:
    """The same of the PSS, each part shared out as its mappings are; None where none of these is known."""
    shared: Parts = dict.fromkeys(PARTS)
    for name, kinds in _KINDS.items():
        bytes_, rss, pss = parts[name], _sum(memory, kinds, _RSS), _sum(memory, kinds, _PSS)
        if bytes_ is None:
            continue
        if rss is None or pss is None:
            return None
        shared[name] = round(bytes_ * pss / rss) if rss else 0
    shared["other"] = memory.pss - sum(bytes_ or 0 for bytes_ in shared.values())
    return shared


def together(several: list[Parts | None]) -> Parts | None:
    """The sum over processes; None unless it is known of all of them. A part is null where none has it."""
    known = [parts for parts in several if parts is not None]
    if not known or len(known) < len(several):
        return None
    return {
        name: sum(parts[name] or 0 for parts in known)
        if any(parts[name] is not None for parts in known)
        else None
        for name in PARTS
    }


def _sum(memory: Memory, kinds: tuple[str, ...], column: int) -> int | None:
    """Of those kinds; None where one was not told apart."""
    told = kinds_of(memory)
    rows = [told.get(kind) for kind in kinds]
    if any(row is None or len(row) <= column for row in rows):
        return None
    return sum(row[column] for row in rows if row is not None)
