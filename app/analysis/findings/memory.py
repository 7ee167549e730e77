"""The heap and the collector: fragmented, pausing; what the C library keeps; pages copied after a fork."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.analysis.collector_words import OF_ALL, WORTH_BYTES, freed_by, freed_words, keeps_much
from app.analysis.copies import MIB, copies_of, readings_of
from app.analysis.findings.rows import Rule, had_cpu
from app.analysis.heaps import HeapReading
from app.analysis.parts import PARTS
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import CLibraryRow, CollectorRow, HeapRow, Measurements, MemoryRow
from app.model.units import count, size

# Below 8 MiB an interpreter and its imports leave as much half empty; below a quarter of the arenas a program
# that goes on allocating fills them again.
# mimalloc gives the pages of a segment back one by one, so a segment that stays keeps little.
PINNED_BYTES = 8 * MIB
PINNED_SHARE = 0.25
PINNED_OF_RSS = 0.1

# What a program takes again with its next request is worth no word: less than 64 MiB or a third of all.
KEPT_BYTES = 64 * MIB
KEPT_SHARE = 1 / 3
KEPT_SINCE = 0.5  # of the time of the readings: kept in all of them from then on
STILL_KEPT = 0.9  # of the RSS then, what it still is

# A twentieth of the time is what a program gains from a collector that does nothing, and worth a look, unless
# the run was so short that a collection or two make it; a tenth of a second is the delay that a person begins
# to notice. Pauses count by how much of the time the program had a CPU: what other programs took of them is
# no fault of the collector.
STOPPED_SHARE = 0.05
STOPPED_S = 0.1
STOPPED_OFTEN = 3
STOPPED_SHARE_GRAVE = 0.2
LONG_PAUSE_S = 0.1
OF_A_CPU = 0.9  # below it is worth a word


def heap_fragmented(summary: Measurements) -> Finding | None:
    """Arenas with hardly anything in them: not in passing, but twice in a row or at the end."""
    worst: tuple[int, HeapRow, HeapReading] | None = None
    for heap in summary["heap"] or ():
        if heap["allocator"] != "pymalloc":
            continue
        readings = readings_of(heap)
        pinned = [_is_pinned(reading) and _is_larger_part(summary, heap, reading) for reading in readings]
        for at, reading in enumerate(readings):
            lasts = at == len(readings) - 1 or pinned[at + 1]
            if pinned[at] and lasts and (worst is None or reading.pinned_bytes > worst[0]):
                worst = reading.pinned_bytes, heap, reading
    if worst is None:
        return None
    _, heap, reading = worst
    return Finding(
        code="heap-fragmented",
        severity="warning",
        title="A few objects keep whole arenas",
        detail=(
            f"At {reading.at_us / 1e6:.1f} s {reading.pinned_arenas:,} of {reading.arenas:,} arenas of "
            f"{_whose(heap)} had at most a tenth of their blocks in use: {size(reading.held_bytes)} of "
            f"objects kept {size(reading.pinned_bytes)} from the operating system."
        ),
        evidence={
            "pid": heap["pid"],
            "interpreter": heap["interpreter"],
            "at_s": reading.at_us / 1e6,
            "arenas": reading.arenas,
            "pinned_arenas": reading.pinned_arenas,
            "pinned_bytes": reading.pinned_bytes,
            "held_bytes": reading.held_bytes,
        },
        advice=(
            "Make what lives long before, or apart from, what is thrown away; do short work that needs much "
            "memory in a child process; keep bulk data in few large objects such as array or bytes."
        ),
        doc="/memory",
    )


def memory_kept_by_c_library(summary: Measurements) -> Finding | None:
    """Free memory that malloc_trim would give back, and not in passing."""
    found = [kept for row in summary["memory"] if (kept := _kept_by_c_library(row)) is not None]
    if not found:
        return None
    kept = max(found, key=lambda each: each.trimmable)
    library = kept.library
    others = f" So it is in {len(found)} processes." if len(found) > 1 else ""
    return Finding(
        code="memory-kept-by-c-library",
        severity="warning",
        title="The C library keeps memory that is free",
        detail=(
            f"At {kept.at_s:.1f} s {size(kept.trimmable)} of the {size(kept.rss)} of process "
            f"{kept.row['pid']} were free in {count(library['arenas'])} arenas of the C library's heap, "
            f"and malloc_trim(0) would give them back{_since(kept)}.{others}"
        ),
        evidence={
            "pid": kept.row["pid"],
            "at_s": kept.at_s,
            "from_s": kept.from_s,
            "readings": kept.readings,
            "rss": kept.rss,
            "trimmable": kept.trimmable,
            "free": library["free"],
            "arenas": library["arenas"],
            "mmap_threshold": library["mmap_threshold"],
            "processes": len(found),
        },
        advice=(
            "Call malloc_trim(0) after a peak: ctypes.CDLL(None).malloc_trim(0). MALLOC_ARENA_MAX=2 in the "
            "environment keeps many threads from having an arena each; MALLOC_MMAP_THRESHOLD_=131072 gives "
            "large blocks mappings of their own, which go back when they are freed."
        ),
        doc="/memory",
    )


class _Kept(NamedTuple):
    """What the C library keeps in a process, at its last reading."""

    row: MemoryRow
    library: CLibraryRow
    from_s: float
    at_s: float
    readings: int
    rss: int
    trimmable: int


def _kept_by_c_library(row: MemoryRow) -> _Kept | None:
    """None where it is little, or was not there in each reading of the latter half of the time.

    One reading does where the RSS has stood still since, for its instant says what is true of then.
    """
    course, library = row.get("parts_course"), row.get("c_library")  # summaries of before have none
    if course is None or not course["rows"] or library is None:
        return None
    rows = [dict(zip(course["names"], reading, strict=True)) for reading in course["rows"]]
    first_us, last_us = rows[0]["at_us"] or 0, rows[-1]["at_us"] or 0
    late = [each for each in rows if (each["at_us"] or 0) >= last_us - KEPT_SINCE * (last_us - first_us)]
    for each in late:
        if (each["c_trimmable"] or 0) < max(KEPT_BYTES, KEPT_SHARE * _rss(each)):
            return None
    last = late[-1]
    if (row["rss"] or 0) < STILL_KEPT * _rss(last):
        return None
    from_s, at_s = (late[0]["at_us"] or 0) / 1e6, last_us / 1e6
    return _Kept(row, library, from_s, at_s, len(late), _rss(last), last["c_trimmable"] or 0)


def _rss(reading: Mapping[str, int | None]) -> int:
    """The parts of a row of `parts_course`, which add up to it."""
    return sum(reading[name] or 0 for name in PARTS)


def _since(kept: _Kept) -> str:
    if kept.readings == 1:
        return ", as the one reading of it says"
    return f", as in all {kept.readings} readings from {kept.from_s:.1f} s on"


def gc_pauses(summary: Measurements) -> Finding | None:
    """Collections that stop an interpreter for much of its time, or for long."""
    rows = [row for row in summary["gc"] or () if row["pauses"]["count"] and row["pauses"]["seen"]]
    judged = [
        (row, ran)
        for row in rows
        if _stops_much(row, ran := _had_cpu(summary, row)) or _longest_s(row) * ran >= LONG_PAUSE_S
    ]
    if not judged:
        return None
    row, ran = max(judged, key=lambda found: _rank(found[0]))
    pauses = row["pauses"]
    share = pauses["stopped_share"] or 0.0
    missed = "at least " if pauses["seen"] < pauses["count"] else ""  # overwritten before they were read
    about = missed if row["exact"] else "about "
    return Finding(
        code="gc-pauses",
        severity="critical" if share * ran >= STOPPED_SHARE_GRAVE else "warning",
        title="The collector stops the program",
        detail=(
            f"{_collections(pauses['count'])} stopped every thread of {_whose(row)} for {about}"
            f"{pauses['total_s']:.2f} s, {share:.1%} of the time, and for {_longest_s(row) * 1e3:.0f} ms at "
            "the longest." + (f" It had a CPU for {ran:.0%} of that." if ran < OF_A_CPU else "")
        ),
        evidence={
            "pid": row["pid"],
            "interpreter": row["interpreter"],
            "had_cpu": ran,
            "count": pauses["count"],
            "seen": pauses["seen"],
            "total_s": pauses["total_s"],
            "stopped_share": pauses["stopped_share"],
            "max_s": pauses["max_s"],
            "thresholds": row["thresholds"],
        },
        advice=(
            "gc.freeze() once the program has started, so that what lives for ever is not looked at again; "
            f"{_threshold(row)}break the cycles, with weakref for what points back to a parent."
        ),
        doc="/memory",
    )


def cycles_hold_memory(summary: Measurements) -> Finding | None:
    """Dead cycles that keep much memory until a collection comes, which is seldom where they are few."""
    found = [
        (freed_by(largest), row, largest)
        for row in summary["gc"] or ()
        if (memory := row.get("memory")) and (largest := keeps_much(memory))
    ]
    if not found:
        return None
    _, row, largest = max(found, key=lambda each: each[0])
    memory = row["memory"]
    held = memory["held"] or 0
    now = f" By now they hold about {size(held)} again." if held >= WORTH_BYTES else ""
    if sum(each["pid"] == row["pid"] for each in summary["gc"] or ()) > 1:
        now += f" {OF_ALL}"
    return Finding(
        code="cycles-hold-memory",
        severity="warning",
        title="Cycles that nobody uses hold memory until the collector comes",
        detail=(
            f"In {_whose(row)} {freed_words(largest, memory['given_back'])} The collector comes by the "
            f"number of objects, not by their size: a higher threshold would make the peak worse.{now}"
        ),
        evidence={
            "pid": row["pid"],
            "interpreter": row["interpreter"],
            "at_s": largest["at_s"],
            "collected": largest["collected"],
            "freed": freed_by(largest),
            "given_back": largest["given_back"],
            "rss_before": largest["rss_before"],
            "rss_after": largest["rss_after"],
            "given_back_by_all": memory["given_back"],
            "held": memory["held"],
            "thresholds": row["thresholds"],
        },
        advice=(
            "Break the cycle where it is made, so that what hangs on it goes at once: an exception that "
            "is kept in a variable of its own frame (del it, or keep str(it)), a parent that its children "
            "point to (weakref), a callback that holds its owner. Until then a lower gc.set_threshold() "
            "bounds the peak."
        ),
        doc="/memory",
    )


def copy_on_write_growth(summary: Measurements) -> Finding | None:
    """Children that come to own pages which they shared with their parent, though they allocate nothing."""
    heaps: dict[int, list[HeapRow]] = {}
    for heap in summary["heap"] or ():
        heaps.setdefault(heap["pid"], []).append(heap)
    processes = {row["pid"]: row for row in summary["memory"]}
    copied = [
        copies
        for row in processes.values()
        if (parent := processes.get(row["parent"] or 0)) and (copies := copies_of(row, parent, heaps))
    ]
    if not copied:
        return None
    most = max(copied, key=lambda copies: copies.grown)
    others = f" So it went with {len(copied)} children." if len(copied) > 1 else ""
    return Finding(
        code="copy-on-write-growth",
        severity="warning",
        title="Children copy memory that they share with their parent",
        detail=(
            f"What process {own_pid(most.pid)} has to itself grew from {size(most.uss_first)} to "
            f"{size(most.uss_last)}, while its RSS grew by {size(max(0, most.rss_grown))} only: it wrote "
            f"to pages that it shared with its parent since the fork, and got a copy of each.{others}"
        ),
        evidence={
            "pid": most.pid,
            "parent": most.parent,
            "uss_first": most.uss_first,
            "uss_last": most.uss_last,
            "rss_grown": most.rss_grown,
            "heap_grown": most.heap_grown,
            "minor_faults": most.faults,
            "children": len(copied),
            "pids": sorted(copies.pid for copies in copied),
        },
        advice=(
            "To read an object is to change its reference count, which copies its page: keep large read-only "
            "data in buffers (array, bytes, mmap, shared_memory), call gc.freeze() just before the fork, and "
            "plan memory by PSS or USS, not by the sum of RSS."
        ),
        doc="/memory",
    )


def _threshold(row: CollectorRow) -> str:
    """None is advised where collections give memory back: they would have more to give."""
    memory = row.get("memory")  # summaries of before have none
    return "" if memory and (memory["given_back"] or 0) >= WORTH_BYTES else "a higher gc.set_threshold(); or "


def _is_larger_part(summary: Measurements, heap: HeapRow, reading: HeapReading) -> bool:
    """Whether what arenas keep matters beside RSS, and the C library has not more that is free."""
    row = next((row for row in summary["memory"] if row["pid"] == heap["pid"]), None)
    course = row.get("parts_course") if row else None  # summaries of before have none
    if course is None or not course["rows"]:
        return True
    nearest = min(course["rows"], key=lambda each: abs((each[0] or 0) - reading.at_us))
    parts = dict(zip(course["names"], nearest, strict=True))
    free = (parts["c_trimmable"] or 0) + (parts["c_free_kept"] or 0)
    return reading.pinned_bytes >= max(free, PINNED_OF_RSS * _rss(parts))


def _is_pinned(reading: HeapReading) -> bool:
    return reading.pinned_bytes >= max(PINNED_BYTES, PINNED_SHARE * reading.arena_bytes)


def _stops_much(row: CollectorRow, ran: float) -> bool:
    share = row["pauses"]["stopped_share"]
    return (
        share is not None
        and share * ran >= STOPPED_SHARE
        and row["pauses"]["total_s"] * ran >= STOPPED_S
        and row["pauses"]["count"] >= STOPPED_OFTEN
    )


def _had_cpu(summary: Measurements, row: CollectorRow) -> float:
    """For how much of the time in which an interpreter was to run it had a CPU, by its busiest thread."""
    threads = [
        thread
        for thread in summary["threads"]
        if (thread["pid"], thread["interpreter"]) == (row["pid"], row["interpreter"])
    ]
    busiest = max(threads, key=lambda thread: thread["cpu_s"] or 0.0, default=None)
    return had_cpu(busiest) if busiest else 1.0


def _rank(row: CollectorRow) -> tuple[float, float]:
    return row["pauses"]["stopped_share"] or 0.0, _longest_s(row)


def _longest_s(row: CollectorRow) -> float:
    return row["pauses"]["max_s"] or 0.0


def _collections(count: int) -> str:
    return "One collection" if count == 1 else f"{count:,} collections"


def _whose(row: HeapRow | CollectorRow) -> str:
    interpreter = f", interpreter {row['interpreter']}" if row["interpreter"] else ""
    return f"process {own_pid(row['pid'])}{interpreter}"


RULES: tuple[Rule, ...] = (
    heap_fragmented,
    memory_kept_by_c_library,
    gc_pauses,
    cycles_hold_memory,
    copy_on_write_growth,
)
