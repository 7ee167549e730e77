"""Where threads' time went, by state: what looks tell of the stretches that they fall into."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.functions import MAX_CALLERS
from app.analysis.ledger import Ledger
from app.analysis.slices import Slice
from app.analysis.summary import summarise
from app.analysis.where import ROWS
from app.model.frames import Blocked, Frame, Hello, Message, Names, Report, Stacks
from app.model.states import IO, LOCK, NATIVE, RUNNING, SLEEP, STALLED, STATES, WAITING

MS = 1000
SLICE = 50 * MS

LIBRARY = "/usr/lib/python3.11/threading.py"
FUNCTIONS = [
    [0, "write_journal", "/srv/app.py", 10],
    [1, "transfer", "/srv/app.py", 20],
    [2, "Thread.run", LIBRARY, 900],
    [3, "Handler.acquire", "/usr/lib/python3.11/logging/__init__.py", 940],
    [4, "Handler.handle", "/usr/lib/python3.11/logging/__init__.py", 970],
    [5, "request", "/srv/app.py", 30],
    [6, "loop", "/srv/venv/lib/python3.11/site-packages/server/loop.py", 5],
    [7, "_worker", "/usr/lib/python3.11/concurrent/futures/thread.py", 70],
]
IN_JOURNAL, IN_HANDLER, IN_REQUEST, IDLE = range(4)
STACKS = [
    [IN_JOURNAL, [0, 12, 1, 22, 2, 982]],
    [IN_HANDLER, [3, 941, 4, 978, 5, 31, 6, 8, 2, 982]],
    [IN_REQUEST, [5, 32, 6, 8, 2, 982]],
    [IDLE, [7, 81, 2, 982]],
]


def ledger() -> Ledger:
    """One that knows two threads, and the stacks."""
    made = Ledger()
    made.feed(Hello(0, 0.0, {}, {"gil_hz": 1000.0}))
    made.feed(Names(0, [[0, 1, 10, "first", 0], [1, 1, 11, "second", 0]], functions=FUNCTIONS, stacks=STACKS))
    return made


def feed(
    ledger: Ledger,
    *track: int,
    lane: int = 0,
    cut_at: Iterable[int] = (),
    looks: Iterable[Message] = (),
    early: bool = False,
) -> None:
    """A thread's track, in slices with borders there and every 50 ms; each look after its slice or before."""
    looks = list(looks)
    pieces = [[state, length] for state, length in zip(track[::2], track[1::2], strict=True)]
    whole = sum(track[1::2])
    borders = sorted({0, whole, *range(0, whole, SLICE), *cut_at})
    for start_us, end_us in pairwise(borders):
        left, told = end_us - start_us, []
        while left:
            state, length = pieces[0]
            taken = min(left, length)
            told += [state, taken]
            left -= taken
            pieces[0][1] -= taken
            if not pieces[0][1]:
                pieces.pop(0)
        due = [look for look in looks if look.rows[0][0] < end_us]
        looks = looks[len(due) :]
        messages = [Frame(start_us, end_us, 50, 0, 0, [], [[lane, told]]), *due]
        for message in messages[1:] + messages[:1] if early else messages:
            ledger.feed(message)


def look(at_us: int, state: int, stack: int | None, lane: int = 0, task: str | None = None) -> Blocked:
    """A message of one look; when the thread came into the state is not asked for."""
    return Blocked([[at_us, lane, state, 0, stack, task]])


def table(ledger: Ledger, state: str, thread: int = 0) -> list[tuple[Any, ...]]:
    """(function, total in ms, count, longest in ms) of the rows of a state."""
    return [
        (
            row["function"],
            round(row["total_s"] * 1e3, 3),
            row["count"],
            None if row["longest_s"] is None else round(row["longest_s"] * 1e3, 3),
        )
        for row in summarise(ledger)["threads"][thread]["blocked"]
        if row["state"] == state
    ]


def test_a_long_stretch_is_given_whole_to_the_place_of_its_one_look() -> None:
    found = ledger()
    feed(found, RUNNING, 10 * MS, LOCK, 990 * MS)
    found.feed(look(70 * MS, LOCK, IN_JOURNAL))
    assert table(found, "lock") == [("write_journal", 990, 1, 990)]


