"""What RSS is made of, reckoned by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.analysis.parts import PARTS, by_pss, parts_of, together
from app.analysis.processes import ProcessUse
from app.analysis.summary import summarise
from app.model.frames import CLibrary, Heap, Memory, Rollup, decode, encode

PID = 100
MIB = 1 << 20


def memory(**changed: Any) -> Memory:
    kinds = {
        "heap": [120, 100, 50],
        "c_heap": [64, 20, 10],
        "c_mapped": [40, 30, 30],
        "arenas": [60, 60, 30],
        "stacks": [80, 2, 2],
        "anonymous": [50, 44, 22],
        "file": [90, 25, 5],
        "shared": [9, 9, 3],
        "other": [7, 0, 0],
    }
    rss = sum(row[1] for row in kinds.values())
    pss = sum(row[2] for row in kinds.values())
    given: dict[str, Any] = {"at_us": 1_000_000, "pid": PID, "rss": rss, "uss": 100, "pss": pss}
    given |= {"swap": 0, "shared": 0, "kinds": kinds, "huge": 40, "huge_waste": 38} | changed
    return Memory(**given)


def library(**changed: Any) -> CLibrary:
    given: dict[str, Any] = {
        "allocator": "glibc",
        "system": 130,
        "free": 70,
        "absent": 10,
        "trimmable": 45,
    } | changed
    return CLibrary(given.pop("at_us", 1_200_000), PID, 1000, 900, **given)


def test_the_parts_add_up_to_rss_and_to_pss() -> None:
    walk = memory()
    parts = parts_of(walk, 50, library())
    assert parts == {
        "objects_in_use": 50,
        "objects_free": 10,
        "c_in_use": 60,
        "c_trimmable": 45,
        "c_free_kept": 15,
        "c_mapped": 30,
        "stacks": 2,
        "files": 25,
        "shared": 9,
        "huge_waste": 38,
        "other": 6,
    }
    assert sum(bytes_ or 0 for bytes_ in parts.values()) == walk.rss
    shared = by_pss(walk, parts)
    assert shared is not None
    assert (shared["c_in_use"], shared["files"], shared["objects_in_use"]) == (30, 5, 25)
    assert sum(bytes_ or 0 for bytes_ in shared.values()) == walk.pss


@pytest.mark.parametrize(
    ("objects", "read"),
    [
        (10**9, library(free=10**9, absent=0, trimmable=10**9)),  # both of another instant
        (None, library(system=None, free=None, absent=None, trimmable=None)),  # another allocator
        (None, None),
        (0, library(free=5, absent=9, trimmable=7)),
        (0, library(trimmable=None)),
    ],
)
def test_whatever_was_read_the_bar_adds_up(objects: int | None, read: CLibrary | None) -> None:
    walk = memory()
    parts = parts_of(walk, objects, read)
    assert all(bytes_ is None or bytes_ >= 0 for bytes_ in parts.values())
    assert sum(bytes_ or 0 for bytes_ in parts.values()) == walk.rss


def test_what_a_trim_would_give_back_is_not_said_to_stay_where_it_is_not_known() -> None:
    parts = parts_of(memory(), 0, library(trimmable=None))
    assert parts["c_in_use"] == parts_of(memory(), 0, library())["c_in_use"]
    assert (parts["c_trimmable"], parts["c_free_kept"]) == (None, None)


def test_a_recording_of_before_has_no_pss_of_a_part() -> None:
    old = memory(
        kinds={"heap": [9, 9], "arenas": None, "anonymous": [1, 1], "file": [5, 5]}, rss=15, huge_waste=None
    )
    parts = parts_of(old, None, None)
    assert parts["files"] == 5
    assert parts["c_mapped"] is None
    assert parts["other"] == 10
    assert by_pss(old, parts) is None


def test_the_sum_of_a_tree_is_known_if_each_is() -> None:
    parts = parts_of(memory(), 50, library())
    assert together([parts, None]) is None
    both = together([parts, parts])
    assert both is not None
    assert both["c_trimmable"] == 90
    assert list(both) == list(PARTS)


def test_a_summary_has_the_parts_with_their_course(begin: Any) -> None:
    ledger = begin()
    heap = Heap(900_000, PID, 0, "pymalloc", 1, 1, 0, 1, 60, 4, 0, 5, 50, None, [], [0, 0, 0])
    for message in (heap, memory(), library()):
        ledger.feed(decode(encode(message, 0)))
    summary = summarise(ledger)
    (row,) = summary["memory"]
    assert row["parts"]["c_trimmable"] == 45
    assert row["parts_course"]["rows"] == [[1_200_000, 50, 10, 60, 45, 15, 30, 2, 25, 9, 38, 6]]
    assert row["c_library"]["in_use"] == 60
    assert (row["at_s"], row["c_library"]["at_s"], row["objects_at_s"]) == (1.0, 1.2, 0.9)
    assert summary["memory_together"] == {
        "processes": 1,
        "from_s": 1.0,
        "to_s": 1.0,
        "pss": memory().pss,
        "parts": by_pss(memory(), row["parts"]),
        "parts_from_s": 1.0,
        "parts_to_s": 1.0,
        "parts_pss": memory().pss,
        "unread": 0,
    }


def test_a_walk_is_told_with_the_reading_of_the_c_library_that_follows_it(begin: Any) -> None:
    ledger = begin()
    fallen = memory(
        at_us=2_000_000, rss=190, kinds={**memory().kinds, "heap": [120, 5, 5], "c_heap": [0, 0, 0]}
    )

    def told() -> tuple[float, int, int]:
        (row,) = summarise(ledger)["memory"]
        assert sum(filter(None, row["parts"].values())) == row["rss"]
        return row["at_s"], row["parts"]["c_in_use"], row["parts"]["c_trimmable"]

    for message in (memory(), library()):
        ledger.feed(message)
    assert told() == (1.0, 60, 45)
    ledger.feed(fallen)
    # What was free before says nothing of what is left: the bar is still that of before, and says of when.
    assert told() == (1.0, 60, 45)
    ledger.feed(library(at_us=2_100_000, free=2, absent=0, trimmable=0))
    assert told() == (2.0, 3, 0)


def test_a_walk_that_no_reading_of_the_c_library_followed_is_told_with_the_next(begin: Any) -> None:
    ledger = begin()
    for at_us in (1_000_000, 2_000_000, 3_000_000):
        ledger.feed(memory(at_us=at_us))
        if at_us == 1_000_000:
            ledger.feed(library())
    (row,) = summarise(ledger)["memory"]
    assert row["parts_at_s"] == 2.0


def test_a_walk_and_the_reading_that_follows_it_may_lie_in_two_pieces_of_a_run() -> None:
    first = ProcessUse(PID)
    first.walked(memory())
    first.library_read(library(), None)
    first.walked(memory(at_us=2_000_000))
    second = ProcessUse(PID)
    second.know(first)
    second.library_read(library(at_us=2_100_000, trimmable=30), None)
    whole = ProcessUse(PID)
    for piece in (first, second):
        whole.absorb(json.loads(json.dumps(piece.state())))
    assert whole.mappings == second.mappings
    assert whole.mappings is not None
    assert whole.mappings.at_us == 2_000_000
    assert whole.parts == second.parts


def test_the_parts_of_a_tree_tell_their_own_instants_and_what_they_add_up_to(begin: Any) -> None:
    ledger = begin()
    for message in (memory(), library(), Rollup(9_000_000, PID, 1000, 900, 950, 0, 0)):
        ledger.feed(decode(encode(message, 0)))
    told = summarise(ledger)["memory_together"]
    assert (told["to_s"], told["pss"]) == (9.0, 950)
    assert (told["parts_to_s"], told["parts_pss"]) == (1.0, memory().pss)
    assert sum(filter(None, told["parts"].values())) == memory().pss


def test_of_a_tree_with_a_process_that_was_not_walked_no_parts_are_told_but_how_many(begin: Any) -> None:
    ledger = begin()
    ledger.feed(decode(encode(Rollup(1_000_000, PID, 1000, 900, 950, 0, 0), 0)))
    told = summarise(ledger)["memory_together"]
    assert (told["pss"], told["parts"], told["unread"]) == (950, None, 1)
