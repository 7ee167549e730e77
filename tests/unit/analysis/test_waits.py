"""Who makes whom wait, and the longest waits and holds, of small observations reckoned by hand."""

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis import who_waits
from app.analysis.figures import figures_of
from app.analysis.holders import Holders
from app.analysis.ledger import Ledger
from app.analysis.looks import KEPT_US, LookLog
from app.analysis.summary import summarise
from app.analysis.waited import MAX_CELLS, Waited
from app.model.frames import Frame, Names, Process, Stacks
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, IO, LOCK, RUNNING, WAITING

PID = 100
MS = 1000


def ms(track, step):
    return [n * MS if at % step == step - 1 else n for at, n in enumerate(track)]


def frame(start_ms, end_ms, gil=None, lanes=()):
    gils = [[0, 0, ms(gil, 3)]] if gil is not None else []
    return Frame(start_ms * MS, end_ms * MS, 50, 0, 0, gils, [[lane, ms(track, 2)] for lane, track in lanes])


def pairs(summary):
    return {(row["holder"]["name"], row["waiter"]["name"]): row["wait_s"] for row in summary["who_waits"]}


# ---- who makes whom wait


def test_a_wait_is_put_down_to_those_who_held_meanwhile(begin):
    ledger = begin()
    gil = [0, 1, 20, HOLDER_NONE, 1, 5, 2, 1, 10, HOLDER_UNKNOWN, 1, 5, 1, 0, 10]
    ledger.feed(frame(0, 50, gil, [(0, [RUNNING, 20, IO, 30]), (1, [IO, 5, WAITING, 35, RUNNING, 10])]))
    summary = summarise(ledger)
    assert pairs(summary) == {
        ("t0", "t1"): 0.015,
        ("t2", "t1"): 0.01,
        ("nobody", "t1"): 0.005,
        ("unknown", "t1"): 0.005,
    }
    assert summary["who_waits"][0] == {
        "pid": PID,
        "interpreter": 0,
        "holder": {"tid": PID, "name": "t0"},
        "waiter": {"tid": PID + 1, "name": "t1"},
        "wait_s": 0.015,
    }
    assert [row["holder"]["tid"] for row in summary["who_waits"]] == [PID, PID + 2, None, None]
    assert figures_of(ledger)["who_waits"] == summary["who_waits"]


def test_a_wait_that_goes_on_is_counted_so_far(begin):
    ledger = begin()
    ledger.feed(frame(0, 50, [0, 1, 50], [(1, [WAITING, 50])]))
    assert pairs(summarise(ledger)) == {("t0", "t1"): 0.05}
    ledger.feed(frame(50, 100, [0, 1, 30, 1, 0, 20], [(1, [WAITING, 30, RUNNING, 20])]))
    assert pairs(summarise(ledger)) == {("t0", "t1"): 0.08}


def test_two_waits_in_one_slice_are_both_counted(begin):
    ledger = begin()
    lane = (1, [WAITING, 10, RUNNING, 10, WAITING, 20, RUNNING, 10])
    ledger.feed(frame(0, 50, [0, 1, 10, 1, 0, 10, 2, 1, 20, 1, 0, 10], [lane]))
    assert pairs(summarise(ledger)) == {("t0", "t1"): 0.01, ("t2", "t1"): 0.02}


def test_each_interpreter_waits_for_its_own_lock(begin):
    ledger = begin()
    threads = [[8, PID, 108, "sub", 3], [9, PID, 109, "sub-waiter", 3], [10, 200, 200, "child", 0]]
    ledger.feed(Names(0, threads, [[1, PID, 3], [2, 200, 0]]))
    gils = [[index, 0, [holder, 1, 50 * MS]] for index, holder in ((0, 0), (1, 8), (2, 10))]
    lanes = [[lane, [WAITING, 50 * MS]] for lane in (1, 9)]
    ledger.feed(Frame(0, 50 * MS, 50, 0, 0, gils, lanes))
    rows = summarise(ledger)["who_waits"]
    assert {(r["interpreter"], r["holder"]["name"], r["waiter"]["name"]) for r in rows} == {
        (0, "t0", "t1"),
        (3, "sub", "sub-waiter"),
    }