def test_a_stretch_that_goes_on_is_told_with_its_length_so_far() -> None:
    found = ledger()
    found.feed(Frame(0, SLICE, 50, 0, 0, [], [[0, [LOCK, SLICE]]]))
    found.feed(Frame(SLICE, 2 * SLICE, 50, 0, 0, [], [[0, [LOCK, SLICE]]]))
    found.feed(look(60 * MS, LOCK, IN_JOURNAL))
    assert table(found, "lock") == [("write_journal", 100, 1, 100)]
    found.feed(Frame(2 * SLICE, 3 * SLICE, 50, 0, 0, [], [[0, [LOCK, SLICE]]]))
    assert table(found, "lock") == [("write_journal", 150, 1, 150)]


def test_short_stretches_are_shared_out_by_the_looks_into_them() -> None:
    found = ledger()
    feed(found, *[LOCK, 4 * MS, SLEEP, 6 * MS] * 100)  # the last is of the state that is not looked at
    for at_us, stack in ((1, IN_HANDLER), (11, IN_HANDLER), (21, IN_HANDLER), (31, IN_JOURNAL)):
        found.feed(look(950 * MS + at_us * MS, LOCK, stack))
    assert table(found, "lock") == [("Handler.acquire", 300, 3, 4), ("write_journal", 100, 1, 4)]
    assert table(found, "sleep") == [(None, 600, 0, None)]


def test_a_look_may_come_before_the_slice_that_it_falls_into_or_after() -> None:
    for early in (True, False):
        found = ledger()
        seen = look(60 * MS, IO, IN_REQUEST)
        if early:
            found.feed(seen)
        feed(found, RUNNING, 52 * MS, IO, 40 * MS, RUNNING, 8 * MS)
        if not early:
            found.feed(seen)
        assert table(found, "io") == [("request", 40, 1, 40)]


def test_a_look_into_a_stretch_that_has_just_ended_tells_of_all_of_it() -> None:
    found = ledger()
    feed(found, IO, 140 * MS, RUNNING, 10 * MS)
    found.feed(look(120 * MS, IO, IN_REQUEST))
    found.feed(look(125 * MS, IO, IN_REQUEST))
    assert table(found, "io") == [("request", 140, 1, 140)]


def test_long_stretches_that_were_not_looked_at_go_where_the_others_were() -> None:
    found = ledger()
    feed(found, *[SLEEP, 80 * MS, RUNNING, 20 * MS] * 9, SLEEP, 80 * MS, LOCK, 20 * MS)
    found.feed(look(960 * MS, SLEEP, IN_REQUEST))
    assert table(found, "sleep") == [("request", 800, 1, 80)]


def test_a_look_that_contradicts_the_track_is_none() -> None:
    found = ledger()
    feed(found, LOCK, 30 * MS, RUNNING, 20 * MS)
    found.feed(look(40 * MS, LOCK, IN_JOURNAL))
    assert table(found, "lock") == [(None, 30, 0, None)]


def test_looks_at_holders_and_waiters_tell_of_their_states() -> None:
    found = ledger()
    feed(found, RUNNING, 20 * MS, STALLED, 10 * MS, WAITING, 20 * MS)
    found.feed(
        Stacks(
            [
                [5 * MS, 0, 0, IN_REQUEST, -1, None, 0],
                [15 * MS, 0, 0, IN_JOURNAL, -1, None, 0],
                [25 * MS, 0, 0, IN_HANDLER, -1, None, 0],
                [45 * MS, 0, 1, None, 0, IN_REQUEST, 1],
            ]
        )
    )
    assert table(found, "running") == [("request", 10, 1, None), ("write_journal", 10, 1, None)]
    assert table(found, "stalled") == [("Handler.acquire", 10, 1, 10)]
    assert table(found, "waiting") == [("request", 20, 1, 20)]


