"""What an event loop shows: who is held up, and by whom."""

from __future__ import annotations

import pytest
from support.by_hand import run
from support.interpreters import PROMISED, name

BRIEF = ("--seconds", "0.8")
on_each = pytest.mark.parametrize("python", [found.path for found in PROMISED], ids=[*map(name, PROMISED)])


@on_each
def test_tasks_that_yield_share_the_turns_evenly(python: str) -> None:
    result = run("async-yield", *BRIEF, python=python)
    assert max(result["ops_by_worker"]) - min(result["ops_by_worker"]) <= 1
    assert result["loop_lag_ms"]["count"] > 0


@pytest.mark.serial
def test_the_lag_follows_the_slice() -> None:
    short, long = (run("async-yield", *BRIEF, slice_ms=each)["loop_lag_ms"]["p50"] for each in (0.5, 10.0))
    assert long > 4 * short


@pytest.mark.serial
@on_each
@pytest.mark.parametrize("where", ["loop", "to_thread", "to_process"])
def test_a_blocking_call_holds_up_the_loop_only_where_it_is_made_in_it(python: str, where: str) -> None:
    result = run("async-blocking", *BRIEF, python=python, where=where)
    assert result["calls"] > 1
    if where == "loop":
        assert result["loop_lag_ms"]["max"] >= 140
    else:
        assert result["loop_lag_ms"]["p99"] < 50
        assert result["loop_lag_ms"]["count"] > 20


@pytest.mark.parametrize("server", ["blocking", "threads", "selector", "asyncio"])
def test_every_server_echoes(server: str) -> None:
    result = run("echo-server", "--seconds", "0.6", server=server, clients=3)
    assert result["clients_served"] >= 1
    answers = result["first_answer_ms"]["count"] + result["latency_ms"]["count"]
    # A message that was echoed as the run ended may not have been seen to come back.
    assert answers <= result["ops"] <= answers + 3


def test_a_blocking_server_lets_all_but_one_wait() -> None:
    blocking, threads = (run("echo-server", *BRIEF, server=each) for each in ("blocking", "threads"))
    assert blocking["first_answer_ms"]["p50"] > 4 * threads["first_answer_ms"]["p50"]


@pytest.mark.serial
@on_each
def test_a_write_in_the_loop_breaks_the_deadline_and_one_in_a_thread_does_not(python: str) -> None:
    in_loop, in_threads = (
        run("async-download", "--seconds", "2", python=python, write=each) for each in ("loop", "to_thread")
    )
    files = in_loop["in_time"] + in_loop["too_late"] + in_loop["cut_off"]
    assert files == 6 * in_loop["batches"] > 0
    assert in_loop["in_time"] <= 4 * in_loop["batches"], "by then there was time for three writes"
    assert in_loop["loop_lag_ms"]["max"] >= 70
    assert in_threads["in_time"] == 6 * in_threads["batches"] > 0
    assert in_threads["over_ms"]["count"] == 0
    assert in_threads["loop_lag_ms"]["p99"] < 50
