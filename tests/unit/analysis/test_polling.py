"""The rule on threads that ask again and again, on as much of a summary as it reads."""

from __future__ import annotations

from typing import Any, cast

import pytest

from app.analysis.findings import cores, gil, hazards, polling
from app.analysis.findings.polling import pollers, polls, threads_poll
from app.model.states import STATES

LIB = "/usr/lib/python3.14"
QUEUE, THREADING, APP = f"{LIB}/queue.py", f"{LIB}/threading.py", "/srv/app.py"
FUTURES, SUBPROCESS = f"{LIB}/concurrent/futures/_base.py", f"{LIB}/subprocess.py"

Row = dict[str, Any]
Frame = tuple[str, str, int]
WORK: Frame = ("work", APP, 7)
BASE, TASKS, EVENTS = (f"{LIB}/asyncio/{name}.py" for name in ("base_events", "tasks", "events"))
MAIN: Frame = ("main", APP, 6)
LOOP = {"pid": 1, "tid": 1, "kind": "asyncio"}
NOWAIT: tuple[Frame, ...] = (("Queue.get_nowait", QUEUE, 231), WORK)


def spent(
    state: str,
    total_s: float,
    *stack: Frame,
    count: int = 20,
    longest_s: float | None = 0.001,
    lock: bool = False,
) -> Row:
    (function, file, line), *by = stack
    row = {
        "state": state,
        "function": function,
        "file": file,
        "line": line,
        "callers": [[*each] for each in by],
    }
    return {**row, "total_s": total_s, "count": count, "longest_s": longest_s, "takes_lock": lock}


def thread(tid: int, *rows: Row, cpu_s: float = 5.0, wakes_hz: float = 0.0, **more: Any) -> Row:
    total_s = sum(row["total_s"] for row in rows)
    shares = {state: sum(r["total_s"] for r in rows if r["state"] == state) / total_s for state in STATES}
    seen = {"pid": 1, "tid": tid, "name": f"t{tid}", "observed_s": 10.0, "coverage": 1.0, "shares": shares}
    counted = {"counted_s": 10.0, "cpu_s": cpu_s, "run_delay_s": 0.0, "voluntary_switches": 10 * wakes_hz}
    return {**seen, **counted, "interpreter": 0, "blocked": list(rows), **more}


def told(*threads: Row) -> Any:
    summary: Any = {"threads": list(threads)}
    return threads_poll(summary)


def spins(tid: int, **more: Any) -> Row:
    return thread(
        tid,
        spent("running", 3.0, ("Queue.get", QUEUE, 191), *NOWAIT),
        spent("running", 2.0, ("Condition.__enter__", THREADING, 314), ("Queue.get", QUEUE, 191), *NOWAIT),
        spent("running", 2.0, ("work", APP, 9)),
        spent("waiting", 3.0, ("work", APP, 9)),
        **more,
    )


def sleeps(tid: int, *rows: Row, asks_s: float = 0.1, **more: Any) -> Row:
    more = {"cpu_s": 0.3, "wakes_hz": 3000.0, **more}
    return thread(
        tid,
        spent("sleep", 9.0, ("work", APP, 9)),
        spent("native", 0.8, ("work", APP, 9)),
        spent("running", asks_s, ("Queue.get", QUEUE, 196), *NOWAIT, count=5),
        spent("running", 0.1, ("work", APP, 8), count=5),
        *rows,
        **more,
    )


def waits(tid: int, *rows: Row, timed: bool = True, **more: Any) -> Row:
    wait = (("Condition.wait", THREADING, 373), ("Queue.get", QUEUE, 210), WORK)
    more = {"cpu_s": 0.3, "wakes_hz": 900.0, **more}
    return thread(
        tid,
        spent("lock", 9.7, *wait, lock=not timed),
        spent("running", 0.2, *wait),
        spent("running", 0.1, ("Queue.get", QUEUE, 209), WORK, count=8),
        *rows,
        **more,
    )


