"""Heap, collector and memory in figures, header and summary, reckoned by hand."""

import json
from itertools import pairwise

import pytest

from app.analysis.collectors import KEPT_PAUSES
from app.analysis.course import MAX_ROWS
from app.analysis.figures import figures_of
from app.analysis.header import header_of
from app.analysis.heaps import MAP_CHARACTERS
from app.analysis.ledger import KEPT_EVENTS
from app.analysis.summary import summarise
from app.model.frames import Collector, Counters, End, Event, Frame, Heap, Memory, Process, Report

PID = 100
MS = 1000
MIB = 1 << 20


def frame(start_ms, end_ms):
    return Frame(start_ms * MS, end_ms * MS, end_ms - start_ms, 0, 0)


def heap(at_ms, blocks=100, arenas=4, pid=PID, interpreter=0, **fields):
    """A reading of blocks of 64 bytes; the interpreter has `arenas` of 1 MiB."""
    given = {
        "allocator": "pymalloc",
        "took_us": 2 * MS,
        "cpu_us": MS,
        "torn": 0,
        "arena_bytes": arenas * MIB,
        "pools": 10,
        "pools_free": 5,
        "bytes_used": 64 * blocks,
        "raw_blocks": None,
        "classes": [[64, 10, blocks, 7]],
        "pinned": [1, MIB, 640],
    } | fields
    return Heap(at_ms * MS, pid, interpreter, arenas=arenas, blocks_used=blocks, **given)


def gc_row(collections, pid=PID, interpreter=0, collected=(0, 0, 0), tracked=None, enabled=True):
    return [
        pid,
        interpreter,
        enabled,
        [700, 10, 10],
        [5, 2, 1],
        collections,
        list(collected),
        [0, 0, 0],
        tracked,
    ]


def counters(at_ms, *rows):
    return Counters(at_ms * MS, [[pid, 0, rss, rss, 0, 0] for pid, rss in rows])


def walk(at_ms, rss, uss, pss, pid=PID, swap=0, shared=0, kinds=None):
    return Memory(at_ms * MS, pid, rss, uss, pss, swap, shared, kinds or {})


# ---- heap


def test_the_last_reading_of_a_heap_wins_and_its_peaks_stay(begin):
    ledger = begin()
    assert summarise(ledger)["heap"] is figures_of(ledger)["heap"] is None
    for message in (heap(100, 100, 4), heap(1100, 300, 9), heap(2100, 200, 8, torn=3, raw_blocks=12)):
        ledger.feed(message)
    (row,) = summarise(ledger)["heap"]
    course = row.pop("course")
    assert row == {
        "pid": PID,
        "interpreter": 0,
        "allocator": "pymalloc",
        "at_s": 2.1,
        "arenas": 8,
        "arena_bytes": 8 * MIB,
        "pools": 10,
        "pools_free": 5,
        "blocks_used": 200,
        "bytes_used": 12800,
        "raw_blocks": 12,
        "fragmentation": 1 - 12800 / (8 * MIB),
        "size_classes": [{"size": 64, "pools": 10, "blocks_used": 200, "blocks_free": 7}],
        "pinned": {"arenas": 1, "bytes": MIB, "held_bytes": 640},
        "torn": 3,
        "readings": 3,
        "took_s": 0.002,
        "cpu_s": 0.003,
        "peak": {"blocks_used": 300, "bytes_used": 19200, "arenas": 9, "arena_bytes": 9 * MIB},
        "growth": None,
    }
    assert figures_of(ledger)["heap"] == [row]
    assert course["names"][:3] == ["at_us", "blocks_used", "bytes_used"]
    assert [values[1] for values in course["rows"]] == [100, 300, 200]
    assert course["rows"][0] == [100 * MS, 100, 6400, 4, 4 * MIB, 1, MIB, 640]


def test_a_heap_without_arenas_is_not_fragmented(begin):
    ledger = begin()
    ledger.feed(heap(100, 0, 0))
    assert summarise(ledger)["heap"][0]["fragmentation"] is None


