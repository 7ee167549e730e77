"""Which of several locks a view shows first."""

import pytest

from app.analysis.figures import figures_of
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.frames import Frame, Names, Process
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN

PID = 100
CHILD, OTHER = 200, 300
MS = 1000
SLICE_MS = 100


@pytest.fixture
def family(begin):
    """A root and two children, a GIL each."""
    ledger = begin()
    for index, pid in ((1, CHILD), (2, OTHER)):
        ledger.feed(Process(0, pid, PID, [], "3.12.1"))
        ledger.feed(Names(0, [[8 + index, pid, pid, "", 0]], [[index, pid, 0]]))
    return ledger


def hold(ledger, *held_ms, times=1):
    """Slices in which the locks were held for so long; None for a lock that is not there."""
    for _ in range(times):
        start_us = ledger.at_us
        rows = [
            [gil, 1, [gil and 8 + gil, 0, held * MS, HOLDER_NONE, 0, (SLICE_MS - held) * MS]]
            for gil, held in enumerate(held_ms)
            if held is not None
        ]
        ledger.feed(Frame(start_us, start_us + SLICE_MS * MS, SLICE_MS, 0, 0, rows))
    return figures_of(ledger)["main_gil"]


def test_a_helper_that_is_held_about_as_much_does_not_win_over_the_root(family):
    assert hold(family, 10, 14, 12) == 0
    assert hold(family, 0, 0, 0, times=20) == 0


def test_a_child_that_does_the_work_wins(family):
    assert hold(family, 2, 90, 3) == 1


def test_an_idle_spell_or_a_short_one_of_another_does_not_change_it(family):
    assert hold(family, 1, 90, 1, times=10) == 1
    assert hold(family, 1, 0, 100, times=5) == 1
    # but one that lasts does
    assert hold(family, 1, 0, 100, times=10) == 2


def test_the_root_takes_its_place_back_only_when_it_has_caught_up(family):
    assert hold(family, 0, 6, 0, times=10) == 1  # 6 % of the run ahead
    assert hold(family, 4, 0, 0, times=10) == 0  # 1 %


def test_between_half_the_margin_and_all_of_it_the_choice_stays_what_it_was(family):
    assert hold(family, 0, 8, 0, times=10) == 1
    assert hold(family, 0, 0, 0, times=10) == 1  # 4 %
    assert hold(family, 0, 0, 0, times=20) == 0  # 2 %


def test_a_process_that_has_gone_gives_its_place_to_one_that_is_there(family):
    assert hold(family, 1, 90, 2, times=10) == 1
    assert hold(family, 1, None, 2, times=10) == 0
    assert hold(family, None, None, 2, times=10) == 2


def test_a_root_that_is_told_of_after_its_workers_is_the_root_all_the_same():
    ledger = Ledger()
    ledger.feed(Process(0, CHILD, PID, ["worker"], "3.12.1"))
    ledger.feed(Process(0, PID, None, ["root"], "3.12.1"))
    ledger.feed(Names(0, gils=[[0, CHILD, 0], [1, PID, 0]]))
    idle = [HOLDER_NONE, 0, 50 * MS]
    ledger.feed(Frame(0, 50 * MS, 50, 0, 0, [[0, 0, idle], [1, 0, idle]]))
    assert figures_of(ledger)["main_gil"] == 1
    assert summarise(ledger)["target"]["pid"] == PID


def test_a_lock_that_could_not_be_read_is_never_the_main_one(begin):
    ledger = begin()
    ledger.feed(Frame(0, 50 * MS, 50, 0, 0, [[0, 0, [HOLDER_UNKNOWN, 0, 50 * MS]]]))
    assert figures_of(ledger)["main_gil"] is None