def test_threads_that_ask_an_empty_queue_without_a_pause_are_told_with_their_function_and_line() -> None:
    finding = told(spins(1), spins(2))
    assert finding.code == "threads-poll"
    assert finding.severity == "warning"
    assert finding.detail == (
        "2 threads of process 1 called Queue.get_nowait in work (line 7) again and again, nearly always in "
        "vain, without a pause: that was 100% of what their Python did, and took 1.00 CPUs."
    )
    place = {key: finding.evidence[key] for key in ("function", "file", "line", "asks", "threads")}
    assert place == {
        "function": "work",
        "file": APP,
        "line": 7,
        "asks": "Queue.get_nowait",
        "threads": ["t1", "t2"],
    }
    assert "`get()` without a timeout" in finding.advice


def test_those_that_sleep_in_between_are_told_by_what_they_cost() -> None:
    finding = told(*map(sleeps, (1, 2)))
    assert finding.severity == "notice"
    assert "in vain, and woke 3000 times a second each: that was 100% of" in finding.detail
    assert told(*(sleeps(tid, cpu_s=0.2) for tid in (1, 2))) is None


def test_waits_with_a_short_timeout_are_told_once_enough_was_seen() -> None:
    assert told(waits(1)) is None
    finding = told(*map(waits, (1, 2)))
    assert finding.evidence["asks"] == "Queue.get"
    assert finding.evidence["wakes_per_s"] == 900.0


def test_a_thread_in_which_no_look_fell_into_what_asks_counts_with_the_others() -> None:
    short = thread(3, spent("sleep", 9.9, ("work", APP, 9)), cpu_s=0.3, wakes_hz=3000.0)
    assert told(sleeps(1), sleeps(2), short).evidence["threads"] == ["t1", "t2", "t3"]
    elsewhere = thread(3, spent("sleep", 9.9, ("pause", APP, 30)), cpu_s=0.3, wakes_hz=3000.0)
    assert told(sleeps(1), sleeps(2), elsewhere).evidence["threads"] == ["t1", "t2"]


GIVES = (("Condition.notify", THREADING, 418), ("Queue.get", QUEUE, 214))


@pytest.mark.parametrize(
    "threads",
    [
        [
            thread(
                1,
                spent("running", 5.0, ("Queue.get", QUEUE, 191), *NOWAIT),
                spent("running", 2.0, *GIVES, *NOWAIT),
            )
        ],
        [sleeps(tid, spent("running", 0.05, *GIVES, *NOWAIT)) for tid in (1, 2)],
        [waits(tid, spent("running", 0.05, *GIVES, WORK)) for tid in (1, 2)],
        [
            *map(waits, (1, 2)),
            thread(3, spent("running", 0.1, *GIVES[:1], ("Queue.put", QUEUE, 175), ("produce", APP, 30))),
        ],
        [waits(tid, timed=False) for tid in (1, 2)],
        [waits(tid, wakes_hz=50.0) for tid in (1, 2)],
        [sleeps(tid, spent("running", 0.5, ("handle", APP, 40), WORK)) for tid in (1, 2)],
        [sleeps(tid, spent("io", 9.0, ("work", APP, 10))) for tid in (1, 2)],
        [thread(1, spent("running", 2.0, *NOWAIT), spent("running", 8.0, ("step", APP, 40), WORK))],
        [thread(1, spent("running", 5.0, ("Queue.get", "/srv/queue.py", 1), WORK))],
        [spins(1, coverage=0.3)],
        [],
    ],
    ids=[
        "it gets what it asks for",
        "it gets it between sleeps",
        "it gets it in time",
        "somebody puts",
        "no timeout",
        "a long timeout",
        "it works for each",
        "it waits for answers",
        "it looks at a queue of commands between its steps",
        "a queue of its own",
        "hardly seen",
        "nothing seen",
    ],
)
def test_what_only_resembles_it_is_not(threads: list[Row]) -> None:
    assert told(*threads) is None


def asks_flag(
    asks_s: float, *own: tuple[int, float], name: str = "Event.is_set", file: str = THREADING
) -> Row:
    rows = [spent("running", total_s, ("work", APP, line)) for line, total_s in own]
    return thread(1, spent("running", asks_s, (name, file, 617), WORK), *rows)


@pytest.mark.parametrize(
    ("name", "file", "instead"),
    [
        ("Event.is_set", THREADING, "`wait()`"),
        ("Future.done", FUTURES, "`concurrent.futures.wait()`"),
        ("Popen.poll", SUBPROCESS, "`wait()`"),
        ("Thread.is_alive", THREADING, "`join()`"),
    ],
)
def test_who_does_nothing_but_look_at_a_flag_is_told(name: str, file: str, instead: str) -> None:
    finding = told(asks_flag(4.0, (7, 5.0), (8, 1.0), name=name, file=file))
    assert instead in finding.advice
    assert finding.title == "A thread asks again and again instead of waiting"


