"""The parts of a census, each by itself."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import pytest

from app.probe.cpython.census import pools
from app.probe.cpython.census.estimate import Estimate, Page, Stratum
from app.probe.cpython.census.reading import fitting
from app.probe.cpython.heap.reading import NOT_IN_USE, Tally


def estimated(blocks: int, whole: bool, sample: list[Page]) -> dict[str, Estimate]:
    stratum = Stratum(blocks, whole)
    for page in sample:
        stratum.add(page)
    found: dict[str, Estimate] = {}
    stratum.add_to(found)
    return found


def test_a_class_that_was_read_whole_is_a_count() -> None:
    sample = [Page(10, {"int": (4, 112), "str": (6, 300)}), Page(5, {"int": (5, 140)})]
    assert estimated(15, True, sample) == {
        "int": Estimate(9, 0, 252, 0),
        "str": Estimate(6, 0, 300, 0),
    }


def test_pages_that_are_all_alike_leave_as_much_doubt_as_three_blocks_of_the_sample() -> None:
    found = estimated(1_000, False, [Page(10, {"int": (5, 140)})] * 8)
    off = 3 * (1_000 / 80) * (1 - 80 / 1_000)
    assert found["int"] == Estimate(500, pytest.approx(off), 14_000, pytest.approx(28 * off))


def test_one_page_alone_tells_nothing_of_how_far_off_it_is() -> None:
    found = estimated(100, False, [Page(10, {"int": (5, 140)})])
    assert found["int"] == Estimate(50, 50, 1_400, 1_400)


def test_nothing_is_said_of_a_class_of_which_no_page_could_be_read() -> None:
    assert estimated(100, False, []) == {}


def test_a_class_that_was_read_but_for_a_page_has_an_interval() -> None:
    stratum = Stratum(100, True)
    for objects in (10, 4, 9, 3, 8, 2, 9, 5, 6):
        stratum.add(Page(10, {"int": (objects, 28.0 * objects)}))
    stratum.miss()
    found: dict[str, Estimate] = {}
    stratum.add_to(found)
    assert found["int"].count == pytest.approx(56 / 0.9)
    assert 0 < found["int"].count_off < 10  # what may be in the page that was missed


@pytest.mark.parametrize("run", [1, 40, 700], ids=["mixed", "short-runs", "long-runs"])
def test_the_interval_holds_the_truth(run: int) -> None:
    """Of pages that hold one type or the other, in runs of that length."""
    dice = random.Random(run)
    pages = [
        Page(blocks, {name: (blocks, 0.0)})
        for name in ("a" if dice.random() < 0.4 else "b" for _ in range(20_000 // run))
        for blocks in (dice.randrange(20, 100) for _ in range(run))
    ]
    blocks = sum(page.blocks for page in pages)
    truth = sum(page.of["a"][0] for page in pages if "a" in page.of)
    held, widths = 0, []
    for first in range(100):
        found = estimated(blocks, False, pages[first :: len(pages) // 200])["a"]
        held += abs(found.count - truth) <= found.count_off
        widths.append(found.count_off / truth)
    assert held >= 93
    assert statistics.mean(widths) < (0.3 if run < 700 else 0.15)


@pytest.mark.parametrize(
    ("bytes_", "off", "room", "told"),
    [
        (100, 20, 500, (100, 20)),
        (100, 80, 150, (100, 80)),
        (130, 90, 16, (16, 0)),  # 40 to 220, of which no more than 16 can be
        (130, 125, 16, (16, 11)),
        (5, 5, 0, (0, 0)),
    ],
)
def test_buffers_take_no_more_than_the_blocks_that_may_be_theirs(bytes_, off, room, told) -> None:
    assert fitting(Estimate(0, 0, bytes_, off), room) == told


def test_pools_are_drawn_at_even_distances_each_once() -> None:
    tally = Tally("pymalloc", pools.SIZES)
    for number in range(50):
        kinds = bytes([3, 3, NOT_IN_USE, 7] * 15 + [3] * (number % 4))
        tally.kinds.append((number << 20, kinds))
    tally.pools[3] = sum(kinds.count(3) for _, kinds in tally.kinds)
    there = [
        first + at * pools.POOL for first, kinds in tally.kinds for at, kind in enumerate(kinds) if kind == 3
    ]
    assert list(pools._draw(tally, 3, len(there))) == there
    for number in (1, 7, 100, len(there) - 1):
        drawn = list(pools._draw(tally, 3, number))
        places = [there.index(address) for address in drawn]
        assert len(places) == number
        assert places == sorted(set(places))
        assert {after - before for before, after in pairwise(places)} <= {
            len(there) // number,
            len(there) // number + 1,
        }
