"""The rules together: none raises on any summary, and each says what the rows in front of it mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.findings import RULES, cores, findings, gil, idle, stuck, switched
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.findings import SEVERITIES
from app.model.states import STATES

PID = 7
SECONDS = 4.0
EMPTY: dict[str, Any] = {"count": 0, "cut": 0, "cut_longest_s": None, "histogram": []}
NONE = {**EMPTY, **dict.fromkeys(("p50_s", "p95_s", "p99_s", "max_s"))}


def lengths(count: int, each_s: float, *more: list[float | None]) -> dict[str, Any]:
    """So many runs of one length, as a row tells of them; `more` are steps of a histogram above it."""
    steps: list[list[float | None]] = [[each_s, count], *more]
    longest = max(upper or 0.0 for upper, _ in steps)
    total = int(sum(number or 0 for _, number in steps))
    told = {"p50_s": each_s, "p95_s": longest, "p99_s": longest, "max_s": longest}
    return {**EMPTY, **told, "count": total, "histogram": steps}


def thread(name: str, tid: int = 1, **row: Any) -> dict[str, Any]:
    """A thread that was seen all the time; `shares` are those that are not 0."""
    shares = {**dict.fromkeys(STATES, 0.0), **row.pop("shares", {})}
    return {
        **{"pid": PID, "tid": tid, "name": name, "interpreter": 0, "observed_s": SECONDS, "coverage": 1.0},
        **{"shares": shares, "counted_s": SECONDS, "cpu_s": 0.0, "run_delay_s": 0.0, "blocked": []},
        **{"voluntary_switches": 0, "involuntary_switches": 0, "gil_wait": NONE, "gil_hold": NONE},
        **{"gil_kept": NONE, **row},
    }


def summary(*threads: dict[str, Any], free_threaded: bool = False, **more: Any) -> dict[str, Any]:
    """A run with these threads."""
    told = summarise(Ledger())
    held = sum((row["shares"]["running"] or 0) + (row["shares"]["stalled"] or 0) for row in threads)
    lock = {"pid": PID, "interpreter": 0, "coverage": 1.0, "held_share": held, "switches": 800}
    lock = {**lock, "switches_per_s": 200.0, "contended_share": 0.95, "waiters": 2.0}
    process = {"pid": PID, "python": "3.13.0", "free_threaded": free_threaded, "gil_enabled": True}
    process = {**process, "counted_s": SECONDS, "cpu_s": 0.0, "cpus": 2.0, "thread_pools": []}
    process = {**process, "host": None, "worker": None}
    told["target"] = {**told["target"], "pid": PID, "free_threaded": free_threaded}
    told["target"]["switch_interval_s"] = 0.005
    return {**told, "gils": [lock], "threads": list(threads), "processes": [process], **more}


def codes(told: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in findings(told)]


TAKES_TURNS = {"shares": {"running": 0.5, "waiting": 0.5}, "gil_hold": lengths(200, 0.005)}
COMPUTES = {"shares": {"running": 0.96, "waiting": 0.04}, "gil_hold": lengths(700, 0.005)}
POLLS = {
    "shares": {"running": 0.005, "waiting": 0.95},
    "gil_hold": lengths(2, 0.001),
    "gil_wait": lengths(300, 0.012),
    "voluntary_switches": 4000,
}


def test_threads_that_compute_and_take_turns_saturate_the_lock() -> None:
    found = gil.saturated(summary(thread("a", 1, **TAKES_TURNS), thread("b", 2, **TAKES_TURNS)))
    assert found is not None
    assert "2 threads that compute took turns" in found.detail
    assert "free-threaded build" in found.advice


def test_a_thread_without_a_cpu_on_its_way_back_to_the_lock_wants_it_too() -> None:
    shares = {"running": 0.42, "waiting": 0.34, "native": 0.24}
    busy = {**TAKES_TURNS, "shares": shares, "cpu_s": 1.0}
    told = summary(*(thread("digest", n, run_delay_s=1.0, **busy) for n in range(2)))
    told["gils"][0] |= {"held_share": 0.98, "contended_share": 0.68}
    found = gil.saturated(told)
    assert found is not None
    assert "For up to 30% more one was on its way back to it, without a CPU." in found.detail
    told = summary(*(thread("digest", n, run_delay_s=0.1, **busy) for n in range(2)))
    told["gils"][0] |= {"held_share": 0.98, "contended_share": 0.68}
    assert gil.saturated(told) is None, "it computes without the lock meanwhile"


def test_a_free_threaded_build_is_not_told_to_use_one() -> None:
    rows = thread("a", 1, **TAKES_TURNS), thread("b", 2, **TAKES_TURNS)
    found = gil.saturated(summary(*rows, free_threaded=True))
    assert found is not None
    assert "free-threaded build" not in found.advice
    assert "GIL off" in found.advice


def test_threads_that_compute_under_a_lock_are_told_to_hold_that_for_less_first() -> None:
    at_lock = {"state": "lock", "function": "step", "file": "/srv/app.py", "line": 6, "callers": []}
    at_lock |= {"total_s": 1.2, "count": 30, "longest_s": 0.1, "takes_lock": True}
    busy = {**TAKES_TURNS, "shares": {"running": 0.35, "waiting": 0.35, "lock": 0.3}}
    told = summary(*(thread("step", n, blocked=[at_lock], **busy) for n in (1, 2, 3)))
    found = gil.saturated(told)
    assert found is not None
    assert "They were blocked at a lock too, 30% of their time, most in step." in found.detail
    assert found.advice.startswith("First hold that lock for less")
    assert "with or without a GIL" in found.advice
    for row in told["threads"]:
        row["blocked"] = [{**at_lock, "takes_lock": False}]  # a queue
    found = gil.saturated(told)
    assert found is not None
    assert "lock too" not in found.detail
    assert found.advice.startswith("Move the computing")


def test_who_needs_the_lock_for_moments_takes_no_turns() -> None:
    told = summary(thread("compute", 1, **COMPUTES), *(thread(f"poll {n}", 2 + n, **POLLS) for n in range(4)))
    assert gil.saturated(told) is None
    found = gil.convoy(told)
    assert found is not None
    assert found.evidence["computing_threads"] == 1
    assert found.evidence["name"].startswith("poll")


def test_where_the_lock_never_changes_hands_nobody_takes_turns() -> None:
    told = summary(thread("a", 1, **TAKES_TURNS), thread("b", 2, **TAKES_TURNS))
    told["gils"][0]["switches_per_s"] = 0.5
    assert gil.saturated(told) is None


def test_a_thread_that_sleeps_with_the_lock_does_not_compute() -> None:
    sleeps = thread("a", 1, shares={"stalled": 0.9, "running": 0.02}, gil_hold=lengths(2, 1.8))
    computes = thread("b", 2, shares={"running": 0.08, "waiting": 0.9}, gil_hold=lengths(60, 0.005))
    row = {"pid": PID, "tid": 1, "function": "nap", "file": "a.py", "line": 3, "length_s": 1.8}
    told = summary(sleeps, computes, longest_holds=[row])
    assert gil.saturated(told) is None
    found = gil.stalled_holder(told)
    assert found is not None
    assert "in nap" in found.detail
    assert found.evidence["function"] == "nap"


def test_long_holds_are_told_by_their_number_and_the_longest_though_most_are_short() -> None:
    holds = lengths(4000, 0.0001, [0.1, 5], [0.2, 40])
    holds["max_s"] = 0.198
    answers = thread("answer", 2, shares={"waiting": 0.8}, gil_wait=lengths(40, 0.15))
    validates = {"shares": {"running": 0.9}, "gil_hold": holds}
    found = gil.long_hold(summary(thread("validate", 1, gil_kept=holds, **validates), answers))
    assert found is not None
    assert "40 times for 100 ms or more while others waited, 198 ms the longest" in found.detail
    # Nobody wanted the lock for so long.
    assert (
        gil.long_hold(summary(thread("validate", 1, gil_kept=lengths(40, 0.01), **validates), answers))
        is None
    )
    # The holder was put aside by the machine.
    delayed = thread("validate", 1, gil_kept=holds, cpu_s=0.5, run_delay_s=3.4, **validates)
    assert gil.long_hold(summary(delayed, answers)) is None
    # All are long: the histogram begins with their step.
    whole = {**holds, "histogram": [[0.2, 40]]}
    assert gil.long_hold(summary(thread("validate", 1, gil_kept=whole, **validates), answers)) is not None
    # At an interval of a tenth of a millisecond ten of them are no longer than a sample.
    brief = lengths(870, 0.001, [0.002, 480])
    told = summary(thread("validate", 1, gil_kept=brief, **validates), answers)
    told["target"]["switch_interval_s"] = 0.0001
    assert gil.long_hold(told) is not None
    told["sampling"]["gil_hz"] = 1000.0
    assert gil.long_hold(told) is None
    # It was the collector.
    pauses = {"pauses": {"total_s": 3.5, "max_s": 0.2}}
    told = summary(thread("validate", 1, gil_kept=holds, **validates), answers)
    told["gc"] = [{"pid": PID, "interpreter": 0, **pauses}]
    assert gil.long_hold(told) is None


WAITS = {"voluntary_switches": 100}


@pytest.mark.parametrize(("state", "advice"), [("io", "asyncio"), ("sleep", "polls")])
def test_the_advice_for_an_idle_lock_follows_from_what_is_waited_for(state: str, advice: str) -> None:
    row = {
        "state": state,
        "function": "fetch",
        "file": "/srv/app.py",
        "line": 7,
        "callers": [],
        "total_s": 3.0,
    }
    told = summary(thread("a", 1, shares={state: 0.95, "running": 0.02}, blocked=[row], **WAITS))
    found = idle.idle(told)
    assert found is not None
    assert "most in fetch" in found.detail
    assert advice in found.advice


QUERY, WEB, THREADING = (
    ["query", "/srv/app.py", 3],
    ["web", "/srv/app.py", 9],
    "/usr/lib/python3.13/threading.py",
)
ANSWERS: dict[str, Any] = {
    "state": "io",
    "function": "query",
    "file": "/srv/app.py",
    "line": 7,
    "total_s": 3.0,
}
ANSWERS = {**ANSWERS, "callers": [WEB], "takes_lock": False}
FETCHES = {"shares": {"io": 0.95, "running": 0.02}, "blocked": [ANSWERS], **WAITS}


def in_line(*callers: list[Any], function: str = "Condition.wait", file: str = THREADING, **row: Any) -> Any:
    """A thread that is blocked at a lock in this place."""
    where = {"function": function, "file": file, "line": 7, "callers": [*callers]}
    place = {"state": "lock", **where, "takes_lock": True}
    return {"shares": {"lock": 0.95}, "blocked": [{**place, "total_s": 3.8, **row}]}


@pytest.mark.parametrize(
    ("place", "at"),
    [
        (in_line(["Semaphore.acquire", THREADING, 5], QUERY, WEB), "in Semaphore.acquire"),
        (in_line(WEB, function="query", file="/srv/app.py"), "at a lock"),
    ],
)
def test_threads_that_stand_in_line_behind_those_that_wait_are_not_advised_to_be_more(
    place: Any, at: str
) -> None:
    lines = [thread("web", tid, **place) for tid in (2, 3, 4)]
    found = idle.idle(summary(thread("web", 1, **FETCHES), *lines))
    assert found is not None
    assert f"3 threads stand in line behind others that run query, {at}, until one of those" in found.detail
    assert found.evidence["threads_in_line"] == 3
    assert found.advice.startswith("More such threads would only stand in line")


@pytest.mark.parametrize(
    "place",
    [
        in_line(["Queue.get", "/usr/lib/python3.13/queue.py", 5], WEB),  # a worker that has no job
        in_line(["Semaphore.acquire", THREADING, 5], ["store", "/srv/app.py", 30]),  # does something else
        in_line(["Queue.put", "/usr/lib/python3.13/queue.py", 5], QUERY, WEB),  # it is held back
        in_line(["Event.wait", THREADING, 5], QUERY, WEB),  # an alarm clock
        in_line(WEB, function="query", file="/srv/app.py", takes_lock=False),
        in_line(function="_worker", file="/usr/lib/python3.13/concurrent/futures/thread.py"),
    ],
)
def test_threads_that_wait_for_a_job_or_for_time_stand_in_no_line(place: Any) -> None:
    found = idle.idle(summary(thread("web", 1, **FETCHES), thread("web", 2, **place)))
    assert found is not None
    assert "in line" not in found.detail
    assert found.advice.startswith("To wait for more at once, use more threads or asyncio")


@pytest.mark.parametrize(
    ("kind", "starts"), [("asyncio", "asyncio.gather"), ("uvloop", "TaskGroup"), ("gevent", "gevent.spawn")]
)
def test_an_event_loop_that_waits_is_not_advised_threads_or_asyncio(kind: str, starts: str) -> None:
    told = summary(thread("main", 1, **FETCHES), loops=[{"pid": PID, "tid": 1, "kind": kind, "blocks": []}])
    found = idle.idle(told)
    assert found is not None
    assert "and the event loop of one thread spent most of it in system calls" in found.detail
    assert found.advice.startswith("An event loop waits for many at once, so more threads or processes")
    assert starts in found.advice
    told["threads"].append(thread("fetch", 2, **FETCHES))
    mixed = idle.idle(told)
    assert mixed is not None
    assert mixed.advice.startswith("To wait for more at once, use more threads or asyncio")


def test_an_idle_lock_is_no_news_of_a_program_that_computes_elsewhere_or_is_stuck() -> None:
    waits = thread("a", 1, shares={"sleep": 0.95, "running": 0.02}, **WAITS)
    assert codes(summary(waits)) == ["gil-idle"]
    told = summary(waits)
    told["processes"].append({**told["processes"][0], "pid": 8, "cpu_s": 3.5})
    assert codes(told) == []
    assert codes(summary(waits, stuck=[at_lock("a", "f"), at_lock("b", "g")])) == ["threads-stuck"]
    waiting = {"p50": 9, "max": 9, "growth_per_s": 0.0}
    pool = {"pid": PID, "name": "a", "kind": "executor", "workers": 4, "looks": 20, "observed_s": 5.0}
    pool = {**pool, "full_share": 1.0, "busy_share": 1.0, "waiting": waiting, "begun_per_s": 1.0}
    for states in ({"sleep": 1.0}, {"lock": 1.0}):
        assert codes(summary(waits, pools=[{**pool, "states": states}])) == ["pool-full"]


NATIVE = {"shares": {"native": 0.95}}


def test_threads_with_a_core_each_are_parallel() -> None:
    found = cores.parallel(summary(*(thread("a", n, cpu_s=3.8, **NATIVE) for n in range(2))))
    assert found is not None
    assert found.evidence["cores"] == pytest.approx(1.9)


def test_more_threads_than_cpus_stand_in_the_run_queue() -> None:
    rows = [thread("query", n, cpu_s=0.95, run_delay_s=3.05, **NATIVE) for n in range(4)]
    told = summary(*rows)
    told["processes"][0]["cpus"] = 1.0
    assert codes(told) == ["cpu-oversubscribed"]
    found = cores.oversubscribed(told)
    assert found is not None
    assert "wanted 4.0 CPUs at a time and had 0.9" in found.detail
    assert "sched_getaffinity" in found.advice


def test_where_other_programs_have_the_cpus_the_threads_are_not_too_many() -> None:
    busy = {"cpu_s": 0.2, "run_delay_s": 2.8, "shares": {"native": 0.75, "sleep": 0.25}}
    assert codes(summary(*(thread("callback", n, **busy) for n in range(4)))) == []


def test_who_sleeps_for_moments_is_not_parallel_though_samples_find_it_awake() -> None:
    polls = {"cpu_s": 0.43, "run_delay_s": 1.45, "shares": {"native": 0.82, "running": 0.04, "sleep": 0.12}}
    assert codes(summary(*(thread("poll", n, **polls) for n in range(4)))) == []


def test_a_pool_of_a_c_library_is_named_with_what_bounds_it() -> None:
    rows = [thread("train", n, cpu_s=2.0, run_delay_s=1.5, **NATIVE) for n in range(2)]
    pool = [
        thread("python3", 10 + n, cpu_s=1.0, run_delay_s=2.5, **{**NATIVE, "interpreter": None})
        for n in range(4)
    ]
    told = summary(*rows, *pool)
    told["processes"][0]["thread_pools"] = ["OpenBLAS", "GNU OpenMP"]
    found = cores.oversubscribed(told)
    assert found is not None
    assert "4 of them are threads of a C library of OpenBLAS and GNU OpenMP" in found.detail
    assert "OPENBLAS_NUM_THREADS=1" in found.advice
    assert "OMP_NUM_THREADS=1" in found.advice


def test_callers_of_a_pool_that_wait_for_it_by_turns_are_too_many_with_its_threads() -> None:
    """Two threads of Python call OpenBLAS on two CPUs, and its own thread spins beside them."""
    train = {"cpu_s": 1.0, "run_delay_s": 1.7, "shares": {"native": 0.67, "lock": 0.32}}
    spins = {"cpu_s": 1.7, "run_delay_s": 2.2, "shares": {"native": 0.97}, "interpreter": None}
    told = summary(thread("train-0", 1, **train), thread("train-1", 2, **train), thread("python", 3, **spins))
    told["processes"][0]["thread_pools"] = ["OpenBLAS"]
    assert codes(told) == ["cpu-oversubscribed"]
    waits = {"cpu_s": 0.44, "run_delay_s": 0.8, "shares": {"native": 0.25, "lock": 0.74}}
    gets_on = {"cpu_s": 1.44, "run_delay_s": 1.75, "shares": {"native": 0.84, "lock": 0.14}}
    uneven = summary(thread("a", 1, **gets_on), thread("b", 2, **waits), thread("python", 3, **spins))
    uneven["processes"][0]["thread_pools"] = ["OpenBLAS"]
    assert codes(uneven) == ["cpu-oversubscribed"], "one of them waits for the other most of the time"
    told["processes"][0]["cpus"] = 4.0
    assert codes(told) == [], "there is a CPU for each"
    told["processes"][0] |= {"cpus": 2.0, "thread_pools": []}
    assert "cpu-oversubscribed" not in codes(told)


def test_threads_without_a_gil_that_ran_at_once_are_counted() -> None:
    rows = [thread("w", n, cpu_s=1.9, run_delay_s=2.1, shares={"running": 0.98}) for n in range(4)]
    told = summary(*rows, free_threaded=True)
    assert cores.free_threads(told) is None, "its GIL is on"
    told["processes"][0]["gil_enabled"] = False
    told["gils"] = []
    found = cores.free_threads(told)
    assert found is not None
    assert (
        "4 threads of process 7 computed, and had 1.9 CPUs between them of 4.0 that they wanted; it may use 2"
        in found.detail
    )


def test_without_a_gil_who_looks_in_for_moments_does_not_compute() -> None:
    computes = thread("compute", 1, cpu_s=2.0, run_delay_s=2.0, shares={"running": 0.98})
    polls = {"cpu_s": 0.2, "run_delay_s": 1.8, "shares": {"running": 0.6, "sleep": 0.3}}
    told = summary(computes, *(thread("poll", 2 + n, **polls) for n in range(4)), free_threaded=True)
    told["processes"][0]["gil_enabled"], told["gils"] = False, []
    assert cores.free_threads(told) is None
    told["threads"].append(thread("also", 9, cpu_s=1.0, run_delay_s=3.0, shares={"running": 0.98}))
    assert cores.free_threads(told) is not None


def at_lock(name: str, *functions: str, **row: Any) -> dict[str, Any]:
    """A thread that stands still at a lock."""
    stack = [{"function": each, "file": "/app/shop.py", "line": 10 + at} for at, each in enumerate(functions)]
    return {
        **{"pid": PID, "tid": hash(name), "name": name, "interpreter": 0, "at_s": 0.5, "length_s": 3.0},
        **{"from_the_start": False, "threads_there": 5, "takes_lock": True, "stack": stack, **row},
    }


def test_two_threads_at_two_locks_are_told_with_their_functions() -> None:
    told = summary(stuck=[at_lock("transfer", "write_journal", "transfer"), at_lock("b", "read_accounts")])
    told["stuck"][1]["stack"][0]["line"] = 40
    found = stuck.threads_stuck(told)
    assert found is not None
    assert found.evidence["kind"] == "order"
    assert "transfer in write_journal (line 10, called by transfer)" in found.detail
    assert "b in read_accounts (line 40)" in found.detail


def test_threads_that_wait_for_one_lock_are_told_after_a_while() -> None:
    there = [at_lock("a", "emit", length_s=1.9), at_lock("b", "emit", length_s=1.0)]
    assert stuck.threads_stuck(summary(stuck=there)) is None
    there[0]["length_s"] = 2.1
    found = stuck.threads_stuck(summary(stuck=there))
    assert found is not None
    assert found.evidence["kind"] == "one place"
    assert "wake: a and b in emit" in found.detail


def test_who_is_passed_by_at_a_lock_is_not_told_that_nobody_lets_go_of_it() -> None:
    there = [at_lock("a", "fetch", length_s=3.6)]
    place = {"state": "lock", "file": "/app/shop.py", "function": "fetch", "line": 10, "total_s": 1.0}
    found = stuck.threads_stuck(summary(thread("b", 1, blocked=[place]), stuck=there))
    assert found is not None
    assert (found.evidence["kind"], found.severity) == ("passed by", "warning")
    assert "not fair" in found.detail
    elsewhere = [{**place, "line": 40}, {**place, "state": "sleep"}, {**place, "total_s": 0.4}]
    found = stuck.threads_stuck(summary(thread("b", 1, blocked=elsewhere), stuck=there))
    assert found is not None
    assert (found.evidence["kind"], found.severity) == ("one place", "critical")


def test_many_threads_at_one_lock_are_counted() -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    found = stuck.threads_stuck(summary(stuck=[at_lock(name, "emit", length_s=2.1) for name in names]))
    assert found is not None
    assert "a and 5 others in emit" in found.detail
    few = stuck.threads_stuck(summary(stuck=[at_lock(name, "emit", length_s=2.1) for name in names[:3]]))
    assert few is not None
    assert "a, b and c in emit" in few.detail


def test_a_child_with_one_thread_waits_for_what_nobody_holds() -> None:
    row = at_lock("main", "send", threads_there=1, from_the_start=True)
    family = [{"pid": 1, "parent": None}, {"pid": PID, "parent": 1}]
    found = stuck.threads_stuck(summary(stuck=[row], memory=family))
    assert found is not None
    assert found.evidence["kind"] == "forked"
    found = stuck.threads_stuck(summary(stuck=[row], memory=family[1:]))
    assert found is not None
    assert found.evidence["kind"] == "alone"
    assert "One thread of process 7 has waited" in found.detail


def frames(*places: str) -> list[dict[str, Any]]:
    """A stack, leaf first: "file: function"."""
    pairs = (place.rsplit(": ", 1) for place in places)
    return [{"function": function, "file": file, "line": 3} for file, function in pairs]


IMPORTS = "<frozen importlib._bootstrap>: "
THREADING, FUTURES = "/usr/lib/python3.13/threading.py: ", "/usr/lib/python3.13/concurrent/futures/"
IMPORTING = at_lock("a", takes_lock=False, stack=frames(IMPORTS + "_ModuleLock.acquire", "/a.py: use"))


def test_a_thread_in_the_import_lock_is_told_though_its_line_cannot_be_read() -> None:
    imports = at_lock(
        "b",
        length_s=0.5,
        takes_lock=False,
        stack=frames(THREADING + "Thread.join", IMPORTS + "_load_unlocked"),
    )
    found = stuck.threads_stuck(summary(stuck=[IMPORTING, imports]))
    assert found is not None
    assert found.evidence["kind"] == "import"


def test_who_waits_for_an_import_that_takes_its_time_is_not_stuck() -> None:
    chain = at_lock("b", takes_lock=False, stack=[*IMPORTING["stack"], *frames(IMPORTS + "_load_unlocked")])
    found = stuck.threads_stuck(summary(stuck=[IMPORTING, chain]))
    assert found is not None
    assert (found.severity, found.evidence["kind"]) == ("warning", "slow import")
    assert stuck.threads_stuck(summary(stuck=[{**IMPORTING, "length_s": 1.9}])) is None


def in_result(name: str, *callers: str, **row: Any) -> dict[str, Any]:
    """A thread that waits for a future."""
    leaves = (THREADING + "Condition.wait", FUTURES + "_base.py: Future.result")
    return at_lock(name, stack=frames(*leaves, *callers), threads_there=3, **row)


def standstill() -> list[dict[str, Any]]:
    """Both workers of a pool wait for tasks that they gave it, and the main thread for them."""
    task = ("/app/shop.py: parent", FUTURES + "thread.py: _WorkItem.run", FUTURES + "thread.py: _worker")
    return [
        in_result("main", "/app/shop.py: <listcomp>", "/app/shop.py: <module>", tid=PID),
        in_result("w0", *task),
        in_result("w1", *task),
    ]


def test_a_process_of_which_each_thread_waits_for_another_stands_still() -> None:
    found = stuck.threads_stuck(summary(stuck=standstill()))
    assert found is not None
    assert found.evidence["kind"] == "standstill"
    assert "w0 and w1 in Future.result (line 3, called by parent" in found.detail
    assert "main in Future.result (line 3, called by <listcomp>, <module>)" in found.detail


@pytest.mark.parametrize(
    "others",
    [
        {"threads_there": 4},  # another thread does something
        {"length_s": 1.9},
        {"takes_lock": False},  # it gives up after a timeout, or another process can wake it
        {"stack": None},
        {
            "stack": frames(THREADING + "Condition.wait", THREADING + "Event.wait")
        },  # a signal's handler sets it
        {"stack": frames(THREADING + "Condition.wait", "/usr/lib/python3.13/queue.py: Queue.get")},
    ],
)
def test_what_may_be_woken_does_not_stand_still(others: dict[str, Any]) -> None:
    main, *workers = standstill()
    assert stuck.threads_stuck(summary(stuck=[{**main, **others}, *workers])) is None


def test_workers_that_have_nothing_to_do_stand_still_but_are_not_to_blame() -> None:
    idle = at_lock("w0", stack=frames(FUTURES + "thread.py: _worker"), takes_lock=False, threads_there=2)
    main = {**standstill()[0], "threads_there": 2}
    found = stuck.threads_stuck(summary(stuck=[main, idle]))
    assert found is not None
    assert [each["name"] for each in found.evidence["threads"]] == ["main"]


@pytest.mark.parametrize(
    "row",
    [
        at_lock("unread", stack=None),
        at_lock("SimpleQueue.get()", "work", takes_lock=False),
        *(
            at_lock("idle", stack=[{"function": "wait", "file": f"/usr/lib/python3.12{file}", "line": 355}])
            for file in ("/threading.py", "/queue.py", "/concurrent/futures/thread.py")
        ),
        at_lock("worker", stack=[{"function": "get", "file": "/py/multiprocessing/queues.py", "line": 99}]),
        at_lock(
            "gevent's pool",
            stack=[
                {"function": function, "file": "/site-packages/gevent/_threading.py", "line": line}
                for function, line in (
                    ("acquire_with_timeout", 36),
                    ("_Condition.wait", 83),
                    ("Queue.get", 201),
                )
            ],
        ),
    ],
    ids=lambda row: row["name"],
)
def test_who_waits_for_work_is_not_stuck(row: dict[str, Any]) -> None:
    assert stuck.threads_stuck(summary(stuck=[row])) is None


def test_a_gil_that_was_switched_on_is_told_with_its_import() -> None:
    row = {"pid": PID, "at_s": 3.25, "by": "oldext in <module> (app.py:12)"}
    found = switched.gil_switched_on(summary(gils_switched_on=[row]))
    assert found is not None
    assert "At 3.25 s its GIL was switched on by the import of oldext in <module> (app.py:12)" in found.detail


SHARE = st.floats(0, 1)
TIME = st.none() | st.floats(0, 100)


@st.composite
def any_lengths(draw: st.DrawFn) -> dict[str, Any]:
    uppers = sorted(draw(st.sets(st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0]))))
    steps: list[list[float | None]] = [[upper, draw(st.integers(0, 1000))] for upper in uppers]
    if draw(st.booleans()):
        steps.append([None, draw(st.integers(1, 9))])
    if not steps:
        return {**NONE, "cut": draw(st.integers(0, 3)), "cut_longest_s": draw(TIME)}
    told = sorted(draw(st.floats(0, 100)) for _ in range(4))
    figures = dict(zip(("p50_s", "p95_s", "p99_s", "max_s"), told, strict=True))
    count = int(sum(number or 0 for _, number in steps))
    return {
        "count": count,
        "cut": draw(st.integers(0, 3)),
        "cut_longest_s": draw(TIME),
        **figures,
        "histogram": steps,
    }


@st.composite
def any_thread(draw: st.DrawFn) -> dict[str, Any]:
    parts = [draw(SHARE) for _ in STATES]
    known = draw(st.booleans()) and sum(parts) > 0
    shares = {state: part / sum(parts) if known else None for state, part in zip(STATES, parts, strict=True)}
    counted = draw(st.booleans())
    numbers = ("cpu_s", "run_delay_s", "voluntary_switches", "involuntary_switches")
    return thread(
        "t",
        draw(st.integers(1, 5)),
        pid=draw(st.sampled_from([PID, 8])),
        interpreter=draw(st.none() | st.integers(0, 1)),
        observed_s=draw(st.floats(0, 100)),
        coverage=draw(st.none() | SHARE),
        shares={},
        gil_wait=draw(any_lengths()),
        gil_hold=draw(any_lengths()),
        gil_kept=draw(any_lengths()),
        counted_s=draw(st.floats(0, 100)) if counted else None,
        **{number: draw(TIME) if counted else None for number in numbers},
    ) | {"shares": shares}


@st.composite
def any_summary(draw: st.DrawFn) -> dict[str, Any]:
    told = summary(*draw(st.lists(any_thread(), max_size=5)), free_threaded=draw(st.booleans()))
    shares = {name: draw(SHARE) for name in ("held_share", "contended_share")}
    rates = {
        "switches_per_s": draw(TIME),
        "waiters": draw(st.floats(0, 9)),
        "coverage": draw(st.none() | SHARE),
    }
    told["gils"][0].update(shares, **rates)
    if draw(st.booleans()):
        told["gils"] = [{**told["gils"][0], "held_share": None, "contended_share": None}]
    told["processes"][0].update(
        counted_s=draw(TIME),
        cpus=draw(st.none() | st.floats(0.1, 64)),
        gil_enabled=draw(st.none() | st.booleans()),
        thread_pools=draw(st.lists(st.sampled_from(["OpenBLAS", "TBB", "another"]), max_size=2)),
    )
    if draw(st.booleans()):
        told["processes"] = []
    told["target"]["switch_interval_s"] = draw(st.none() | st.floats(1e-6, 1))
    told["stuck"] = [
        at_lock(f"t{at}", *names, length_s=draw(st.floats(0, 9)), takes_lock=draw(st.booleans()))
        for at, names in enumerate(draw(st.lists(st.lists(st.sampled_from("fgh"), max_size=3), max_size=4)))
    ]
    return told


@settings(deadline=None, max_examples=150)
@given(any_summary())
def test_no_rule_raises_and_what_is_told_is_whole(told: dict[str, Any]) -> None:
    for found in findings(told):
        assert found["severity"] in SEVERITIES
        assert found["title"]
        assert found["detail"].endswith(".")
        assert found["advice"].endswith(".")
        assert "None" not in found["detail"]


def test_every_rule_says_nothing_of_an_empty_run() -> None:
    empty = summarise(Ledger())
    assert [rule(empty) for rule in RULES] == [None] * len(RULES)
