"""How memory grows, and which kind of it: from readings to the row, the sentence and the finding."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.course import Course
from app.analysis.findings import growth as rules
from app.analysis.growth import DeadCycles, Growth, HeapNow, LargeObjects, settled
from app.analysis.growth_words import grows
from app.analysis.lows import lowest
from app.analysis.parts import PARTS
from app.analysis.processes import ProcessUse
from app.model.frames import Rollup
from app.model.summary import GrowthRow
from tests.unit.analysis.test_memory_findings import check, summary

MIB = 1 << 20
SECONDS = 10


def row_of(
    allocator: str = "pymalloc",
    large_a_second: int | None = 0,
    rss: float | None = None,
    own: float | None = None,
    missed: int | None = None,
    unread: tuple[str, ...] = (),
    **mib_a_second: float,
) -> GrowthRow | None:
    """The row of a process some of whose parts grow; RSS and USS do as their sum unless told otherwise.

    In the second `missed` a walk found none of them; `unread` are parts that could not be told apart.
    """
    pace = sum(mib_a_second.values())
    growth, course = Growth(), Course()
    for tick in range(4 * SECONDS):
        at_us, at_s = tick * 250_000, tick / 4
        sizes = [int((20 + at_s * (pace if each is None else each)) * MIB) for each in (rss, own)]
        growth.sums_read(at_us, *sizes)
        if tick % 4 == 0:
            large = None if large_a_second is None else int(1000 + at_s * large_a_second)
            growth.heap_read(HeapNow(at_us, allocator, MIB, large))
            grown_s = 0 if at_s == missed else at_s
            parts = [
                None if part in unread else int((5 + grown_s * mib_a_second.get(part, 0)) * MIB)
                for part in PARTS
            ]
            course.add((at_us, *parts))
    return growth.row(course, 128 << 10)


def told(**how: Any) -> GrowthRow:
    row = row_of(**how)
    assert row is not None
    return row


def test_large_objects_grow_where_their_number_does() -> None:
    row = told(c_in_use=15, large_a_second=400)
    assert row["bytes_per_s"] == pytest.approx(15 * MIB, rel=0.01)
    assert grows(row) == (
        "Live objects of more than 512 bytes grow by 15 MiB/s (400 blocks more a second); Python's small "
        "objects do not."
    )


def test_what_grows_without_python_s_count_is_native() -> None:
    assert grows(told(c_in_use=15)).startswith(
        "Blocks of native code, and what arrays of numpy and the like hold, grow by 15 MiB/s"
    )
    few = told(c_in_use=15, large_a_second=20)
    assert "native" in (few["kinds"] or {}), "blocks of 768 KiB would have mappings of their own"
    assert "large_objects" in (told(c_mapped=15, large_a_second=20)["kinds"] or {})
    assert "native" in (told(c_in_use=15, allocator="mimalloc", large_a_second=None)["kinds"] or {})


def test_what_is_left_over_is_a_kind_only_where_it_is_most() -> None:
    assert "no allocator" not in grows(told(objects_in_use=4, other=1))
    assert "no allocator" in grows(told(objects_in_use=1, other=4))


def test_a_file_that_is_read_by_its_mapping_is_no_growth() -> None:
    assert row_of(files=20) is None
    assert row_of(files=4, objects_in_use=16) is not None


def test_where_cpython_keeps_no_count_it_is_said_that_it_may_be_either() -> None:
    assert "objects of more than 512 bytes or native memory" in grows(told(c_in_use=15, large_a_second=None))


def test_small_objects_and_large_ones_are_told_with_a_pace_of_each() -> None:
    row = told(objects_in_use=0.8, c_in_use=2.3, large_a_second=800)
    assert row["bytes_per_s"] == pytest.approx(3.1 * MIB, rel=0.01)
    assert grows(row) == (
        "Live objects of more than 512 bytes grow by 2.3 MiB/s (800 blocks more a second) and Python's small "
        "objects by 819 KiB/s."
    )
    assert grows(told(objects_in_use=3)) == "Python's small objects grow by 3 MiB/s."


def test_small_objects_that_come_with_large_ones_are_not_said_to_stand_still() -> None:
    large = "Live objects of more than 512 bytes grow by 3 MiB/s (800 blocks more a second)"
    of = {"c_in_use": 3, "large_a_second": 800}
    assert grows(told(objects_in_use=0.2, **of)) == f"{large}; Python's small objects hardly do."
    assert grows(told(objects_in_use=0.01, **of)) == f"{large}; Python's small objects do not."


def test_a_walk_that_missed_a_block_on_the_move_does_not_hide_what_grows() -> None:
    kinds = told(c_mapped=3, large_a_second=None, missed=SECONDS - 1)["kinds"] or {}
    assert kinds["c_library"] == pytest.approx(3 * MIB, rel=0.01)


def test_under_another_allocator_objects_are_not_said_to_stand_still() -> None:
    row = row_of(other=3.5, large_a_second=2000, unread=("c_in_use", "c_trimmable", "c_free_kept"))
    assert row is not None
    assert grows(row, "jemalloc") == (
        "Mappings of jemalloc grow by 3.5 MiB/s (objects of more than 512 bytes are among them: 2,000 more a "
        "second); Python's small objects do not."
    )


def test_tables_that_grow_with_small_objects_are_not_called_native() -> None:
    kinds = told(objects_in_use=1.3, c_in_use=0.6)["kinds"] or {}
    assert kinds["c_library"] == pytest.approx(0.6 * MIB, rel=0.01)
    assert "native" not in kinds


def test_free_blocks_that_come_with_small_objects_are_theirs() -> None:
    kinds = told(objects_in_use=2, objects_free=1)["kinds"] or {}
    assert kinds["small_objects"] == pytest.approx(3 * MIB, rel=0.01)


def test_room_that_grows_while_no_object_does_is_not_called_objects() -> None:
    free = told(objects_in_use=0.5, objects_free=11.5, allocator="mimalloc")
    assert (free["kinds"] or {})["objects_free"] == pytest.approx(12 * MIB, rel=0.01)
    assert grows(free) == "Free blocks in the arenas of Python's allocator grow by 12 MiB/s."
    advice = check(rules.memory_growth(growing(memory_row(free)))).advice
    assert "no arena gets free" in advice
    threads = growing(memory_row(told(stacks=6, objects_free=11.5, allocator="mimalloc")), threads=THREADS)
    assert codes(threads) == ["threads-grow"], "each thread has a heap of its own"


def test_pages_that_others_let_go_of_are_no_growth() -> None:
    assert row_of(rss=0, own=5) is None
    assert row_of(rss=5, own=5) is not None


# ---- findings


def memory_row(
    growth: GrowthRow | None,
    pid: int = 1,
    allocator: str = "glibc",
    rss: tuple[int, ...] = (),
    **parts: int,
) -> dict[str, Any]:
    course = {
        "names": [],
        "rows": [[at_s * 1_000_000, mib * MIB, None, None] for at_s, mib in enumerate(rss)],
    }
    return {
        "course": course,
        "pid": pid,
        "growth": growth,
        "c_library": {"allocator": allocator, "free": 0 if allocator == "glibc" else None},
        "parts": parts,
    }


def growing(
    *rows: dict[str, Any], threads: dict[str, Any] | None = None, heap: Any = None, collections: int = 5
) -> Any:
    gc = [{"pid": 1, "interpreter": 0, "enabled": True, "collections": [collections, 0, 0]}]
    processes = [{"pid": row["pid"], "threads_growth": threads} for row in rows]
    told = {"types": None, "holders": None, **summary(heap=heap, gc=gc, memory=rows)}
    return {**told, "processes": processes}


def codes(of: Any) -> list[str]:
    return [found.code for rule in rules.RULES if (found := rule(of)) is not None]


def test_a_leak_is_told_with_its_pace_and_an_hour_of_it() -> None:
    of = growing(memory_row(told(c_in_use=5, large_a_second=100)), memory_row(told(objects_in_use=2), pid=2))
    finding = check(rules.memory_growth(of))
    assert finding.code == "memory-growth"
    assert finding.evidence["pid"] == 1
    assert finding.evidence["bytes_per_s"] == pytest.approx(5 * MIB, rel=0.01)
    assert "grew by 5 MiB/s" in finding.detail
    assert "it takes 17.6 GiB more in an hour" in finding.detail
    assert "2 processes" in finding.detail
    assert "collector" not in finding.detail
    assert codes(of) == ["memory-growth"]


def type_row(name: str, mib_per_s: float | None, count_per_s: float | None, pid: int = 1) -> Any:
    bytes_per_s = None if mib_per_s is None else mib_per_s * MIB
    return {"pid": pid, "type": name, "bytes_per_s": bytes_per_s, "count_per_s": count_per_s}


def holder_row(path: str, items_per_s: float | None, kind: str = "dict", pid: int = 1) -> Any:
    return {"pid": pid, "path": path, "type": kind, "items": 10_000, "items_per_s": items_per_s}


def test_the_types_that_grow_and_the_container_that_gets_most_are_named() -> None:
    of = growing(memory_row(told(c_in_use=5, large_a_second=100)))
    of["types"] = [
        type_row("str", 0.7, 4_000),
        type_row("numpy.ndarray", 4.1, 20),
        type_row("bytes", None, None),
        type_row("int", 0.2, 9_000),  # a fiftieth of it
        type_row("dict", 9, 9, pid=2),
    ]
    of["holders"] = [
        holder_row("app.seen", 3_990.0),
        holder_row("app.routes", None),
        holder_row("app.other", 9_000.0, pid=2),
    ]
    said = check(rules.memory_growth(of)).detail
    assert (
        "The types that grow most are numpy.ndarray (20 more a second) and str (4,000 more a second). "
        "app.seen has 3,990 more items each second. At that pace"
    ) in said


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("app: jobs.queue", "collections.deque"),  # queue.Queue
        ("app: jobs.queue", "list"),  # queue.PriorityQueue, queue.LifoQueue
        ("app: jobs._queue", "collections.deque"),  # asyncio.Queue
        ("app: jobs._buffer", "collections.deque"),  # multiprocessing.Queue
    ],
)
def test_a_queue_that_gets_more_than_is_taken_out_is_advised_a_bound(path: str, kind: str) -> None:
    of = growing(memory_row(told(objects_in_use=5)))
    of["holders"] = [holder_row("app: seen", 20.0), holder_row(path, 3_000.0, kind)]
    said = check(rules.memory_growth(of)).advice
    assert said.startswith(f"More is put into {path} than is taken out. Give the queue a bound (maxsize")
    assert "lru_cache" not in said


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [holder_row("app: jobs.queue", None, "collections.deque")],  # it does not grow
        [holder_row("app: jobs.queue", 9.0, "collections.deque"), holder_row("app: seen", 80.0)],
        [holder_row("app: session.queue", 80.0)],  # a dict of that name
        [holder_row("app: jobs.queue", 80.0, "collections.deque", pid=2)],
    ],
)
def test_what_grows_elsewhere_than_in_a_queue_is_not_advised_one(rows: list[Any]) -> None:
    of = growing(memory_row(told(objects_in_use=5)))
    of["holders"] = rows
    assert check(rules.memory_growth(of)).advice.startswith("Look for a container")


def test_one_type_alone_is_named_so() -> None:
    of = growing(memory_row(told(c_in_use=5)))
    of["types"] = [type_row("numpy.ndarray", 4.1, 0.4)]
    said = check(rules.native_memory_growth(of)).detail
    assert " The type that grows most is numpy.ndarray. At that pace" in said


def test_what_was_never_collected_may_be_garbage() -> None:
    of = growing(memory_row(told(c_in_use=5, large_a_second=100)), collections=0)
    assert "The collector has not run so far" in check(rules.memory_growth(of)).detail
    of["gc"][0]["enabled"] = False
    assert "The collector is switched off" in check(rules.memory_growth(of)).detail


def test_a_collector_that_is_off_is_told_whatever_was_collected_before_or_at_the_end() -> None:
    of = growing(memory_row(told(c_in_use=5, large_a_second=100)), collections=3)
    assert "collector" not in check(rules.memory_growth(of)).detail
    of["gc"][0]["enabled"] = False
    assert "The collector is switched off" in check(rules.memory_growth(of)).detail


def ended(count: int, lived_s: float, pid: int = 1) -> Any:
    return {"pid": pid, "threads_ended": {"count": count, "lived_s": lived_s}}


def test_threads_that_come_and_go_are_told_with_their_pace_and_their_life() -> None:
    of = growing()
    of["run"] = {"duration_s": 5.0}
    of["processes"] = [ended(3_000, 0.5), ended(9_000, 3.0, pid=2), {"pid": 3, "threads_ended": None}]
    finding = check(rules.threads_come_and_go(of))
    assert finding.evidence == {"pid": 1, "ended": 3_000, "ended_per_s": 600.0, "lived_s": 0.5}
    assert "3,000 threads of process 1 ended in 5.0 s, 600 a second, each 500 ms after" in finding.detail
    assert codes(of) == ["threads-come-and-go"]
    of["processes"] = [ended(499, 0.5)]
    assert codes(of) == []
    of["run"], of["processes"] = {"duration_s": 1.5}, [ended(900, 0.5)]
    assert codes(of) == [], "a pool that starts and ends is no habit"


@pytest.mark.parametrize("parts", [{"c_in_use": 5}, {"other": 5}], ids=["blocks", "mappings"])
def test_native_memory_is_a_finding_of_its_own(parts: dict[str, float]) -> None:
    assert codes(growing(memory_row(told(**parts)))) == ["native-memory-growth"]


def test_the_memory_of_another_allocator_may_be_python_s() -> None:
    of = growing(memory_row(told(other=5), allocator="jemalloc"))
    assert codes(of) == ["memory-growth"]
    finding = check(rules.memory_growth(of))
    assert "Mappings of jemalloc grow by 5 MiB/s" in finding.detail
    assert "If they name too little, it is native memory." in finding.advice


THREADS = {"from_s": 3.0, "to_s": 9.0, "readings": 20, "first": 80, "last": 200, "per_s": 20.0}


def test_threads_that_grow_take_their_stacks_with_them_and_are_told_once() -> None:
    of = growing(memory_row(told(stacks=2, c_in_use=0.5), stacks=40 * MIB), threads=THREADS)
    assert codes(of) == ["threads-grow"]
    finding = check(rules.threads_grow(of))
    assert "had 80 threads at 3.0 s and 200 at 9.0 s: 20.0 more a second" in finding.detail
    assert (
        "Memory grows by 2.5 MiB/s with them, 128 KiB for each. 40 MiB of it are their stacks."
        in finding.detail
    )
    of = growing(memory_row(told(stacks=0.4, objects_in_use=1, other=0.6)), threads=THREADS)
    assert codes(of) == ["threads-grow"], "100 KiB a thread is what one is made of"
    assert codes(growing(memory_row(told(stacks=2, objects_in_use=9)), threads=THREADS)) == [
        "memory-growth",
        "threads-grow",
    ]
    assert codes(growing(memory_row(None), threads=THREADS)) == ["threads-grow"]
    unknown = told(stacks=12, objects_in_use=4) | {"kinds": None}
    assert codes(growing(memory_row(unknown), threads=THREADS)) == ["threads-grow"], "its kinds"


def test_a_heap_that_fills_what_is_free_is_told_where_the_process_does_not_grow() -> None:
    growth = {"from_s": 3.0, "to_s": 9.0, "readings": 7, "first": MIB, "last": 31 * MIB, "per_s": 5.0 * MIB}
    heaps = [{"pid": 1, "interpreter": 0, "growth": growth}]
    of = growing(memory_row(None, rss=(50,) * 10), heap=heaps)
    assert codes(of) == ["heap-growth"]
    finding = check(rules.heap_growth(of))
    assert "grew by 5 MiB/s, from 1 MiB to 31 MiB (judged from 7 readings only), while the" in finding.detail
    # Where its own memory was read too seldom to be called growth, it is not said that there is none.
    with_it = rules.heap_growth(growing(memory_row(None, rss=(9, 9, 9, 9, 15, 21, 27, 33)), heap=heaps))
    assert "(judged from 7 readings only), and RSS by 24 MiB with it. At" in check(with_it).detail
    unread = rules.heap_growth(growing(memory_row(None), heap=heaps))
    assert "(judged from 7 readings only). At that pace" in check(unread).detail
    assert codes(growing(memory_row(told(objects_in_use=5)), heap=heaps)) == ["memory-growth"]


@pytest.mark.parametrize("rule", rules.RULES)
def test_what_was_not_measured_is_not_judged(rule: Any) -> None:
    assert rule(growing()) is None
    assert rule({**summary(memory=[{"pid": 1}]), "processes": [{"pid": 1}]}) is None, "a summary of before"


def process_of(seconds: int, resident: float, swapped: float) -> ProcessUse:
    """A process whose own memory, all of it, grows by so many MiB a second in memory and in swap."""
    process = ProcessUse(7)
    for tick in range(4 * seconds):
        own, swap = (int((20 + pace * tick / 4) * MIB) for pace in (resident, swapped))
        process.summed(Rollup(tick * 250_000, 7, own, own, own, swap, 0))
    return process


def test_a_growth_is_told_though_it_is_swapped_out() -> None:
    growth = process_of(12, resident=0, swapped=5).memory_row(None, None)["growth"]
    assert growth is not None
    assert growth["bytes_per_s"] == pytest.approx(5 * MIB, rel=0.01)
    assert process_of(12, resident=-5 / 4, swapped=5 / 4).memory_row(None, None)["growth"] is None


def test_a_row_is_made_anew_once_something_was_read() -> None:
    process = process_of(12, resident=5, swapped=0)
    before = process.memory_row(None, None)["growth"]
    assert before is process.memory_row(None, None)["growth"], "nothing was read in between"
    process.summed(Rollup(12_000_000, 7, 80 * MIB, 80 * MIB, 80 * MIB, 20 * MIB, 0))
    after = process.memory_row(None, None)["growth"]
    assert before is not None
    assert after is not None
    assert after["to_s"] > before["to_s"]


def test_a_slope_is_of_few_points_however_many_were_read() -> None:
    points = [(at_us, at_us % 7) for at_us in range(10_000)]
    kept = lowest(points, 0, 10_000)
    assert len(kept) == 12
    assert all(value == 0 for _, value in kept)


def test_one_object_that_grows_is_no_native_memory() -> None:
    row = told(c_mapped=12)  # a bytearray: its block is moved and enlarged, and stays one block
    assert grows(row).startswith("Blocks of native code")
    large = LargeObjects(9_000_000, 110 * MIB, 112 * MIB)
    known = settled(row, large, None)
    assert known is not None
    assert grows(known) == (
        "Live objects of more than 512 bytes grow by 12 MiB/s, in no more blocks than before: some get "
        "larger; Python's small objects do not."
    )
    # A buffer that a long call of zlib fills looks the same, and has an end.
    assert codes(growing(memory_row(known))) == []
    for_long: GrowthRow = {**known, "to_s": known["from_s"] + 20}
    assert codes(growing(memory_row(for_long))) == ["memory-growth"]
    every_size = settled(row, large._replace(every_size=True), None)  # PYTHONMALLOC=malloc
    assert every_size is not None
    assert grows(every_size).startswith("Python's objects grow by 12 MiB/s")


def test_large_objects_of_which_there_are_more_and_more_are_no_buffer() -> None:
    """10 new blocks of 4 MiB a second."""
    row = told(c_mapped=40, large_a_second=10)
    brief: GrowthRow = {**row, "to_s": row["from_s"] + 6}
    known = settled(brief, LargeObjects(9_000_000, 380 * MIB, 390 * MIB), None) or brief
    assert known["large_blocks_per_s"] == pytest.approx(10)
    assert "large_objects" in (known["kinds"] or {})
    assert codes(growing(memory_row(known))) == ["memory-growth"]
    assert codes(growing(memory_row({**known, "large_blocks_per_s": 0.5}))) == [], "as many as zlib takes"


def test_a_block_in_two_seconds_is_no_standstill() -> None:
    row: GrowthRow = {**told(c_mapped=40, large_a_second=10), "large_blocks_per_s": 0.5}
    slow: GrowthRow = {**row, "to_s": row["from_s"] + 20}
    assert "(10 blocks more in 20 s)" in grows(slow)
    assert "in no more blocks than before" in grows({**slow, "to_s": row["from_s"] + 1})


@pytest.mark.parametrize(
    "large",
    [None, LargeObjects(9_000_000, 2 * MIB, 112 * MIB), LargeObjects(3_400_000, 50 * MIB, 50 * MIB)],
    ids=["none was taken", "none of them is an object", "as the growth began"],
)
def test_what_no_census_explains_stays_native(large: LargeObjects | None) -> None:
    row = told(c_mapped=12)
    assert settled(row, large, None) == row


def test_without_a_count_of_large_blocks_a_census_tells_what_is_native() -> None:
    row = told(c_in_use=12, large_a_second=None)  # CPython 3.11
    assert "c_library" in (row["kinds"] or {})
    known = settled(row, LargeObjects(9_000_000, 2 * MIB, 112 * MIB), None)
    assert known is not None
    assert codes(growing(memory_row(known))) == ["native-memory-growth"]
    assert settled(row, LargeObjects(9_000_000, 50 * MIB, 112 * MIB), None) == row, "neither explains it"
    assert settled(row, LargeObjects(3_400_000, 0, 50 * MIB), None) == row, "as the growth began"


def test_dead_cycles_that_the_next_collection_gives_back_are_no_growth() -> None:
    row = told(c_in_use=12, large_a_second=400)
    grown = row["bytes_to"] - row["bytes_from"]
    assert settled(row, None, DeadCycles(3_000_000, grown, grown // 2 + 1)) is None
    assert settled(row, None, DeadCycles(3_000_000, grown, grown // 4)) == row, "most of it is no cycle"
    assert settled(row, None, DeadCycles(5_000_000, grown, grown)) == row, "it grew across a collection"


def test_what_a_collection_has_given_back_since_the_last_reading_grows_no_more() -> None:
    row = told(c_in_use=12, large_a_second=400)
    grown, after_us = row["bytes_to"] - row["bytes_from"], int(row["to_s"] * 1e6) + 1_000
    assert settled(row, None, DeadCycles(after_us, grown // 2 + 1, 0)) is None
    assert settled(row, None, DeadCycles(after_us, grown // 4, 0)) == row, "most of it is still there"


def test_another_program_that_maps_the_same_files_hides_no_growth() -> None:
    process = ProcessUse(7)
    for tick in range(40):
        at_us, grown = tick * 250_000, tick * MIB
        files = 0 if tick > 35 else 6 * MIB  # somebody starts who maps them as well
        process.summed(
            Rollup(at_us, 7, 26 * MIB + grown, 20 * MIB + grown + files, 0, 0, 0, 20 * MIB + grown)
        )
    growth = process.memory_row(None, None)["growth"]
    assert growth is not None
    assert growth["bytes_per_s"] == pytest.approx(4 * MIB, rel=0.01)


@pytest.mark.parametrize(("imports_s", "expected"), [(1.0, True), (6.0, False)])
def test_what_grows_while_the_program_is_still_imported_is_not_told(imports_s: float, expected: bool) -> None:
    """On a busy machine a program may take seconds to import what it needs, and grow all the time."""
    of = growing(memory_row(told(c_in_use=5, large_a_second=100)))
    growth = of["memory"][0]["growth"]
    assert growth["from_s"] > 1.0
    loads = {"function": "get_data", "file": "<frozen importlib._bootstrap_external>", "callers": []}
    works = {"function": "work", "file": "/srv/app.py", "callers": [["main", "/srv/app.py", 3]]}
    rows = [{**loads, "total_s": imports_s}, {**works, "total_s": 8.0 - imports_s}]
    of["threads"] = [{"pid": 1, "tid": 1, "observed_s": 8.0, "blocked": rows}]
    assert (codes(of) == ["memory-growth"]) is expected