def test_each_interpreter_and_each_process_has_a_row_and_one_that_went_is_only_in_the_summary(begin):
    ledger = begin()
    ledger.feed(Process(0, 7, PID, [], "3.12.1"))
    for pid, interpreter in ((PID, 0), (PID, 2), (7, 0)):
        ledger.feed(heap(100, pid=pid, interpreter=interpreter))
        ledger.feed(Collector(100 * MS, [gc_row([1, 0, 0], pid, interpreter)]))
    ledger.feed(Process(200 * MS, 7, PID, [], "3.12.1", gone=True))

    def whose(rows):
        return [(row["pid"], row["interpreter"]) for row in rows]

    for name in ("heap", "gc"):
        assert whose(figures_of(ledger)[name]) == [(PID, 0), (PID, 2)]
        assert whose(summarise(ledger)[name]) == [(PID, 0), (PID, 2), (7, 0)]
    assert [(row["pid"], row["parent"], row["ended_s"]) for row in summarise(ledger)["memory"]] == [
        (PID, None, None),
        (7, PID, 0.2),
    ]

    # WHEN the kernel gives its pid away again, THEN the new process has a heap of its own
    ledger.feed(Process(300 * MS, 7, PID, [], "3.12.1"))
    ledger.feed(heap(400, 50, pid=7))
    ledger.feed(Collector(400 * MS, [gc_row([9, 0, 0], 7)]))
    assert summarise(ledger)["heap"][-1]["peak"]["blocks_used"] == 50
    assert summarise(ledger)["gc"][-1]["collections"] == [0, 0, 0]


def test_a_process_that_is_forgotten_takes_its_heap_and_its_collector_with_it(begin):
    ledger = begin()
    for index in range(3_000):
        pid, at_ms = 1000 + index, index * 20
        ledger.feed(Process(at_ms * MS, pid, PID, [], "3.12.1"))
        ledger.feed(heap(at_ms, pid=pid))
        ledger.feed(Collector(at_ms * MS, [gc_row([0, 0, 0], pid)]))
        ledger.feed(Process(at_ms * MS, pid, PID, [], "3.12.1", gone=True))
    summary = summarise(ledger)
    known = {row["pid"] for row in summary["memory"]}
    assert len(known) < 2_000
    assert {row["pid"] for row in summary["heap"]} == {row["pid"] for row in summary["gc"]} == known - {PID}


def test_a_late_viewer_gets_the_whole_map_of_each_heap_that_is_looked_at(begin):
    ledger = begin()
    ledger.feed(heap(100))
    assert header_of(ledger)["heaps"][0]["mapped"] is False
    ledger.feed(heap(1000, arenas=3, mapped=True, changed=[[3, "c0"], [1, "a0"], [2, "b0"]]))
    ledger.feed(heap(2000, arenas=3, mapped=True, changed=[[2, "b1"], [4, "d1"]], gone=[3]))
    (message,) = header_of(ledger)["heaps"]
    assert (message["type"], message["at_us"], message["gone"]) == ("heap", 2000 * MS, [])
    assert message["changed"] == [[1, "a0"], [2, "b1"], [4, "d1"]]
    # AND the map stays until the next one, also where a reading between them tells of none
    ledger.feed(heap(3000, arenas=1))
    (message,) = header_of(ledger)["heaps"]
    assert (message["at_us"], message["mapped"], len(message["changed"])) == (3000 * MS, True, 3)
    assert message["mapped_us"] == 2000 * MS
    # AND what went before somebody came to look is not told
    ledger.feed(heap(4000, arenas=1, mapped=True, changed=[[9, "e0"]]))
    ledger.feed(heap(5000, arenas=2, mapped=True, changed=[[9, "e0"], [5, "f0"]]))
    assert header_of(ledger)["heaps"][0]["changed"] == [[5, "f0"], [9, "e0"]]
    ledger.feed(Process(6000 * MS, PID, None, [], "3.12.1", gone=True))
    assert header_of(ledger)["heaps"] == []


