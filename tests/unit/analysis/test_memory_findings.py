"""The rules over heap, collector and forked memory: where they speak, and where they must not."""

import pytest

from app.analysis.copies import PAGE_BYTES
from app.analysis.findings import memory
from app.analysis.parts import PARTS

MIB = 1 << 20


def heap(used, pinned=(), arenas_mib=100, pid=1, every_s=1.0, allocator="pymalloc"):
    """The row of a heap that had so many bytes in use, and so many MiB pinned, at each reading."""
    pinned = [*pinned, *[0] * (len(used) - len(pinned))]
    rows = [
        [
            int(at * every_s * 1e6),
            bytes_used // 64,
            bytes_used,
            arenas_mib,
            arenas_mib * MIB,
            mib,
            mib * MIB,
            640,
        ]
        for at, (bytes_used, mib) in enumerate(zip(used, pinned, strict=True))
    ]
    return {"pid": pid, "interpreter": 0, "allocator": allocator, "course": {"rows": rows}}


def summary(heap=None, gc=None, memory=(), threads=()):
    return {"heap": heap, "gc": gc, "memory": list(memory), "threads": list(threads)}


def check(finding):
    """What every finding has."""
    assert finding.severity in ("info", "notice", "warning", "critical")
    assert all((finding.title, finding.detail, finding.advice, finding.evidence))
    assert finding.doc.startswith("/")
    return finding


@pytest.mark.parametrize("rule", memory.RULES)
def test_what_was_not_measured_is_not_judged(rule):
    assert rule(summary()) is None


# ---- fragmented


@pytest.mark.parametrize("pinned", [[0, 40, 60, 0], [0, 0, 0, 60]], ids=["for a while", "at the end"])
def test_arenas_that_a_few_objects_keep_are_found(pinned):
    finding = check(memory.heap_fragmented(summary([heap([MIB] * 4), heap([MIB] * 4, pinned, pid=2)])))
    assert finding.code == "heap-fragmented"
    assert finding.evidence["pid"] == 2
    assert finding.evidence["pinned_bytes"] in (40 * MIB, 60 * MIB)
    assert f"{finding.evidence['pinned_arenas']} of 100 arenas of process 2" in finding.detail


def test_segments_of_mimalloc_are_no_arenas():
    assert memory.heap_fragmented(summary([heap([MIB] * 2, [60, 60], allocator="mimalloc")])) is None


@pytest.mark.parametrize(
    ("pinned", "arenas"),
    [([0, 60, 0, 0], 100), ([7, 7, 7, 7], 8), ([20, 20, 20, 20], 100)],
    ids=["in passing", "few", "a small part"],
)
def test_arenas_that_are_about_to_be_used_or_given_back_are_not_fragmented(pinned, arenas):
    assert memory.heap_fragmented(summary([heap([MIB] * 4, pinned, arenas)])) is None


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"objects_free": 60, "c_trimmable": 30, "other": 100}, True),
        ({"objects_free": 60, "c_trimmable": 90}, False),
        ({"objects_free": 60, "c_trimmable": 40, "c_free_kept": 40}, False),
        ({"objects_free": 60, "other": 2000}, False),
    ],
    ids=["it is", "trimmable is more", "all that is free is more", "little of all"],
)
def test_a_heap_is_fragmented_only_where_that_is_the_larger_part(parts, told):
    of = summary([heap([MIB] * 4, [0, 60, 60, 0])], memory=[parted([parts] * 4)])
    assert (memory.heap_fragmented(of) is not None) is told


# ---- kept by the C library


def parted(readings, pid=1, **fields):
    """The row of a process with these parts, in MiB, in each reading."""
    rows = [
        [at * 1_000_000, *(parts.get(name, 0) * MIB for name in PARTS)] for at, parts in enumerate(readings)
    ]
    library = {"at_s": 2.5, "arenas": 16, "free": 170 * MIB, "mmap_threshold": 131072}
    course = {"names": ["at_us", *PARTS], "rows": rows}
    rss = sum(rows[-1][1:]) if rows else 0
    return {"pid": pid, "parent": None, "rss": rss, "c_library": library, "parts_course": course, **fields}


def trimmable(*trimmable_mib, pid=1, rss_mib=200, **fields):
    """The row of a process with so much trimmable in each reading."""
    readings = [{"c_trimmable": mib, "other": rss_mib - mib} for mib in trimmable_mib]
    return parted(readings, pid, **fields)


