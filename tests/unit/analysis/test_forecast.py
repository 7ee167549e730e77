"""What is foretold of a run: from summaries of which the answer is known, and from records replayed."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.forecast.capacity import lock_throughput, shared_cpus
from app.analysis.forecast.choices import forecast
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.states import STATES

PID = 7
SECONDS = 4.0


def thread(name: str, *, cpu_s: float | None = None, **shares: float) -> dict[str, Any]:
    """One that was seen all the time; what is runnable was on a CPU unless told otherwise."""
    told = {**dict.fromkeys(STATES, 0.0), **shares}
    on_cpu = (told["running"] + told["native"]) * SECONDS if cpu_s is None else cpu_s
    row = {"pid": PID, "tid": 1, "name": name, "interpreter": 0, "observed_s": SECONDS, "coverage": 1.0}
    return {**row, "shares": told, "counted_s": SECONDS, "cpu_s": on_cpu, "run_delay_s": 0.0}


def run(*threads: dict[str, Any], cpus: float | None = 2.0, **target: Any) -> dict[str, Any]:
    told = summarise(Ledger())
    held = sum(row["shares"]["running"] for row in threads)
    lock = {"pid": PID, "interpreter": 0, "coverage": 1.0, "held_share": held, "contended_share": 0.0}
    lock["switches_per_s"] = 0.0
    return {
        **told,
        "run": {**told["run"], "duration_s": SECONDS},
        "target": {
            **told["target"],
            "python": "3.14.0",
            "free_threaded": False,
            "gil_enabled": True,
            **target,
        },
        "gils": [lock],
        "threads": list(threads),
        "processes": [{"pid": PID, "cpus": cpus}],
        "memory": [{"uss": 50 << 20}],
        "heap": None,
    }


def test_a_lock_that_is_held_beside_another_makes_nothing_serial() -> None:
    told = run(thread("a", running=0.9))
    assert forecast(told)["serial_share"] == pytest.approx(0.9)
    second = {**told["gils"][0], "interpreter": 1}
    assert forecast({**told, "gils": [told["gils"][0], second]})["serial_share"] == 0.0
    second["held_share"] = 0.2
    assert forecast({**told, "gils": [told["gils"][0], second]})["serial_share"] == pytest.approx(0.7)


def row_of(summary: dict[str, Any], choice: str, **known: float) -> Any:
    (row,) = [row for row in forecast(summary, **known)["rows"] if row["choice"] == choice]  # type: ignore[arg-type]
    return row


def middle(summary: dict[str, Any], choice: str, **known: float) -> float:
    return row_of(summary, choice, **known)["throughput"]["middle"]


TAKES_TURNS = {"running": 0.5, "waiting": 0.5}


def test_two_threads_that_take_turns_do_twice_as_much_on_two_cpus() -> None:
    told = run(*(thread(f"worker-{n}", **TAKES_TURNS) for n in range(2)))
    assert middle(told, "processes") == pytest.approx(2.0)
    assert 1.5 < middle(told, "free-threading") < 2.0
    band = row_of(told, "processes")["throughput"]
    assert band["low"] < 1.7 < 2.0 <= band["high"]


def test_no_more_is_done_than_there_are_cpus() -> None:
    told = run(*(thread(f"worker-{n}", running=0.125, waiting=0.875) for n in range(8)))
    assert middle(told, "processes") == pytest.approx(2.0)
    assert middle({**told, "processes": [{"pid": PID, "cpus": 8.0}]}, "processes") == pytest.approx(8.0)


def test_what_a_second_cpu_was_measured_to_add_bounds_the_gain() -> None:
    told = run(*(thread(f"worker-{n}", **TAKES_TURNS) for n in range(2)))
    assert middle(told, "processes", cpu_worth=0.3) == pytest.approx(1.3)


def test_a_program_that_sleeps_gains_nothing_but_by_more_threads() -> None:
    told = run(*(thread(f"worker-{n}", running=0.04, sleep=0.96) for n in range(4)))
    assert middle(told, "processes") == pytest.approx(1.0)
    assert middle(told, "thread-more") == pytest.approx(1.25, abs=0.03)
    assert middle(told, "thread-fewer") == pytest.approx(0.75, abs=0.03)
    assert "lasts as long" in " ".join(row_of(told, "processes")["assumptions"])


def test_one_thread_more_gains_nothing_where_the_lock_is_full() -> None:
    told = run(*(thread(f"worker-{n}", **TAKES_TURNS) for n in range(2)))
    assert middle(told, "thread-more") == pytest.approx(1.0, abs=0.02)
    assert middle(told, "thread-fewer") == pytest.approx(1.0, abs=0.02)


def test_one_thread_alone_is_slower_without_a_gil_and_gains_nothing_apart() -> None:
    told = run(thread("main", running=1.0), python="3.13.0")
    assert middle(told, "free-threading") < 0.85
    assert middle(told, "processes") == pytest.approx(1.0)
    assert row_of(told, "thread-fewer")["why_not"] is not None


def test_threads_that_wait_for_a_lock_of_their_own_are_served_no_sooner_by_one_more() -> None:
    told = run(*(thread(f"worker-{n}", running=0.1, lock=0.9) for n in range(4)))
    assert row_of(told, "thread-more")["throughput"]["low"] < 1.0


def test_a_poll_between_computing_threads_gains_most_and_says_so_in_its_group() -> None:
    told = run(thread("compute-1", running=0.94, waiting=0.06), thread("poll-1", running=0.03, waiting=0.97))
    groups = {group["name"]: group for group in row_of(told, "free-threading")["groups"]}
    assert groups["poll"]["throughput"]["middle"] > 10 * groups["compute"]["throughput"]["middle"]


def test_other_programs_go_on_taking_what_they_took() -> None:
    told = run(*(thread(f"worker-{n}", running=0.5, waiting=0.5, cpu_s=1.0) for n in range(2)))
    assert middle(told, "processes") == pytest.approx(2.0)
    assert "Other programs had the CPUs for 50 %" in " ".join(row_of(told, "processes")["assumptions"])


def test_threads_that_queue_for_each_others_cpu_gain_nothing_apart() -> None:
    told = run(*(thread(f"worker-{n}", native=1.0, cpu_s=1.0) for n in range(8)))
    assert middle(told, "processes") == pytest.approx(1.0)


def test_what_forced_hand_overs_cost_is_saved_without_a_gil() -> None:
    told = run(*(thread(f"worker-{n}", **TAKES_TURNS) for n in range(2)))
    told["gils"] = [{**told["gils"][0], "contended_share": 1.0, "switches_per_s": 5_000.0}]
    assert middle(told, "processes") == pytest.approx(2.0 / 0.94, abs=0.01)  # 200 a second of 0.3 ms


def test_the_kernels_own_time_counts_where_samples_missed_some() -> None:
    told = run(*(thread(f"worker-{n}", running=0.25, sleep=0.75, cpu_s=2.0) for n in range(2)))
    assert forecast(told)["cpus_used"] == pytest.approx(1.0)  # type: ignore[arg-type]
    assert middle(told, "processes") == pytest.approx(1.0)


def test_nothing_is_foretold_without_grounds() -> None:
    idle = forecast(run(thread("main", sleep=1.0)))  # type: ignore[arg-type]
    assert (idle["rows"], bool(idle["why_not"])) == ([], True)
    unknown = forecast(run(thread("main", running=1.0), cpus=None))  # type: ignore[arg-type]
    assert (unknown["rows"], bool(unknown["why_not"])) == ([], True)
    free = run(thread("main", running=1.0), free_threaded=True, gil_enabled=False)
    free["gils"] = []
    assert row_of(free, "free-threading")["throughput"] is None


def test_a_process_for_each_costs_memory() -> None:
    told = run(*(thread(f"worker-{n}", **TAKES_TURNS) for n in range(2)))
    assert row_of(told, "processes")["memory"] == {"low": 16 << 20, "high": 100 << 20}
    assert row_of(told, "free-threading")["memory"] is None


def test_cpus_go_first_to_those_that_want_little() -> None:
    assert shared_cpus([(1.0, 0.0), (0.1, 0.9)], 2) == pytest.approx([1.0, 1.0])
    assert shared_cpus([(1.0, 0.0), (1.0, 0.0), (0.1, 0.9)], 1.1) == pytest.approx([0.5, 0.5, 1.0])


@pytest.mark.parametrize("threads", [1, 2, 5, 40])
def test_a_lock_serves_one_at_a_time(threads: int) -> None:
    assert lock_throughput(threads, 0.5, 0.0) == (pytest.approx(2.0), pytest.approx(2.0))
    chance, even = lock_throughput(threads, 0.0, 0.5)
    assert (chance, even) == (pytest.approx(threads * 2.0), pytest.approx(threads * 2.0))


def test_chance_makes_threads_wait_before_the_lock_is_full() -> None:
    chance, even = lock_throughput(2, 1.0, 1.0)
    assert even == pytest.approx(1.0)
    assert chance == pytest.approx(2 / 2.5)  # each waits for half a hold: exact MVA, by hand