def test_interpreters_that_share_a_lock_wait_for_that(begin):
    ledger = begin()
    ledger.feed(Names(0, [[8, PID, 108, "sub", 5]]))
    ledger.feed(frame(0, 50, [0, 1, 50], [(8, [WAITING, 50])]))
    assert pairs(summarise(ledger)) == {("t0", "sub"): 0.05}


def test_what_has_no_room_stands_together_and_nothing_is_lost(begin):
    ledger = begin(40)
    for lane in range(40):
        waits = [(other, [WAITING, 5, IO, 5]) for other in range(40) if other != lane]
        ledger.feed(frame(10 * lane, 10 * lane + 10, [lane, 39, 10], waits))
    rows = figures_of(ledger)["who_waits"]
    assert len(rows) == 101
    assert rows[0] == {
        "pid": PID,
        "interpreter": 0,
        "holder": {"tid": None, "name": "others"},
        "waiter": {"tid": None, "name": "others"},
        "wait_s": pytest.approx((40 * 39 - 100) * 0.005),
    }
    assert sum(row["wait_s"] for row in summarise(ledger)["who_waits"]) == pytest.approx(40 * 39 * 0.005)


def test_pairs_without_end_are_folded_and_nothing_is_lost():
    # GIVEN one pair that waits long, and twice as many as there is room for that wait for a moment
    waited, ledger = Waited(), Ledger()
    ledger.feed(
        Names(0, [[lane, PID, lane, str(lane), 0] for lane in range(2 * MAX_CELLS + 3)], [[0, PID, 0]])
    )
    waited.add(0, 1, {2: 1_000_000})
    for lane in range(3, 2 * MAX_CELLS + 3):
        waited.add(0, 1, {lane: 5})
    # THEN the long one is still told apart
    rows = who_waits.rows(waited, 10, ledger.gils, ledger.threads)
    assert len(waited.largest(2 * MAX_CELLS)) <= MAX_CELLS + 1
    assert (rows[0]["holder"]["name"], rows[0]["wait_s"]) == ("2", 1.0)
    assert sum(row["wait_s"] for row in rows) == pytest.approx(1 + 2 * MAX_CELLS * 5 / 1e6)


@pytest.mark.parametrize("limit", [1, 3, 7, 50, 100])
def test_the_largest_are_those_of_a_sort_of_all_with_many_of_equal_length(limit: int):
    waited, chance = Waited(), random.Random(limit)
    cells = {(gil, holder, waiter): 0 for gil in (0, 1) for waiter in range(5) for holder in range(-2, 3)}
    for _ in range(40):
        gil, holder, waiter = cell = chance.choice([*cells])
        length_us = chance.randrange(1, 4)
        waited.add(gil, waiter, {holder: length_us})
        cells[cell] += length_us
    told = sorted(((us, cell) for cell, us in cells.items() if us), reverse=True)
    assert waited.largest(limit) == told[:limit]
    assert waited.by_gil() == {gil: sum(us for us, cell in told if cell[0] == gil) for gil in (0, 1)}


def test_a_thread_that_was_forgotten_is_one_of_the_others(begin):
    ledger = begin()
    ledger.feed(Names(0, [[5, PID, 105, "short", 0]]))
    ledger.feed(frame(0, 50, [5, 1, 50], [(5, [RUNNING, 1]), (1, [WAITING, 50])]))
    ledger.feed(Names(50 * MS, gone=[5]))
    for lane in range(10, 1_600):
        ledger.feed(Names(lane * 50 * MS, [[lane, PID, lane, "", 0]]))
        ledger.feed(frame(lane * 50, lane * 50 + 50, lanes=[(lane, [RUNNING, 50])]))
        ledger.feed(Names(lane * 50 * MS + 50 * MS, gone=[lane]))
    assert ledger.threads.get(5) is None
    assert pairs(summarise(ledger)) == {("others", "t1"): 0.05}


