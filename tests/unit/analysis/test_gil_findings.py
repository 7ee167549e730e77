"""The rules on the GIL, on summaries of which only the part that they read is there."""

from __future__ import annotations

from typing import Any

from app.analysis.findings import cores, idle
from app.model.states import STATES


def summary(
    observed_s: float, threads: int = 1, cpu_s: float = 0.3, coverage: float = 1.0, **shares: float
) -> dict[str, Any]:
    """A process with a GIL that is hardly held, and threads that block ten times a second."""
    thread = {
        **{
            "pid": 1,
            "tid": 1,
            "interpreter": 0,
            "counted_s": observed_s,
            "voluntary_switches": 10 * observed_s,
        },
        **{"observed_s": observed_s, "cpu_s": cpu_s, "shares": {**dict.fromkeys(STATES, 0.0), **shares}},
        "coverage": 1 - shares.get("unknown", 0.0),
        **{"run_delay_s": 0.0, "blocked": []},
    }
    gil = {"pid": 1, "interpreter": 0, "held_share": 0.02, "coverage": coverage}
    gil |= {"contended_share": 0.0, "waiters": 0.0}
    process = {"pid": 1, "counted_s": observed_s, "cpu_s": cpu_s * threads, "cpus": 4.0, "thread_pools": []}
    return {
        **{"gils": [gil], "threads": [thread] * threads, "processes": [process], "workload": None},
        "loops": [],
    }


def test_a_thread_is_judged_by_the_time_in_which_it_was_seen() -> None:
    assert idle.idle(summary(3.0, io=0.9, running=0.1)) is not None
    assert idle.idle(summary(3.0, io=0.54, running=0.06, unknown=0.4)) is not None
    assert idle.idle(summary(3.0, io=0.15, lock=0.45, unknown=0.4)) is None


def test_one_that_was_hardly_seen_is_not_judged() -> None:
    assert idle.idle(summary(3.0, io=0.05, unknown=0.95)) is None
    assert idle.idle(summary(3.0, unknown=1.0)) is None


def test_what_was_seen_for_less_than_half_of_its_time_is_not_judged() -> None:
    assert idle.idle(summary(30.0, io=0.55, unknown=0.45)) is not None
    assert idle.idle(summary(30.0, io=0.45, unknown=0.55)) is None
    assert idle.idle(summary(30.0, io=0.9, coverage=0.55)) is not None
    assert idle.idle(summary(30.0, io=0.9, coverage=0.45)) is None


def test_threads_that_wait_for_a_core_on_their_way_to_the_lock_do_not_compute_without_it() -> None:
    assert cores.parallel(summary(3.0, threads=2, cpu_s=2.9, native=0.9, running=0.05)) is not None
    assert cores.parallel(summary(3.0, threads=4, cpu_s=1.2, native=0.6, running=0.1)) is not None
    assert cores.parallel(summary(3.0, threads=4, cpu_s=1.2, native=0.6, running=0.3)) is None
    assert cores.parallel(summary(3.0, threads=1, cpu_s=2.9, native=0.9, running=0.05)) is None


def test_threads_that_let_go_for_moments_between_two_waits_do_not_compute_without_the_lock() -> None:
    told = summary(6.0, threads=4, cpu_s=1.4, native=0.7, sleep=0.26, running=0.03)
    told["threads"][0]["run_delay_s"] = 3.0  # all four are one row
    assert cores.parallel(told) is not None
    told["threads"][0]["voluntary_switches"] = 60_000  # time.sleep(0): 23 us from one to the next
    assert cores.parallel(told) is None
    told["processes"][0]["cpus"] = 0.5
    assert cores.oversubscribed(told) is None
    told["threads"][0]["voluntary_switches"] = 6_000
    assert cores.oversubscribed(told) is not None