def test_who_looks_at_a_flag_between_steps_is_not() -> None:
    assert told(asks_flag(2.0, (7, 5.0), (8, 3.0))) is None
    assert told(asks_flag(1.0, (7, 9.0))) is None


def test_a_generator_expression_is_a_part_of_the_function_around_it() -> None:
    part: Frame = ("work.<locals>.<genexpr>", APP, 7)
    done = spent("running", 4.0, ("Future.done", FUTURES, 400), part, WORK)
    finding = told(thread(1, done, spent("running", 5.0, part, WORK)))
    assert finding.evidence["function"] == "work"


def test_an_event_that_others_set_is_waited_for_with_a_reason() -> None:
    sets = thread(2, spent("running", 1.5, ("Event.set", THREADING, 600), ("other", APP, 30)))
    assert told(asks_flag(4.0, (7, 5.0)), sets) is None


def test_of_what_has_no_file_name_is_told_only_what_is_known() -> None:
    """`exec(compile(source, "", "exec"))`"""
    nameless = spent("running", 0.3, ("<module>", "", 2), ("main", APP, 3))
    loop: Any = {"threads": [comes_round(nameless), spins(2)], "loops": [LOOP]}
    assert [poll.asks for poll in polls(loop)] == ["Queue.get_nowait", "asyncio.sleep(0)"]


def test_a_queue_of_multiprocessing_shows_too_little_to_tell_whether_it_was_empty() -> None:
    """What it reads and loads has no frame, so one that always gets something looks like one that asks."""
    of_processes = f"{LIB}/multiprocessing/queues.py"
    rows = [spent("running", 6.0, ("Queue.get", of_processes, 100), WORK), spent("running", 1.0, WORK)]
    assert told(thread(1, *rows)) is None


@pytest.mark.parametrize(("name", "instead"), [("Queue.empty", "`join()`"), ("Queue.qsize", "`maxsize`")])
def test_who_asks_how_full_a_queue_is_need_not_take_from_it(name: str, instead: str) -> None:
    finding = told(thread(1, spent("running", 6.0, (name, QUEUE, 100), WORK)))
    assert instead in finding.advice


def test_a_worker_of_a_cluster_is_named_by_the_pid_that_its_machine_knows() -> None:
    rows = [thread(1, spent("running", 6.0, *NOWAIT), pid=20_000_077)]
    assert "of process 77 called" in told(*rows).detail


def test_all_rules_share_what_was_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    summary: Any = {"threads": [spins(1)]}
    looks: list[Any] = []
    find = polling._find
    monkeypatch.setattr(polling, "_find", lambda of: looks.append(of) or find(of))
    with polling.found_once(summary):
        assert pollers(summary) == {(1, 1)}
        assert threads_poll(summary) is not None
        assert pollers(cast(Any, {"threads": []})) == set()  # another one
    assert len(looks) == 2
    assert pollers(summary) == {(1, 1)}
    assert len(looks) == 3


def test_who_polls_does_no_work_to_any_other_rule() -> None:
    lengths = {"count": 100, "cut": 0, "p50_s": 0.005, "p95_s": 0.005, "max_s": 0.005, "histogram": []}
    rows = [spins(tid, gil_hold=lengths, gil_wait=lengths, gil_kept=lengths) for tid in (1, 2, 3)]
    lock = {"pid": 1, "interpreter": 0, "held_share": 1.0, "contended_share": 0.95, "waiters": 2.0}
    lock |= {"coverage": 1.0, "switches_per_s": 200.0}
    process = {
        "pid": 1,
        "gil_enabled": True,
        "cpus": 2.0,
        "cpu_s": 9.0,
        "counted_s": 10.0,
        "thread_pools": [],
    }
    target = {"free_threaded": False, "switch_interval_s": 0.005}
    summary: Any = {
        "threads": rows,
        "gils": [lock],
        "processes": [process],
        "target": target,
        "workload": None,
    }
    assert pollers(summary) == {(1, 1), (1, 2), (1, 3)}
    assert gil.saturated(summary) is None
    process["gil_enabled"], summary["gils"] = False, []
    target["free_threaded"] = True
    assert cores.free_threads(summary) is None
    assert hazards.lock_contention(summary) is None
    for row in rows:
        row["blocked"] = [spent("running", 7.0, ("compute", APP, 3))]
    assert cores.free_threads(summary) is not None
    summary["gils"], target["free_threaded"] = [lock], False
    assert gil.saturated(summary) is not None