def test_the_waits_of_a_process_go_when_it_is_forgotten(begin):
    ledger = begin()
    ledger.feed(Names(0, [[5, 777, 777, "child", 0], [6, 777, 778, "waiter", 0]], [[1, 777, 0]]))
    ledger.feed(Process(0, 777, PID, ["python3"], "3.12.1"))
    ledger.feed(Frame(0, 50 * MS, 50, 0, 0, [[1, 0, [5, 1, 50 * MS]]], [[6, [WAITING, 50 * MS]]]))
    assert pairs(summarise(ledger)) == {("child", "waiter"): 0.05}
    ledger.feed(Process(50 * MS, 777, PID, ["python3"], "3.12.1", gone=True))
    for pid in range(1_000, 2_600):
        ledger.feed(Process(pid * 20 * MS, pid, PID, ["python3"], "3.12.1"))
        ledger.feed(Process(pid * 20 * MS, pid, PID, ["python3"], "3.12.1", gone=True))
    assert 777 not in {row["pid"] for row in summarise(ledger)["memory"]}
    assert summarise(ledger)["who_waits"] == []
    # but its hold was the longest all the same
    assert [(row["pid"], row["length_s"]) for row in summarise(ledger)["longest_holds"]] == [(777, 0.05)]


TRACKS = st.lists(st.tuples(st.integers(-2, 3), st.integers(0, 40)), max_size=12)


@given(TRACKS, st.integers(0, 50), st.integers(0, 400), st.integers(1, 200))
def test_all_time_between_is_put_down_to_somebody(track, start_us, from_us, length_us):
    flat = [number for holder, piece_us in track for number in (holder, 1, piece_us)]
    held_us = {}
    Holders(0, flat, start_us).charge(-9, from_us, from_us + length_us, held_us)
    by_instant = [HOLDER_UNKNOWN] * start_us + [holder for holder, piece_us in track for _ in range(piece_us)]
    by_instant += [HOLDER_UNKNOWN] * 1000
    assert held_us == Counter(by_instant[from_us : from_us + length_us])


# ---- the longest


def test_the_longest_wait_says_who_waited_where_and_whom_to_blame(begin):
    # GIVEN 70 ms of waiting, of which t0 held 40 in one function and 10 in another, and t2 20
    ledger = begin()
    functions = [[0, "serve", "s.py", 1], [1, "crunch", "c.py", 7], [2, "dump", "d.py", 9]]
    stacks = [[0, [0, 3]], [1, [1, 8, 0, 4]], [2, [2, 10, 0, 5]], [3, [1, 9, 0, 4]]]
    ledger.feed(Names(0, functions=functions, stacks=stacks))
    ledger.feed(frame(0, 50, [0, 1, 50], [(1, [IO, 10, WAITING, 40])]))
    looks = [
        [5 * MS, 2, -1, None],
        [15 * MS, 1, 1, 0],
        [25 * MS, 2, 2, None],
        [45 * MS, 1, 1, 0],
        [75 * MS, 3, 1, 0],
    ]
    ledger.feed(Stacks([[at_us, 0, 0, stack, waiter, where, 1] for at_us, stack, waiter, where in looks[:4]]))
    ledger.feed(Stacks([[at_us, 0, 0, stack, waiter, where, 1] for at_us, stack, waiter, where in looks[4:]]))
    ledger.feed(frame(50, 100, [0, 1, 10, 2, 1, 20, 1, 0, 20], [(1, [WAITING, 30, RUNNING, 20])]))

    # THEN
    (wait,) = summarise(ledger)["longest_waits"]
    assert wait == {
        "at_s": 0.01,
        "length_s": 0.07,
        "at_least": False,
        "pid": PID,
        "tid": PID + 1,
        "name": "t1",
        "function": "serve",
        "file": "s.py",
        "line": 3,
        "blamed": {"tid": PID, "name": "t0", "function": "crunch"},
    }
    assert figures_of(ledger)["longest_waits"] == [wait]
    holds = summarise(ledger)["longest_holds"]
    assert [(row["name"], row["at_s"], row["length_s"], row["function"], row["line"]) for row in holds] == [
        ("t0", 0, 0.06, "crunch", 8),
        ("t2", 0.06, 0.02, None, None),
        ("t1", 0.08, 0.02, None, None),
    ]
    assert {row["blamed"] for row in holds} == {None}