def test_what_a_trim_would_give_back_is_found_with_its_arenas():
    rows = [trimmable(0, 0, 150, 150, 160), trimmable(0, 90, 90, pid=2)]
    finding = check(memory.memory_kept_by_c_library(summary(memory=rows)))
    assert finding.code == "memory-kept-by-c-library"
    assert finding.detail == (
        "At 4.0 s 160 MiB of the 200 MiB of process 1 were free in 16 arenas of the C library's heap, and "
        "malloc_trim(0) would give them back, as in all 3 readings from 2.0 s on. So it is in 2 processes."
    )
    assert finding.evidence["trimmable"] == 160 * MIB


def test_one_reading_does_where_the_rss_stands_still_and_is_told_as_one():
    finding = memory.memory_kept_by_c_library(summary(memory=[trimmable(160)]))
    assert "give them back, as the one reading of it says." in check(finding).detail
    assert memory.memory_kept_by_c_library(summary(memory=[trimmable(160, rss=100 * MIB)])) is None


@pytest.mark.parametrize(
    "row",
    [
        trimmable(150, 20),
        trimmable(150, 150, 150, 20, 150),
        trimmable(20, 20, 150, 20, 150),
        trimmable(90, 90, rss_mib=400),
        trimmable(),
        {**trimmable(150, 150), "c_library": None},
        {"pid": 1, "rss": 5},
    ],
    ids=[
        "gone",
        "taken again",
        "just freed",
        "little of it",
        "no reading",
        "no library",
        "a summary of before",
    ],
)
def test_what_is_free_in_passing_or_little_is_no_finding(row):
    assert memory.memory_kept_by_c_library(summary(memory=[row])) is None


# ---- pauses


def collector(share, longest_s, seen=10, pid=1, exact=True):
    pauses = {"count": 20, "seen": seen, "total_s": 10 * (share or 0), "max_s": longest_s if seen else None}
    return {
        "pid": pid,
        "interpreter": 0,
        "exact": exact,
        "thresholds": [700, 10, 10],
        "pauses": {**pauses, "stopped_share": share},
    }


@pytest.mark.parametrize(
    ("share", "longest_s", "severity"),
    [(0.06, 0.001, "warning"), (0.001, 0.15, "warning"), (0.3, 0.5, "critical"), (None, 0.15, "warning")],
)
def test_a_collector_that_stops_the_program_much_or_long_is_found(share, longest_s, severity):
    rows = [collector(0.01, 0.01), collector(share, longest_s, pid=2)]
    finding = check(memory.gc_pauses(summary(gc=rows)))
    assert (finding.code, finding.severity, finding.evidence["pid"]) == ("gc-pauses", severity, 2)
    assert "20 collections stopped every thread of process 2 for" in finding.detail


def test_lengths_that_were_sampled_are_told_as_such():
    assert "for 3.00 s" in memory.gc_pauses(summary(gc=[collector(0.3, 0.1, seen=20)])).detail
    assert "for at least 3.00 s" in memory.gc_pauses(summary(gc=[collector(0.3, 0.1, seen=19)])).detail
    assert "for about 3.00 s" in memory.gc_pauses(summary(gc=[collector(0.3, 0.1, exact=False)])).detail


@pytest.mark.parametrize(("share", "longest_s", "seen"), [(0.03, 0.02, 10), (0.0, None, 0)])
def test_short_and_rare_pauses_are_not_found(share, longest_s, seen):
    assert memory.gc_pauses(summary(gc=[collector(share, longest_s, seen)])) is None


def test_what_other_programs_took_of_a_pause_is_no_fault_of_the_collector():
    """A server without a CPU for most of the time: one of its collections seems to take 105 ms."""
    worker = {"pid": 1, "interpreter": 0, "cpu_s": 3.0, "run_delay_s": 5.0}
    idle = {"pid": 1, "interpreter": 0, "cpu_s": 0.1, "run_delay_s": 0.0}
    row = collector(0.011, 0.105, exact=False)
    assert memory.gc_pauses(summary(gc=[row])) is not None
    assert memory.gc_pauses(summary(gc=[row], threads=[worker, idle])) is None
    long = memory.gc_pauses(summary(gc=[collector(0.011, 0.5)], threads=[worker, idle]))
    assert "It had a CPU for 38% of that." in check(long).detail
    often = memory.gc_pauses(summary(gc=[collector(0.3, 0.01)], threads=[worker, idle]))
    assert check(often).severity == "warning"


# ---- cycles