def naps(tid: int, *rows: Row, wakes_hz: float = 3000.0, cpu_s: float = 2.0) -> Row:
    """One that looks at a flag, and sleeps for next to nothing."""
    return thread(
        tid,
        spent("sleep", 6.0, ("work", APP, 9), count=200),
        spent("native", 3.0, ("work", APP, 9)),
        spent("running", 0.2, ("work", APP, 8), count=3),
        *rows,
        cpu_s=cpu_s,
        wakes_hz=wakes_hz,
    )


def test_who_does_nothing_but_sleep_for_moments_is_told_with_the_line_and_what_it_costs() -> None:
    found = told(naps(1), naps(2))
    assert found.severity == "notice"
    assert "2 threads of process 1 called time.sleep() in work (line 9) again and again" in found.detail
    assert "woke 3000 times a second each" in found.detail
    assert "took 0.40 CPUs" in found.detail
    assert "in vain" not in found.detail
    assert "threading.Event" in found.advice


@pytest.mark.parametrize(
    "row",
    [
        naps(1, wakes_hz=950.0),  # a clock
        naps(1, cpu_s=0.3),
        naps(1, spent("running", 0.3, ("step", APP, 20), WORK)),
        naps(1, spent("native", 1.0, ("work", APP, 7))),  # C code in another line
        naps(1, spent("sleep", 2.0, ("other", APP, 30))),
        naps(1, spent("waiting", 20.0, ("work", APP, 9))),
        naps(1, spent("io", 20.0, ("work", APP, 7))),
    ],
)
def test_who_does_something_else_between_short_sleeps_is_not(row: Row) -> None:
    assert told(row) is None


def comes_round(*rows: Row, yields_s: float = 0.5) -> Row:
    """A loop that is kept awake by a task of its own."""
    return thread(
        1,
        spent("running", 6.0, ("BaseEventLoop._run_once", BASE, 2000)),
        spent("running", yields_s, ("sleep", TASKS, 700), MAIN),
        spent("running", 0.5, MAIN),
        *rows,
    )


def test_a_loop_that_a_task_keeps_awake_is_told_with_the_line_that_yields() -> None:
    loop: Any = {"threads": [comes_round()], "loops": [LOOP]}
    finding = threads_poll(loop)
    assert finding is not None
    assert "called asyncio.sleep(0) in main (line 6) again and again, without a pause: that" in finding.detail
    assert finding.advice.startswith("Each `await asyncio.sleep(0)` has the loop come round at once")


@pytest.mark.parametrize(
    "row",
    [
        comes_round(spent("running", 3.0, ("compute", APP, 30), MAIN)),
        comes_round(spent("running", 3.0, ("read", f"{LIB}/asyncio/selector_events.py", 30))),
        comes_round(spent("io", 3.0, ("EpollSelector.select", f"{LIB}/selectors.py", 450))),
        comes_round(yields_s=0.1),
        comes_round(
            spent("running", 0.5, ("BaseEventLoop.call_at", BASE, 800), ("sleep", TASKS, 710), MAIN),
            spent(
                "running", 0.5, ("TimerHandle.__lt__", EVENTS, 160), ("BaseEventLoop._run_once", BASE, 2000)
            ),
        ),
        thread(1, spent("running", 3.0, ("sleep", TASKS, 710), MAIN), spent("running", 3.0, MAIN)),
        comes_round(spent("running", 3.0, ("main", "", 30))),
    ],
    ids=[
        "its tasks compute",
        "it serves",
        "it rests",
        "it hardly yields",
        "its tasks sleep for a time",
        "a loop that is no Python",
        "code without a file name",
    ],
)
def test_a_loop_that_works_or_rests_is_not(row: Row) -> None:
    loop: Any = {"threads": [row], "loops": [LOOP]}
    assert threads_poll(loop) is None