@pytest.mark.parametrize("first", ["frame", "stacks"])
def test_looks_may_come_before_their_frame_or_after_it(begin, first):
    ledger = begin()
    ledger.feed(Names(0, functions=[[0, "f", "f.py", 1]], stacks=[[0, [0, 2]]]))
    messages = [
        frame(0, 50, [0, 1, 30, HOLDER_NONE, 0, 20], [(1, [WAITING, 30, IO, 20])]),
        Stacks([[10 * MS, 0, 0, 0, 1, 0, 1], [40 * MS, 0, -1, None, -1, None, 0]]),
    ]
    for message in messages if first == "frame" else reversed(messages):
        ledger.feed(message)
    (wait,) = summarise(ledger)["longest_waits"]
    assert (wait["function"], wait["blamed"]["function"]) == ("f", "f")


def test_a_wait_in_which_no_look_fell_has_no_function_and_one_without_a_holder_blames_nobody(begin):
    ledger = begin()
    gil = [0, 1, 10, HOLDER_NONE, 0, 10, HOLDER_UNKNOWN, 1, 30]
    ledger.feed(frame(0, 50, gil, [(1, [WAITING, 10, IO, 10, WAITING, 30])]))
    ledger.feed(Stacks([[15 * MS, 0, -1, None, -1, None, 0]]))
    unread, wait = summarise(ledger)["longest_waits"]
    assert (wait["function"], wait["file"], wait["line"]) == (None, None, None)
    assert wait["blamed"] == {"tid": PID, "name": "t0", "function": None}
    assert unread["blamed"] is None


def test_a_wait_and_a_hold_that_still_go_on_are_among_the_longest(begin):
    ledger = begin()
    for start_ms in range(0, 1000, 50):
        lane = (1, [WAITING, 20, LOCK, 30] if start_ms < 800 else [WAITING, 50])
        ledger.feed(frame(start_ms, start_ms + 50, [0, 1, 50], [lane]))
    for summary in (summarise(ledger), summarise(ledger)):
        assert len(summary["longest_waits"]) == 10
        assert [row["length_s"] for row in summary["longest_waits"][:2]] == [0.2, 0.02]
        assert [(row["at_s"], row["length_s"]) for row in summary["longest_holds"]] == [(0, 1.0)]


WAITS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 40)), min_size=1, max_size=40)


@given(WAITS)
def test_the_ten_longest_are_the_ten_longest(waits):
    # GIVEN waits and pauses in turn, seen in slices of 50 ms
    track = [state for length_ms, pause_ms in waits for state in [WAITING] * length_ms + [IO] * pause_ms]
    ledger = Ledger()
    ledger.feed(Names(0, [[0, 1, 1, "", 0], [1, 1, 2, "", 0]], [[0, 1, 0]]))
    for start_ms in range(0, len(track), 50):
        part = track[start_ms : start_ms + 50]
        pieces = [number for state in part for number in (state, 1)]
        ledger.feed(frame(start_ms, start_ms + len(part), [0, 1, len(part)], [(1, pieces)]))
    starts = [sum(sum(wait) for wait in waits[:at]) for at in range(len(waits))]
    expected = sorted(
        ((start, length) for start, (length, _) in zip(starts, waits, strict=True)),
        key=lambda wait: (-wait[1], wait[0]),
    )
    found = [
        (round(row["at_s"] * 1e3), round(row["length_s"] * 1e3)) for row in summarise(ledger)["longest_waits"]
    ]
    assert found == expected[:10]


def test_looks_are_kept_for_a_while_and_no_longer():
    log = LookLog()
    for at_us in range(0, 10 * KEPT_US, 10_000):
        log.add(at_us, 0, (0, None), (-1, None))
    assert KEPT_US // 10_000 <= len(log._looks[0]) <= 2 * KEPT_US // 10_000 + 1
    assert all(one.at_us < other.at_us for one, other in pairwise(log._looks[0]))
    log.forget({0})
    assert log.newest_us(0) == -1
