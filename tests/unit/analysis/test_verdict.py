"""Where memory went, in words."""

from __future__ import annotations

from typing import Any

from app.analysis.growth import LargeObjects
from app.analysis.parts import PARTS
from app.analysis.verdict import Objects, verdict
from app.model.summary import CLibraryRow, LargestMapping, Parts

MIB = 1 << 20


def parts(**known: int) -> Parts:
    return {name: known.get(name, 0) * MIB for name in PARTS}


def library(**known: Any) -> CLibraryRow:
    row: Any = dict.fromkeys(CLibraryRow.__annotations__, 0)
    return {**row, "allocator": "glibc", "version": "2.36", "arenas": 1, "why": "", **known}


def test_what_is_free_is_told_with_what_gives_it_back_and_why() -> None:
    bar = parts(objects_in_use=10, c_in_use=15, c_trimmable=952, files=1)
    said = verdict(978 * MIB, bar, library(arenas=16), [])
    assert said[0] == (
        "Of 978 MiB in memory, 25 MiB are in use (10 MiB of Python's small objects, 15 MiB of the C "
        "library's blocks) and 952 MiB are free."
    )
    plain = "952 MiB are free in the C library's heap, and malloc_trim(0) would give them back."
    assert said[1].startswith(plain)
    assert "16 arenas" in said[1]
    assert "MALLOC_ARENA_MAX" in said[1]
    assert len(said) == 2
    raised = verdict(978 * MIB, bar, library(mmap_threshold=31 * MIB), [])[1]
    assert "A freed block of 31 MiB raised the threshold" in raised
    assert "ARENA" not in raised
    few = verdict(978 * MIB, bar, library(mmap_threshold=200_000), [])[1]
    assert few == plain


def test_the_largest_part_comes_first_and_little_ones_have_no_sentence() -> None:
    said = verdict(
        400 * MIB, parts(c_free_kept=60, objects_free=90, c_mapped=39, huge_waste=7), library(), []
    )
    assert [sentence.split(" are")[0] for sentence in said[1:]] == ["90 MiB", "60 MiB"]
    assert "malloc_trim gives none of it back" in said[2]
    assert len(verdict(20 * MIB, parts(stacks=6, objects_free=7), None, [])) == 1


def test_what_no_allocator_explains_is_named_by_its_mappings() -> None:
    largest = [
        LargestMapping("/data/model.bin", "file", 300 * MIB),
        LargestMapping("7f00-7f10", "anonymous", 90 * MIB),
    ]
    said = verdict(500 * MIB, parts(files=300, other=100), None, largest)
    assert "/data/model.bin (300 MiB)" in said[1]
    assert said[2] == "100 MiB are memory of no allocator that is known here: most of it 7f00-7f10 (90 MiB)."


def test_what_could_not_be_known_is_said() -> None:
    unread: Parts = {**parts(other=50), "objects_in_use": None, "c_in_use": None}
    why = "jemalloc serves this program; how much of its memory is free cannot be read from outside."
    said = verdict(50 * MIB, unread, library(allocator="jemalloc", why=why), [])
    assert said[0] == "Of 50 MiB in memory it is not known how much is in use: no allocator could be read."
    assert said[-1] == why
    torn = verdict(50 * MIB, parts(), library(torn=2), [])[-1]
    assert torn.startswith("2 lists of free blocks changed while they were read, and 0 were too long")
    moved = verdict(50 * MIB, parts(), library(free=40 * MIB, moved=3 * MIB), [])[-1]
    assert moved == "What is free changed while it was read, by 3 MiB: it may be off by as much."
    assert "it may be off" not in str(verdict(50 * MIB, parts(), library(free=99 * MIB, moved=3 * MIB), []))


def test_what_another_allocator_has_is_told_as_that() -> None:
    served = library(allocator="jemalloc", free=None)
    bar: Parts = {**parts(objects_in_use=22, other=60), "c_in_use": None, "c_mapped": None}
    said = verdict(90 * MIB, bar, served, [LargestMapping("7f00-7f10", "anonymous", 2 * MIB)])
    assert said[0] == (
        "Of 90 MiB in memory, 22 MiB are in use (22 MiB of Python's small objects) and 0 B are free in "
        "Python's allocator. Of what jemalloc has that is not known."
    )
    assert said[1] == (
        "60 MiB are what jemalloc has of the kernel, in use and free, and memory of no allocator that is "
        "known here: the largest 7f00-7f10 (2 MiB)."
    )


def test_how_much_of_the_blocks_are_objects_is_told_once_they_are_known() -> None:
    bar = parts(c_in_use=100)
    blocks = LargeObjects(1, 2 * MIB, 100 * MIB)
    said = verdict(110 * MIB, bar, library(), [], objects=Objects("mimalloc", blocks))
    assert said[1] == (
        "Of the C library's blocks in use about 2.0 % by size are Python's objects; the rest is of none that "
        "is known: native code's, or the data of arrays or bytearrays."
    )
    all_known = Objects("pymalloc", LargeObjects(1, 99 * MIB, 100 * MIB))
    said = verdict(110 * MIB, bar, library(), [], objects=all_known)
    assert said[1] == "Of the C library's blocks in use about 99 % by size are Python's objects."
    few = Objects("pymalloc", LargeObjects(1, 0, 5 * MIB))
    assert len(verdict(110 * MIB, bar, library(), [], objects=few)) == 1


def test_shared_memory_that_nobody_maps_is_told_beside_rss() -> None:
    bar = parts(objects_in_use=10)
    said = verdict(10 * MIB, bar, None, [], None, (160 * MIB, 20))
    assert said[1].startswith("160 MiB more of shared memory are in no process's RSS: 20 files in ")
    assert "one file" in verdict(10 * MIB, bar, None, [], None, (160 * MIB, 1))[1]
    assert len(verdict(10 * MIB, bar, None, [], None, (7 * MIB, 1))) == 1
