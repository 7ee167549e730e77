"""What memory moved with collections, what cycles hold, and when the next collection is due."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.analysis.next_collection import NextCollections
from app.analysis.summary import summarise
from app.model.frames import CLibrary, Collector, Counters, Frame, Heap, Process
from app.model.tracks import CollectorCounts

PID = 100
MS = 1000
MIB = 1 << 20


heap_of_nothing = Heap(0, PID, 0, "pymalloc", 0, 0, 0, 0, 0, 0, 0, 0, 0, None, [], [0, 0, 0])


def counts(
    young=0, middle=0, collections=(0, 0, 0), thresholds=(700, 10, 10), enabled=True, old=0, long_lived=None
):
    zero = [0, 0, 0]
    lived = [1000, 0] if long_lived is None else long_lived
    return CollectorCounts(
        PID,
        0,
        enabled,
        list(thresholds),
        [young, middle, old],
        list(collections),
        zero,
        zero,
        None,
        lived,
        0,
    )


def told(at_ms, young, collections, given_back=0):
    row = counts(young, collections=collections)._replace(given_back=given_back * MIB)
    return Collector(at_ms * MS, [list(row)])


def moved(start_ms, before, after, collected=712, generation=0):
    sizes = [[mib * MIB, mib * MIB, 3, 10] for mib in (before, after)]
    row = [PID, 0, start_ms * MS, 50 * MS, generation, 1, collected, start_ms * MS - 5 * MS]
    return Collector((start_ms + 60) * MS, [], [], [[*row, sizes[0], (start_ms + 50) * MS, sizes[1]]])


@pytest.fixture
def ledger(begin):
    ledger = begin()
    ledger.feed(Frame(0, 100 * MS, 100, 0, 0))
    return ledger


def gc_of(ledger):
    [row] = summarise(ledger)["gc"]
    return row


def test_the_largest_collections_are_told_with_what_there_was_before_and_after(ledger) -> None:
    ledger.feed(told(100, 0, (3, 0, 0), given_back=-1))
    for start_ms, before, after in ((1000, 30, 28), (7200, 616, 16), (9000, 40, 20), (9200, 20, 21)):
        ledger.feed(moved(start_ms, before, after))
    ledger.feed(told(9500, 0, (6, 0, 0), given_back=621))
    memory = gc_of(ledger)["memory"]
    assert memory["given_back"] == 622 * MIB
    assert [(row["at_s"], row["given_back"]) for row in memory["largest"]] == [
        (7.2, 600 * MIB),
        (9.0, 20 * MIB),
        (1.0, 2 * MIB),
    ]
    assert memory["largest"][0] == {
        "at_s": 7.2,
        "length_s": 0.05,
        "generation": 0,
        "collections": 1,
        "collected": 712,
        "given_back": 600 * MIB,
        "freed": None,
        "rss_before": 616 * MIB,
        "rss_after": 16 * MIB,
        "anonymous_before": 616 * MIB,
        "anonymous_after": 16 * MIB,
        "arenas_before": 3,
        "arenas_after": 3,
        "large_blocks_before": 10,
        "large_blocks_after": 10,
    }
    assert gc_of(ledger)["said"][0] == (
        "712 objects in dead cycles kept 600 MiB: the collection at 7.2 s gave it back, and RSS went from "
        "616 MiB to 16 MiB. All collections together gave back 622 MiB. A higher threshold would make the "
        "peak worse."
    )


def test_a_collection_that_collected_nothing_is_not_said_to_have_freed_what_went_meanwhile(ledger) -> None:
    ledger.feed(moved(1000, 616, 16, collected=0))
    assert gc_of(ledger)["said"] == []
    ledger.feed(moved(7000, 50, 20))
    assert gc_of(ledger)["said"][0].startswith("712 objects in dead cycles kept 30 MiB")


def test_what_moved_before_the_measured_time_is_not_of_the_run(begin) -> None:
    ledger = begin()
    ledger.feed(moved(10, 600, 10))
    ledger.feed(Frame(100 * MS, 200 * MS, 100, 0, 0))
    ledger.feed(told(150, 0, (3, 0, 0)))
    assert gc_of(ledger)["memory"]["largest"] == []


def test_cycles_hold_the_share_of_what_grew_that_collections_gave_back_before(ledger) -> None:
    ledger.feed(told(100, 0, (0, 0, 0)))
    ledger.feed(Counters(200 * MS, [[PID, 0, 300 * MIB, 300 * MIB, 0, 0]]))
    assert gc_of(ledger)["memory"]["held"] is None, "no collection has given memory back"
    ledger.feed(moved(1000, 300, 100))
    ledger.feed(moved(2000, 350, 150))  # 250 more than after the first, of which 200 went
    ledger.feed(Counters(2500 * MS, [[PID, 0, 240 * MIB, 350 * MIB, 0, 0]]))
    assert gc_of(ledger)["memory"]["held"] == 80 * MIB  # of 90 more than after the second
    ledger.feed(Counters(2600 * MS, [[PID, 0, 120 * MIB, 350 * MIB, 0, 0]]))
    assert gc_of(ledger)["memory"]["held"] == 0


def library(at_ms, in_use):
    return CLibrary(
        at_ms * MS, PID, 2 * MS, MS, "glibc", system=900 * MIB, free=(900 - in_use) * MIB, mapped=0
    )


def test_what_an_allocator_keeps_was_freed_though_rss_stays(ledger) -> None:
    """100 MiB a second are taken; a collection at 3.5 s leaves 20 of 350, which RSS does not show."""
    ledger.feed(told(100, 0, (0, 0, 0)))
    ledger.feed(heap_of_nothing)
    for at_ms, in_use in ((1000, 100), (2000, 200), (3000, 300)):
        ledger.feed(library(at_ms, in_use))
    ledger.feed(moved(3450, 370, 372))
    ledger.feed(library(4000, 70))
    gc = gc_of(ledger)
    [row] = gc["memory"]["largest"]
    assert row["given_back"] == -2 * MIB
    assert row["freed"] == pytest.approx(325 * MIB, abs=MIB)  # 5 ms before it there were 344.5
    assert gc["memory"]["held"] == pytest.approx(50 * MIB, abs=MIB)
    assert gc["said"][0].endswith(
        "at 3.5 s freed it, but RSS was 370 MiB before and 372 MiB after: the allocator keeps the rest for "
        "what comes next. A higher threshold would make the peak worse."
    )


def test_of_several_collections_between_two_readings_none_can_be_said_to_have_freed_what_went(ledger) -> None:
    ledger.feed(heap_of_nothing)
    ledger.feed(library(1000, 100))
    for start_ms in (1100, 1500):
        ledger.feed(moved(start_ms, 200, 190, collected=50))
    ledger.feed(library(2000, 20))
    assert [row["freed"] for row in gc_of(ledger)["memory"]["largest"]] == [None, None]
    ledger.feed(moved(2100, 200, 190, collected=95))
    ledger.feed(moved(2500, 200, 191, collected=5))
    ledger.feed(library(3000, 10))
    freed = {row["at_s"]: row["freed"] for row in gc_of(ledger)["memory"]["largest"]}
    assert (freed[2.1], freed[2.5]) == (10 * MIB, None)


def test_a_recording_of_before_has_no_such_figures(ledger) -> None:
    row = list(told(100, 5, (1, 0, 0)).rows[0])[:9]
    ledger.feed(Collector(100 * MS, [row]))
    ledger.feed(Collector(500 * MS, [row]))
    gc = gc_of(ledger)
    assert gc["memory"] == {"given_back": None, "held": None, "largest": []}
    assert gc["next"] is None
    assert gc["said"] == []


def test_the_next_collection_is_due_when_the_count_passes_the_threshold(ledger) -> None:
    for at_ms, young in ((100, 300), (600, 350), (1100, 400)):
        ledger.feed(told(at_ms, young, (5, 0, 0)))
    ledger.feed(Frame(1000 * MS, 1100 * MS, 100, 0, 0))
    due = gc_of(ledger)["next"]
    assert due == {
        "in_s": pytest.approx(3.01),
        "generation": 0,
        "count": 400,
        "threshold": 700,
        "objects_per_s": pytest.approx(100),
        "at_least": False,
    }
    assert gc_of(ledger)["said"] == [
        "The next collection of generation 0 is due in about 3.01 s: the count is 400 of 700, and rises by "
        "100 a second."
    ]


def next_at(at_ms, *readings, python="3.12.1", free_threaded=False):
    foretold = NextCollections()
    for reading_ms, row in readings:
        foretold.read(reading_ms * MS, row)
    return foretold.at(at_ms * MS, python, free_threaded)


def test_collections_between_two_readings_count_with_all_that_led_to_them() -> None:
    readings = [(0, counts(600, collections=(5, 0, 0))), (1000, counts(99, collections=(7, 0, 0)))]
    due = next_at(1000, *readings)
    assert due["objects_per_s"] == pytest.approx(901)  # 101 and 701 up to the two, and 99 since
    assert due["in_s"] == pytest.approx(602 / 901)


def test_one_that_the_program_asked_for_says_nothing_of_the_pace() -> None:
    readings = [
        (0, counts(100)),
        (1000, counts(200)),
        (2000, counts(3, collections=(0, 0, 1))),
        (3000, counts(103, collections=(0, 0, 1))),
    ]
    assert next_at(3000, *readings)["objects_per_s"] == pytest.approx(100)


@pytest.mark.parametrize(
    "rows",
    [
        (counts(10), counts(20, enabled=False)),
        (counts(10, thresholds=(0, 10, 10)), counts(20, thresholds=(0, 10, 10))),
        (counts(20), counts(10)),
        (counts(20),),
    ],
    ids=["disabled", "never by count", "it falls", "read once"],
)
def test_nothing_is_foretold_where_none_comes(rows) -> None:
    assert next_at(1000, *((500 * place, row) for place, row in enumerate(rows))) is None


@pytest.mark.parametrize(
    ("middle", "old", "long_lived", "generation"),
    [
        (10, 0, [1000, 0], 0),
        (11, 0, [1000, 0], 1),
        (11, 11, [1000, 249], 1),
        (11, 11, [1000, 250], 2),
        (3, 11, [1000, 250], 2),
    ],
)
def test_the_generation_is_the_oldest_whose_count_has_passed(middle, old, long_lived, generation) -> None:
    rows = [counts(young, middle, old=old, long_lived=long_lived) for young in (10, 20)]
    assert next_at(500, (0, rows[0]), (500, rows[1]))["generation"] == generation


def test_without_the_gil_a_quarter_of_the_survivors_is_waited_for_at_least() -> None:
    rows = [counts(young, long_lived=[8000, 0], thresholds=(2000, 10, 10)) for young in (0, 500)]
    due = next_at(500, (0, rows[0]), (500, rows[1]), free_threaded=True)
    assert (due["threshold"], due["generation"], due["at_least"]) == (2000, None, True)
    rows = [counts(young, long_lived=[40_000, 0], thresholds=(2000, 10, 10)) for young in (0, 500)]
    assert next_at(500, (0, rows[0]), (500, rows[1]), free_threaded=True)["threshold"] == 10_000


@pytest.mark.parametrize(("python", "generation"), [("3.14.4", None), ("3.14.5", 0), ("3.14.10", 0)])
def test_an_increment_is_of_no_one_generation(python: str, generation: int | None) -> None:
    due = next_at(500, (0, counts(10)), (500, counts(20)), python=python)
    assert due["generation"] == generation


def test_of_a_process_that_has_ended_nothing_is_foretold(ledger) -> None:
    ledger.feed(told(100, 300, (5, 0, 0)))
    ledger.feed(told(600, 350, (5, 0, 0)))
    assert gc_of(ledger)["next"] is not None
    ledger.feed(Process(700 * MS, PID, None, [], "3.12.1", gone=True))
    assert gc_of(ledger)["next"] is None


def test_what_went_back_to_the_c_library_s_free_memory_was_freed(ledger) -> None:
    """The program takes as much as a collection frees, so that what is in use stays: more is free."""
    ledger.feed(told(100, 0, (0, 0, 0)))
    ledger.feed(heap_of_nothing)
    for at_ms, free in ((1000, 5), (2000, 85)):
        ledger.feed(replace(library(at_ms, 100), free=free * MIB, system=(100 + free) * MIB))
        if at_ms == 1000:
            ledger.feed(moved(1500, 200, 200))
    [row] = gc_of(ledger)["memory"]["largest"]
    assert (row["given_back"], row["freed"]) == (0, 80 * MIB)


def test_what_the_interpreters_of_a_process_take_is_told_as_the_process_s(ledger) -> None:
    ledger.feed(told(100, 0, (0, 0, 0)))
    row = told(100, 0, (0, 0, 0)).rows[0]
    ledger.feed(Collector(100 * MS, [[PID, 1, *row[2:]]]))
    ledger.feed(moved(1000, 400, 10))
    ledger.feed(heap_of_nothing)
    for at_ms in (1100, 2000):
        ledger.feed(library(at_ms, at_ms // 10))
    first, second = summarise(ledger)["gc"]
    assert (first["memory"]["held"], second["memory"]["held"]) == (None, None)
    assert first["said"][0].endswith("RSS is that of the process: all of its interpreters move it.")
