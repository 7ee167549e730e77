"""The types of live objects: rows, and which of them come to be more."""

from __future__ import annotations

import random

import pytest

from app.analysis.census import Censuses, Containers, _Point, pace, type_rows
from app.model.frames import ContainerHolders, Types

S = 1_000_000


def census(at_s: float, rows: list[list[object]], pid: int = 7, interpreter: int = 0) -> Types:
    return Types(round(at_s * S), pid, interpreter, 900, 700, 40, 20, 0, 1_000_000, 600_000, rows)


def test_a_row_has_its_interval_and_the_largest_comes_first() -> None:
    heaps = Censuses()
    heaps.feed(census(1, [["dict", 100, 10, 6_400, 640], ["int", 9, 20, 252, 560]]), None)
    heaps.feed(census(1, [["str", 50, 0, 5_000, 0]], interpreter=1), None)
    first, second, third = type_rows(heaps)
    assert [row["type"] for row in (first, second, third)] == ["dict", "str", "int"]
    assert (first["count_low"], first["count"], first["count_high"]) == (90, 100, 110)
    assert (first["low"], first["bytes"], first["high"]) == (5_760, 6_400, 7_040)
    assert third["low"] == third["count_low"] == 0
    assert second["interpreter"] == 1
    assert first["count_per_s"] is None


def test_a_process_that_has_gone_keeps_its_types_until_it_is_forgotten() -> None:
    heaps = Censuses()
    heaps.feed(census(1, [["dict", 100, 10, 6_400, 640]]), None)
    heaps.process_gone(7, 2 * S)
    assert heaps.live() == []
    assert len(type_rows(heaps)) == 1
    heaps.feed(census(3, [["str", 1, 0, 50, 0]]), None)  # the pid is another's now
    assert [row["type"] for row in type_rows(heaps)] == ["str"]
    heaps.forget([7])
    assert type_rows(heaps) == []


def test_growth_is_told_once_it_is_sure() -> None:
    heaps = Censuses()
    for second in range(12):
        heaps.feed(
            census(second, [["dict", 10_000 + 500 * second, 200, 640_000 + 32_000 * second, 12_800]]), None
        )
    (row,) = type_rows(heaps)
    assert row["count_per_s"] == pytest.approx(500)
    assert row["bytes_per_s"] == pytest.approx(32_000)


def test_what_stays_is_hardly_ever_told_to_change() -> None:
    told = 0
    for seed in range(300):
        dice = random.Random(seed)
        points = [_Point(second, dice.gauss(100_000, 2_000), 1.96 * 2_000) for second in range(12)]
        told += pace(points) is not None
    assert told <= 6


def test_what_swings_is_not_told_to_grow() -> None:
    points = [_Point(second, 1_000 + 900 * (second % 6 > 2), 10) for second in range(12)]
    assert pace(points) is None


def test_two_readings_or_two_seconds_are_too_few() -> None:
    rising = [_Point(second / 2, 1_000 * second, 1) for second in range(12)]
    assert pace(rising[:2]) is None
    assert pace(rising[:4]) is None
    assert pace(rising) == pytest.approx(2_000)


def test_only_the_last_minute_counts() -> None:
    heaps = Censuses()
    for second in range(0, 130, 5):
        heaps.feed(census(second, [["dict", 1_000 * min(second, 60), 0, 1, 0]]), None)
    (row,) = type_rows(heaps)
    assert row["count_per_s"] is None


def test_containers_that_grow_come_first_and_then_the_largest() -> None:
    containers = Containers()
    for second in range(8):
        rows = [["app: TABLE", "dict", 90_000], ["app: CACHE", "dict", 2_000 + 100 * second]]
        containers.feed(ContainerHolders(second * S, 7, 900, 700, rows), None)
    first, second_ = containers.rows(live=True)
    assert (first["path"], first["items"]) == ("app: CACHE", 2_700)
    assert first["items_per_s"] == pytest.approx(100)
    assert (second_["path"], second_["items_per_s"]) == ("app: TABLE", None)
    containers.process_gone(7, 9 * S)
    assert containers.rows(live=True) == []
    assert len(containers.rows(live=False)) == 2
    containers.forget([7])
    assert containers.rows(live=False) == []