def collected(given_back_mib, rss_mib=100, objects=712, held=None, pid=1):
    """The row of a collector one of whose collections gave so much back."""
    moved = {
        "at_s": 7.2,
        "collections": 1,
        "collected": objects,
        "given_back": given_back_mib * MIB,
        "freed": None,
        "rss_before": rss_mib * MIB,
        "rss_after": (rss_mib - given_back_mib) * MIB,
    }
    memory_row = {"given_back": given_back_mib * MIB, "held": held, "largest": [moved]}
    return {**collector(0.3, 0.5, pid=pid), "memory": memory_row}


def test_cycles_that_keep_much_until_a_collection_comes_are_found():
    rows = [collected(40, pid=1), collected(572, 616, held=90 * MIB, pid=2)]
    finding = check(memory.cycles_hold_memory(summary(gc=rows)))
    assert (finding.code, finding.evidence["pid"]) == ("cycles-hold-memory", 2)
    assert finding.evidence["given_back"] == 572 * MIB
    assert finding.detail == (
        "In process 2 712 objects in dead cycles kept 572 MiB: the collection at 7.2 s gave it back, and RSS "
        "went from 616 MiB to 44 MiB. The collector comes by the number of objects, not by their size: a "
        "higher threshold would make the peak worse. By now they hold about 90 MiB again."
    )


@pytest.mark.parametrize(
    "row",
    [collected(20, 60), collected(100, 600), collected(100, 200, objects=0), collector(0.3, 0.5)],
    ids=["little", "a small part", "it found nothing", "a summary of before"],
)
def test_a_collection_that_gives_little_back_is_no_finding_of_cycles(row):
    assert memory.cycles_hold_memory(summary(gc=[row])) is None


def test_a_higher_threshold_is_no_advice_where_collections_give_memory_back():
    assert "a higher gc.set_threshold()" in memory.gc_pauses(summary(gc=[collector(0.3, 0.5)])).advice
    assert "a higher gc.set_threshold()" in memory.gc_pauses(summary(gc=[collected(1)])).advice
    assert "threshold" not in memory.gc_pauses(summary(gc=[collected(20)])).advice


# ---- copy on write


def process(pid, parent, uss, rss, ended_s=None, faults=100_000):
    rows = [
        [at * 1_000_000, rss_mib * MIB, uss_mib * MIB, 0]
        for at, (uss_mib, rss_mib) in enumerate(zip(uss, rss, strict=True))
    ]
    return {
        "pid": pid,
        "parent": parent,
        "ended_s": ended_s,
        "minor_faults": faults,
        "course": {"rows": rows},
    }


PARENT = process(1, None, [80, 80, 80], [90, 90, 90])


def test_a_child_that_comes_to_own_what_it_shared_is_found():
    rows = [
        PARENT,
        process(2, 1, [2, 20, 40], [80, 80, 81]),
        process(3, 1, [2, 30, 50], [80, 80, 81]),
        process(4, 1, [2, 2, 2], [80, 80, 80]),
    ]
    finding = check(memory.copy_on_write_growth(summary([heap([MIB, MIB], pid=3)], memory=rows)))
    assert finding.code == "copy-on-write-growth"
    assert (finding.evidence["pid"], finding.evidence["parent"], finding.evidence["children"]) == (3, 1, 2)
    assert (finding.evidence["uss_first"], finding.evidence["uss_last"]) == (2 * MIB, 50 * MIB)
    assert finding.evidence["heap_grown"] == 0
    assert "from 2 MiB to 50 MiB, while its RSS grew by 1 MiB only" in finding.detail
    assert "2 children" in finding.detail


@pytest.mark.parametrize(
    ("child", "heaps"),
    [
        (process(2, 1, [2, 30, 50], [80, 110, 130]), None),
        (process(2, 1, [2, 30, 50], [80, 80, 81]), [heap([MIB, 40 * MIB], pid=2)]),
        (process(2, 1, [2, 4, 8], [80, 80, 80]), None),
        (process(2, 1, [2, 30, 50], [80, 80, 81], faults=40 * MIB // PAGE_BYTES // 4), None),
        (process(2, None, [2, 30, 50], [80, 80, 81]), None),
    ],
    ids=["it maps more", "it allocates", "a little", "others let go", "no child"],
)
def test_a_process_that_grows_in_another_way_is_not_found(child, heaps):
    assert memory.copy_on_write_growth(summary(heaps, memory=[PARENT, child])) is None


def test_pages_that_a_child_has_to_itself_since_its_parent_ended_were_not_copied():
    parent = process(1, None, [80], [90], ended_s=0.5)
    child = process(2, 1, [2, 80, 80], [80, 80, 80])
    assert memory.copy_on_write_growth(summary(memory=[parent, child])) is None