def test_the_map_of_a_header_is_bounded(begin):
    ledger = begin()
    pools = "x" * (MAP_CHARACTERS // 4)
    ledger.feed(heap(100, arenas=6, mapped=True, changed=[[address, pools] for address in range(6)]))
    assert [row[0] for row in header_of(ledger)["heaps"][0]["changed"]] == [0, 1, 2, 3]


# ---- collector


def test_collections_count_from_the_first_frame_to_the_result(begin):
    # GIVEN collections before the run, in it, and while the interpreter ends
    ledger = begin()
    assert summarise(ledger)["gc"] is figures_of(ledger)["gc"] is None
    ledger.feed(Collector(0, [gc_row([50, 4, 3], collected=(9, 9, 9))], [[PID, 0, -5 * MS, 2 * MS, 0, 1]]))
    ledger.feed(frame(0, 500))
    pauses = [[PID, 0, at_ms * MS, length_us, generation, 8] for at_ms, length_us, generation in (
        (100, 1000, 0), (200, 3000, 0), (300, 20_000, 2), (400, 1000, None),
    )]  # fmt: skip
    ledger.feed(Collector(490 * MS, [gc_row([60, 5, 4], collected=(19, 10, 9), tracked=77)], pauses))
    ledger.feed(frame(500, 1000))
    ledger.feed(Report(1000 * MS, {"result": {}}))
    ledger.feed(Collector(1250 * MS, [gc_row([60, 5, 9])], [[PID, 0, 1100 * MS, 90 * MS, 2, 0]]))
    ledger.feed(End(1300 * MS, "finished"))

    # THEN only those in it count
    (row,) = summarise(ledger)["gc"]
    assert row.pop("course")["rows"] == [[0, None, 0], [490 * MS, 77, 12]]
    found = row.pop("pauses")
    assert row == {
        "pid": PID,
        "interpreter": 0,
        "enabled": True,
        "thresholds": [700, 10, 10],
        "counts": [5, 2, 1],
        "tracked": 77,
        "collections": [10, 1, 1],
        "collected": [10, 1, 0],
        "uncollectable": [0, 0, 0],
        "exact": False,
        "memory": {"given_back": None, "held": None, "largest": []},
        "next": None,
        "said": [],
    }
    generations = found.pop("generations")
    assert (found["count"], found["seen"], found["total_s"], found["max_s"]) == (12, 4, 0.025, 0.02)
    assert (found["p50_s"], found["p99_s"]) == (pytest.approx(0.001, rel=0.01), 0.02)
    assert found["stopped_share"] == 0.025
    assert generations == [
        {"generation": 0, "count": 10, "seen": 2, "total_s": 0.004, "max_s": 0.003},
        {"generation": 1, "count": 1, "seen": 0, "total_s": 0, "max_s": None},
        {"generation": 2, "count": 1, "seen": 1, "total_s": 0.02, "max_s": 0.02},
        {"generation": None, "count": None, "seen": 1, "total_s": 0.001, "max_s": 0.001},
    ]


def test_pauses_and_totals_end_with_the_same_message(begin):
    # GIVEN a last collection that began before the result was read, and is told after it
    ledger = begin()
    ledger.feed(frame(0, 500))
    ledger.feed(Collector(100 * MS, [gc_row([3, 0, 0])]))
    ledger.feed(Collector(500 * MS, [gc_row([4, 0, 0])], [[PID, 0, 300 * MS, MS, 0, 1]]))
    ledger.feed(Report(500 * MS, {"result": {}}))
    ledger.feed(Collector(750 * MS, [gc_row([4, 0, 1])], [[PID, 0, 490 * MS, 90 * MS, 2, 0]]))
    ledger.feed(End(800 * MS, "finished"))
    pauses = summarise(ledger)["gc"][0]["pauses"]
    assert (pauses["count"], pauses["seen"], pauses["total_s"]) == (1, 1, 0.001)


def test_a_pause_that_contradicts_itself_is_refused_by_what_it_says(begin):
    with pytest.raises(ValueError, match="-5000000 us"):
        begin().feed(Collector(500 * MS, [], [[PID, 0, 9000 * MS, -5000 * MS, 0, 0]]))


def test_a_child_that_was_forked_does_not_count_its_parents_collections(begin):
    ledger = begin()
    ledger.feed(frame(0, 1000))
    ledger.feed(Process(600 * MS, 7, PID, [], "3.15.0", capabilities={"gc": "exact"}))
    ledger.feed(Collector(600 * MS, [gc_row([50, 4, 3], 7)]))
    ledger.feed(Collector(800 * MS, [gc_row([52, 4, 3], 7)], [[7, 0, 700 * MS, 40 * MS, 0, 8]]))
    (row,) = summarise(ledger)["gc"]
    assert (row["collections"], row["exact"]) == ([2, 0, 0], True)
    # AND the share is of the time since it was first read
    assert row["pauses"]["stopped_share"] == 0.1


def test_the_share_of_the_last_second_rolls(begin):
    ledger = begin()
    ledger.feed(frame(0, 1000))
    ledger.feed(
        Collector(1000 * MS, [], [[PID, 0, 100 * MS, 100 * MS, 0, 0], [PID, 0, 700 * MS, 50 * MS, 0, 0]])
    )
    assert figures_of(ledger)["gc"][0]["share"] == 0.15
    ledger.feed(frame(1000, 1150))
    assert figures_of(ledger)["gc"][0]["share"] == 0.1
    ledger.feed(frame(1150, 3000))
    assert figures_of(ledger)["gc"][0]["share"] == 0


def test_the_newest_pauses_and_events_are_in_the_header(begin):
    ledger = begin()
    ledger.feed(Collector(0, [gc_row([0, 0, 0])]))
    for number in range(KEPT_PAUSES + 5):
        ledger.feed(Collector(number, [], [[PID, 0, number, 1, 0, 0]]))
    for number in range(KEPT_EVENTS + 5):
        ledger.feed(Event(number, "forked", PID, str(number)))
    header = header_of(ledger)
    assert [pause[2] for pause in header["pauses"]] == list(range(5, KEPT_PAUSES + 5))
    assert [event["detail"] for event in header["events"]] == [str(n) for n in range(5, KEPT_EVENTS + 5)]
    assert header["events"][0]["type"] == "event"
    assert json.loads(json.dumps(header, allow_nan=False)) == header


# ---- memory, series, courses


def test_what_a_walk_of_the_mappings_found_is_in_the_row_of_its_process(begin):
    ledger = begin()
    kinds = {"heap": [4096, 2048], "arenas": None}
    ledger.feed(walk(100, 9, 8, 7, swap=5, shared=6, kinds=kinds))
    for row in (figures_of(ledger)["memory"][0], summarise(ledger)["memory"][0]):
        assert (row["rss"], row["uss"], row["pss"]) == (9, 8, 7)
        assert (row["swap"], row["shared"], row["kinds"]) == (5, 6, kinds)


def test_all_sizes_in_a_row_are_of_one_instant_and_say_which(begin):
    # GIVEN a process that is not walked yet
    ledger = begin()
    ledger.feed(frame(0, 500))
    ledger.feed(counters(250, (PID, 50)))
    (row,) = summarise(ledger)["memory"]
    assert (row["at_s"], row["rss"], row["uss"], row["pss"]) == (0.25, 50, None, None)

    # WHEN it is, and grows on
    ledger.feed(walk(400, 70, 60, 65))
    ledger.feed(counters(500, (PID, 90)))

    # THEN the row is of the walk, and what is told of now is of now
    (row,) = summarise(ledger)["memory"]
    assert (row["at_s"], row["rss"], row["uss"], row["pss"], row["peak_rss"]) == (0.4, 70, 60, 65, 90)
    assert row["course"]["rows"] == [[250 * MS, 50, None, None], [400 * MS, 70, 60, 65]]
    assert figures_of(ledger)["totals"]["rss"] == 90


def test_counters_that_come_with_the_result_are_of_the_time_after_it(begin):
    ledger = begin()
    ledger.feed(frame(0, 500))
    ledger.feed(counters(250, (PID, 90)))
    ledger.feed(Report(500 * MS, {"result": {}}))
    ledger.feed(counters(500, (PID, 30)))
    assert summarise(ledger)["memory"][0]["rss"] == 90


def test_what_is_left_after_the_result_is_not_what_the_run_used(begin):
    ledger = begin()
    ledger.feed(frame(0, 500))
    ledger.feed(counters(500, (PID, 90 * MIB)))
    ledger.feed(walk(500, 90 * MIB, 80 * MIB, 80 * MIB, kinds={"arenas": [70 * MIB, 60 * MIB]}))
    ledger.feed(Report(600 * MS, {"result": {}}))
    ledger.feed(counters(750, (PID, 30 * MIB)))
    ledger.feed(walk(750, 30 * MIB, 20 * MIB, 20 * MIB, kinds={"arenas": [0, 0]}))
    (row,) = summarise(ledger)["memory"]
    assert (row["rss"], row["uss"], row["kinds"]) == (90 * MIB, 80 * MIB, {"arenas": [70 * MIB, 60 * MIB]})
    assert row["course"]["rows"] == [
        [500 * MS, 90 * MIB, None, None],
        [500 * MS, 90 * MIB, 80 * MIB, 80 * MIB],
    ]


def test_a_process_that_has_ended_has_no_size(begin):
    ledger = begin()
    ledger.feed(frame(0, 500))
    ledger.feed(counters(250, (PID, 3 * MIB)))
    assert figures_of(ledger)["totals"]["rss"] == 3 * MIB
    ledger.feed(counters(500, (PID, 0)))
    assert figures_of(ledger)["totals"]["rss"] is None


def test_pss_counts_shared_pages_once_and_is_null_unless_it_is_known_of_all(begin):
    ledger = begin()
    ledger.feed(Process(0, 7, PID, [], "3.12.1"))
    ledger.feed(counters(0, (PID, 100), (7, 100)))
    ledger.feed(walk(0, 100, 60, 80))
    assert (figures_of(ledger)["totals"]["rss"], figures_of(ledger)["totals"]["pss"]) == (200, None)
    ledger.feed(counters(250, (PID, 110), (7, 100)))
    ledger.feed(walk(250, 100, 20, 40, pid=7))
    assert (figures_of(ledger)["totals"]["rss"], figures_of(ledger)["totals"]["pss"]) == (210, 120)
    ledger.feed(Process(300 * MS, 7, PID, [], "3.12.1", gone=True))
    assert figures_of(ledger)["totals"]["pss"] == 80


def test_the_series_has_the_sizes_of_all_and_the_share_of_time_paused(begin):
    ledger = begin()
    ledger.feed(walk(0, 100, 60, 80))
    ledger.feed(counters(0, (PID, 100)))
    ledger.feed(heap(100, 10, 2))
    ledger.feed(heap(100, 20, 3, interpreter=2))
    ledger.feed(Collector(240 * MS, [gc_row([1, 0, 0], tracked=50)], [[PID, 0, 100 * MS, 25 * MS, 0, 0]]))
    ledger.feed(counters(250, (PID, 100)))
    ledger.feed(counters(500, (PID, 100)))
    series = header_of(ledger)["series"]
    first, second, third = (dict(zip(series["names"], row, strict=True)) for row in series["rows"])
    names = ("pss", "heap_bytes", "arena_bytes", "tracked", "paused_share")
    assert [first[name] for name in names] == [80, None, None, None, None]
    assert [second[name] for name in names] == [80, 30 * 64, 5 * MIB, 50, 0.1]
    assert [third[name] for name in names] == [80, 30 * 64, 5 * MIB, 50, 0.0]


def test_the_course_of_a_long_run_is_told_in_few_rows_from_its_beginning_to_its_last_reading(begin):
    ledger = begin()
    for second in range(1000):
        ledger.feed(walk(second * 1000, 1000 + second, second, second))
    (course,) = header_of(ledger)["courses"]["memory"]
    at_us = [row[0] for row in course["rows"]]
    assert len(at_us) <= MAX_ROWS + 1
    assert (at_us[0], at_us[-1]) == (0, 999 * 1000 * MS)
    assert {after - before for before, after in pairwise(at_us[:-1])} == {32 * 1000 * MS}
    assert course["rows"][1] == [32 * 1000 * MS, 1032, 32, 32]
    assert course["names"] == ["at_us", "rss", "uss", "pss"]