def test_the_callers_lead_to_the_program_s_own_functions() -> None:
    found = ledger()
    looks = [
        look(55 * MS, LOCK, IN_JOURNAL),
        look(110 * MS, SLEEP, IN_HANDLER),
        look(170 * MS, IO, IDLE),
        look(230 * MS, NATIVE, IN_REQUEST),
    ]
    feed(found, LOCK, 60 * MS, SLEEP, 60 * MS, IO, 60 * MS, NATIVE, 60 * MS, looks=looks)
    (thread, _) = summarise(found)["threads"]
    callers = {row["function"]: [caller[0] for caller in row["callers"]] for row in thread["blocked"]}
    assert callers["write_journal"] == ["transfer"]
    assert callers["Handler.acquire"] == ["Handler.handle", "request", "loop"]
    assert callers["_worker"] == ["Thread.run"]
    assert callers["request"] == ["loop"]
    (row,) = [row for row in thread["blocked"] if row["function"] == "write_journal"]
    assert (row["file"], row["line"], row["callers"]) == (
        "/srv/app.py",
        12,
        [["transfer", "/srv/app.py", 22]],
    )


def test_a_deep_stack_of_the_library_has_few_callers() -> None:
    found = Ledger()
    found.feed(Hello(0, 0.0, {}, {}))
    functions = [[n, f"step{n}", LIBRARY, n] for n in range(40)]
    found.feed(Names(0, [[0, 1, 10, "", 0]], functions=functions, stacks=[[0, [*range(40)] * 2]]))
    assert len(found.stacks.functions.callers(0)) <= MAX_CALLERS


def test_tasks_of_one_place_have_rows_of_their_own() -> None:
    found = ledger()
    feed(found, SLEEP, 60 * MS, RUNNING, 10 * MS, SLEEP, 90 * MS)
    found.feed(look(145 * MS, SLEEP, IN_REQUEST, task="prices"))
    rows = {
        (row["function"], row["task"]): row["total_s"] for row in summarise(found)["threads"][0]["blocked"]
    }
    assert rows["request", "prices"] == 0.15  # the first was not looked at, and went where the other was


@pytest.mark.parametrize("tasks", [4, 1000])
def test_a_place_that_many_tasks_came_to_is_one_row(tasks: int) -> None:
    found = ledger()
    looks = [look((200 * n + 60) * MS, SLEEP, IN_REQUEST, task=f"request-{n}") for n in range(tasks)]
    feed(found, *(SLEEP, 120 * MS, IO, 80 * MS) * tasks, looks=looks)
    assert table(found, "sleep") == [("request", 120 * tasks, tasks, 120)]
    assert [row["task"] for row in summarise(found)["threads"][0]["blocked"]] == [None, None]


def test_what_came_after_the_measured_time_is_not_counted() -> None:
    found = ledger()
    found.feed(Report(40 * MS, {"result": {}}))
    feed(found, LOCK, 100 * MS)
    found.feed(look(60 * MS, LOCK, IN_JOURNAL))
    assert table(found, "lock") == [(None, 40, 0, None)]


def test_the_flame_graph_has_the_states_below_its_root() -> None:
    found = ledger()
    feed(found, LOCK, 300 * MS, RUNNING, 100 * MS)
    found.feed(Stacks([[350 * MS + 1, 0, 0, IN_REQUEST, -1, None, 0]]))
    feed(found, SLEEP, 400 * MS, lane=1)
    found.feed(look(395 * MS, SLEEP, IN_JOURNAL, lane=1))
    where = summarise(found)["where"]["flame"]
    assert (where["name"], where["samples"]) == ("all threads", 800)
    assert [(child["name"], child["samples"]) for child in where["children"]] == [
        ("sleep", 400),
        ("lock", 300),
        ("running", 100),
    ]
    (sleep, lock, _) = where["children"]
    (run,) = sleep["children"]
    assert [run["name"], run["children"][0]["name"]] == ["Thread.run", "transfer"]
    assert lock["children"][0]["name"] == "stack unknown"
    (first, second) = summarise(found)["threads"]
    assert (first["flame"]["name"], first["flame"]["samples"]) == ("first", 400)
    assert [child["name"] for child in second["flame"]["children"]] == ["sleep"]
    rows = summarise(found)["where"]["blocked"]
    assert [(row["state"], row["function"], row["total_s"]) for row in rows][:2] == [
        ("sleep", "write_journal", 0.4),
        ("lock", None, 0.3),
    ]


