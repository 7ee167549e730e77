"""Event loops: how late, which steps, whom to blame, and when that is a finding."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.findings.loops import event_loop_blocked
from app.analysis.ledger import Ledger
from app.analysis.sources import imports, to_blame
from app.analysis.summary import summarise
from app.model.frames import Frame, Loops, Names, Report
from app.model.states import IO, NATIVE, RUNNING, SLEEP, WAITING

S = 1_000_000
BASE = "/usr/lib/python3.12/asyncio/base_events.py"
FUNCTIONS = [
    [0, "sleep", "/usr/lib/python3.12/threading.py", 1],
    [1, "legacy_client", "/srv/app.py", 10],
    [2, "fetch_prices", "/srv/app.py", 20],
    [3, "BaseEventLoop._run_once", BASE, 1900],
    [4, "main", "/srv/app.py", 30],
    [5, "Client.get", "/venv/lib/python3.12/site-packages/client/api.py", 5],
    [6, "_find_and_load", "<frozen importlib._bootstrap>", 1],
    [7, "other", "/srv/other.py", 1],
    [8, "Hub.run", "/venv/lib/python3.12/site-packages/gevent/hub.py", 600],
]
STACKS = [
    [0, [0, 3, 1, 12, 2, 22, 3, 1987, 4, 31]],  # legacy_client sleeps
    [1, [5, 7, 3, 1987, 4, 31]],  # a package's own callback
    [2, [0, 3, 3, 1987, 4, 31]],  # a library's
    [3, [6, 1, 2, 24, 3, 1987, 4, 31]],  # an import
    [4, [7, 2, 2, 22, 3, 1987, 4, 31]],
    [5, [8, 647]],  # the hub itself
]


@pytest.fixture
def ledger(begin: Any) -> Ledger:
    made: Ledger = begin(2)
    made.feed(Names(0, functions=FUNCTIONS, stacks=STACKS))
    made.feed(Frame(0, 1, 1, 0, 0))
    made.feed(Loops(1, loops=[[0, "asyncio", True, True]]))
    return made


def step(
    start_us: int, length_us: int, stacks: list[int], over: bool = True, state: int = SLEEP
) -> list[Any]:
    return [0, start_us, length_us, state, "price-feed", over, stacks]


def row(ledger: Ledger) -> dict[str, Any]:
    [only] = summarise(ledger)["loops"]
    return only  # type: ignore[no-any-return]


def test_lag_is_over_time(ledger: Ledger) -> None:
    ledger.feed(Loops(S, lags=[[0, 900_000, 200_000, [10_000, 90_000, 150_000, 10_000]]]))
    found = row(ledger)
    assert found["observed_s"] == 1.0
    assert found["lag_s"] == {"p50": 0.0, "p99": 0.01, "max": 0.2}


def test_a_step_is_told_with_the_users_function_and_the_task(ledger: Ledger) -> None:
    ledger.feed(Loops(S, lags=[[0, S, 250_000, []]], steps=[step(500_000, 250_000, [0, 250_000])]))
    found = row(ledger)
    assert (found["tid"], found["kind"], found["steps"], found["tasks"]) == (100, "asyncio", "exact", "exact")
    where = {"function": "legacy_client", "file": "/srv/app.py", "line": 12}
    told = {"at_s": 0.5, "length_s": 0.25, "state": "sleep", "task": "price-feed"}
    assert found["longest"] == [{**told, **where}]
    [block] = found["blocks"]
    assert block == {
        **where,
        **{"task": "price-feed", "state": "sleep", "importing": False},
        **{"count": 1, "total_s": 0.25, "longest_s": 0.25},
    }


def test_the_function_that_took_most_of_a_step_is_blamed(ledger: Ledger) -> None:
    ledger.feed(Loops(S, lags=[[0, S, 0, []]], steps=[step(0, S, [4, 40_000, 0, 30_000, 0, 20_000])]))
    assert row(ledger)["longest"][0]["function"] == "legacy_client"


def test_a_step_that_goes_on_counts_once_with_its_newest_length(ledger: Ledger) -> None:
    ledger.feed(Loops(S, lags=[[0, S, 0, []]], steps=[step(0, 100_000, [0, 1], over=False)]))
    ledger.feed(Loops(2 * S, steps=[step(0, 300_000, [0, 1], over=False)]))
    for last in (step(0, 300_000, [0, 1], over=False), step(0, 300_000, [0, 1])):
        ledger.feed(Loops(3 * S, steps=[last]))
        found = row(ledger)
        assert [each["length_s"] for each in found["longest"]] == [0.3]
        assert found["blocks"][0]["count"] == 1
        assert found["lag_s"]["max"] == 0.3 or last[5]


def test_the_ten_longest_are_kept_and_all_are_counted(ledger: Ledger) -> None:
    steps = [step(n * S, 20_000 + n * 1000, [0, 1]) for n in range(30)]
    ledger.feed(Loops(40 * S, lags=[[0, S, 0, []]], steps=steps))
    found = row(ledger)
    assert [each["length_s"] for each in found["longest"]] == [(49 - n) / 1000 for n in range(10)]
    assert found["blocks"][0]["count"] == 30


def test_a_block_of_several_tasks_names_none(ledger: Ledger) -> None:
    several = [[0, n * S, 100_000, SLEEP, f"Task-{n}", True, [0, 1]] for n in range(3)]
    ledger.feed(Loops(9 * S, lags=[[0, S, 0, []]], steps=several))
    assert row(ledger)["blocks"][0]["task"] is None
    found = event_loop_blocked(summarise(ledger))
    assert found is not None
    assert "Task-" not in found.detail


def test_what_comes_after_the_measured_time_is_cut(ledger: Ledger) -> None:
    ledger.feed(Report(S, {"result": {}}))
    ledger.feed(Loops(S - 1, lags=[[0, S, 0, []]]))
    ledger.feed(
        Loops(3 * S, lags=[[0, S, 5 * S, []]], steps=[step(S - 50_000, S, [0, 1]), step(2 * S, S, [0, 1])])
    )
    found = row(ledger)
    assert found["observed_s"] == 1.0
    assert [each["length_s"] for each in found["longest"]] == [0.05]


def test_a_step_without_a_stack_names_nobody(ledger: Ledger) -> None:
    ledger.feed(Loops(S, lags=[[0, S, 0, []]], steps=[step(0, S, [])]))
    assert row(ledger)["longest"][0]["function"] is None


@pytest.mark.parametrize(
    ("stack", "place"), [(STACKS[0], 1), (STACKS[1], 0), (STACKS[2], 0), (STACKS[3], 1)], ids=str
)
def test_who_is_to_blame(stack: list[Any], place: int) -> None:
    assert to_blame([(FUNCTIONS[index][1], FUNCTIONS[index][2]) for index in stack[1][::2]]) == place


def test_a_users_function_is_to_blame_for_what_it_calls() -> None:
    socket, loop = ("recv", "/usr/lib/python3.12/socket.py"), ("BaseEventLoop._run_once", BASE)
    package, user = ("get", "/x/site-packages/requests/api.py"), ("view", "/srv/app.py")
    assert to_blame([socket, package, user, loop]) == 2
    assert to_blame([socket, package, loop, user]) == 1
    assert to_blame([("view.<locals>.<genexpr>", "/srv/app.py"), user, loop]) == 1
    assert imports(["/srv/app.py", "<frozen importlib._bootstrap>"])


@pytest.mark.parametrize(
    "leaf",
    [
        ("Runner.run", "/usr/lib/python3.12/asyncio/runners.py"),  # of uvloop's loop, which is in C
        ("Handle._run", "/usr/lib/python3.12/asyncio/events.py"),
        ("Hub.run", "/x/site-packages/gevent/hub.py"),
        ("unrolled_run", "/x/site-packages/trio/_core/_run.py"),
    ],
    ids=lambda leaf: leaf[0],
)
def test_a_loop_itself_is_never_to_blame(leaf: tuple[str, str]) -> None:
    assert to_blame([leaf, ("main", "/srv/app.py")]) is None


def test_what_a_callback_calls_of_its_loop_is_the_callback_s_doing() -> None:
    starts = ("BaseEventLoop.run_in_executor", BASE)
    wait = ("Condition.wait", "/usr/lib/python3.12/threading.py")
    user, loop = ("handle", "/srv/app.py"), ("Handle._run", "/usr/lib/python3.12/asyncio/events.py")
    assert to_blame([wait, starts, user, loop]) == 2
    assert to_blame([("BaseEventLoop.call_soon", BASE), user, loop]) == 1
    assert to_blame([("BaseEventLoop.call_soon", BASE), loop, ("main", "/srv/app.py")]) is None


# ---- the finding


def blocked(ledger: Ledger, *steps: list[Any], seconds: float = 10.0) -> Any:
    busy_us = sum(each[2] for each in steps)
    lags = [[0, int(seconds * S) - busy_us, max(each[2] for each in steps), [100_000, busy_us]]]
    ledger.feed(Loops(int(seconds * S), lags=lags, steps=list(steps)))
    return event_loop_blocked(summarise(ledger))


def test_it_names_the_function_the_task_and_what_to_do(ledger: Ledger) -> None:
    found = blocked(ledger, *(step(n * S, 250_000, [0, 1]) for n in range(8)))
    assert found.code == "event-loop-blocked"
    assert found.title == "legacy_client blocks the event loop"
    assert "task price-feed sleeps" in found.detail
    assert "8 times, 250 ms at most" in found.detail
    assert "asyncio.to_thread(legacy_client)" in found.advice
    assert found.evidence["line"] == 12


@pytest.mark.parametrize(
    ("state", "advice"),
    [(SLEEP, "asyncio.sleep"), (IO, "made for asyncio"), (RUNNING, "process pool"), (NATIVE, "to_thread")],
)
def test_the_advice_follows_from_what_the_function_does(ledger: Ledger, state: int, advice: str) -> None:
    found = blocked(ledger, *(step(n * S, 250_000, [0, 1], state=state) for n in range(8)))
    assert advice in found.advice


def test_a_function_that_waits_for_the_gil_is_not_what_blocks_the_loop(ledger: Ledger) -> None:
    found = blocked(ledger, *(step(n * S, 250_000, [0, 1], state=WAITING) for n in range(8)))
    assert found.title == "The event loop waits for the GIL, which other threads hold"
    assert "legacy_client" in found.detail
    assert "processes" in found.advice


def test_what_was_not_seen_is_said_to_be_so(ledger: Ledger) -> None:
    found = blocked(ledger, *(step(n * S, 250_000, [5, 250_000], state=NATIVE) for n in range(8)))
    assert found.title == "Something blocks the event loop"
    assert "was not seen" in found.detail
    assert "Hub" not in str(found)
    assert found.evidence["function"] is None
    assert "run delay" in found.advice


def test_a_function_that_was_seen_is_named_before_what_was_not(ledger: Ledger) -> None:
    unseen = [step(n * S, 400_000, [5, 400_000], state=NATIVE) for n in range(8)]
    found = blocked(ledger, *unseen, *(step(n * S + S // 2, 250_000, [0, 1]) for n in range(8)))
    assert found.title == "legacy_client blocks the event loop"
    found = blocked(ledger, *unseen, *unseen, *unseen, seconds=1000.0)
    assert found.evidence["function"] is None, "the seen is for too small a part of the time"


def test_a_loop_that_hangs_is_told_while_it_does(ledger: Ledger) -> None:
    assert blocked(ledger, step(S, 3 * S, [0, 1], over=False)) is not None


@pytest.mark.parametrize(
    "steps",
    [
        [step(0, 12_000, [0, 1])] * 200,  # many, but none is long
        [step(0, 60_000, [0, 1])] * 3,  # a bad moment
        [step(0, 900_000, [3, 1])],  # an application that a server imports in its loop
        [step(0, 200_000, [0, 1])],  # once
    ],
    ids=["short", "moment", "import", "once"],
)
def test_a_loop_that_is_all_right_is_not_found(ledger: Ledger, steps: list[Any]) -> None:
    assert blocked(ledger, *steps) is None


def test_without_a_loop_there_is_nothing_to_say(begin: Any) -> None:
    summary = summarise(begin())
    assert summary["loops"] == []
    assert event_loop_blocked(summary) is None