def test_the_rows_of_a_thread_with_very_many_places_are_few_and_add_up() -> None:
    found = Ledger()
    found.feed(Hello(0, 0.0, {}, {}))
    many = 1_000
    functions = [[n, f"step{n}", "/srv/app.py", n] for n in range(many)]
    stacks = [[n, [n, n]] for n in range(many)]
    found.feed(Names(0, [[0, 1, 10, "", 0]], functions=functions, stacks=stacks))
    for n in range(many):
        found.feed(Frame(n * SLICE, (n + 1) * SLICE, 50, 0, 0, [], [[0, [LOCK, 20 * MS, RUNNING, 30 * MS]]]))
        found.feed(look(n * SLICE + 1, LOCK, n))
    rows = [row for row in summarise(found)["threads"][0]["blocked"] if row["state"] == "lock"]
    assert len(rows) <= ROWS + 1
    assert abs(sum(row["total_s"] for row in rows) - 20) < 1e-6
    assert max(rows, key=lambda row: row["total_s"])["function"] is None


PIECES = st.lists(
    st.tuples(st.sampled_from(range(len(STATES))), st.integers(1, 200 * MS)), min_size=1, max_size=12
)
LOOKS = st.lists(
    st.tuples(
        st.integers(0, 1_000 * MS), st.sampled_from(range(len(STATES))), st.sampled_from([None, 0, 1, 2])
    ),
    max_size=30,
)


@given(PIECES, LOOKS, st.sets(st.integers(1, 200 * MS), max_size=5), st.booleans())
def test_the_rows_of_each_state_add_up_to_its_time(
    pieces: list[tuple[int, int]], looks: list[tuple[int, int, int | None]], cuts: set[int], early: bool
) -> None:
    track = [number for piece in pieces for number in piece]
    whole = sum(track[1::2])
    found = ledger()
    told = [look(*seen) for seen in sorted(looks, key=lambda seen: seen[:2]) if seen[0] < whole]
    feed(found, *track, cut_at=[at for at in cuts if at < whole], looks=told, early=early)
    thread = summarise(found)["threads"][0]
    for state in STATES:
        parts = [row["total_s"] for row in thread["blocked"] if row["state"] == state]
        assert abs(sum(parts) - thread["shares"][state] * thread["observed_s"]) < 1e-9
        assert all(part >= 0 for part in parts)


def test_a_slice_is_told_with_the_stacks_that_were_read_in_it() -> None:
    found = Slice(0, 100 * MS, 200 * MS)
    found.feed(Names(0, functions=FUNCTIONS, stacks=STACKS))
    found.feed(Blocked([[150 * MS, 0, LOCK, 100 * MS, IN_JOURNAL, None], [160 * MS, 1, LOCK, 0, IDLE, None]]))
    found.feed(look(200 * MS, LOCK, IN_REQUEST))
    assert found.to_json() == {
        "looks": 1,
        "stacks": [
            {
                "looks": 1,
                "task": None,
                "frames": [
                    {"function": "write_journal", "file": "/srv/app.py", "line": 12},
                    {"function": "transfer", "file": "/srv/app.py", "line": 22},
                    {"function": "Thread.run", "file": LIBRARY, "line": 982},
                ],
            }
        ],
    }


def test_a_slice_tells_of_the_stacks_seen_most_first_and_counts_those_that_could_not_be_read() -> None:
    found = Slice(0, 0, SLICE)
    found.feed(Names(0, functions=FUNCTIONS, stacks=STACKS))
    for at_ms, stack in ((1, IDLE), (2, IN_REQUEST), (3, IN_REQUEST), (4, None)):
        found.feed(Stacks([[at_ms * MS, 0, 0, stack, 1, IN_HANDLER, 1]]))
    told = found.to_json()
    assert told["looks"] == 4
    leaves = [(stack["frames"][0]["function"], stack["looks"]) for stack in told["stacks"]]
    assert leaves == [("request", 2), ("_worker", 1)]
