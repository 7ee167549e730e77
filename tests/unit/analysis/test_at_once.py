"""Which of two runs did more at once, and what may be said of how it scales."""

from __future__ import annotations

from math import ceil
from typing import Any

import pytest
from support import recorded

from app.analysis.at_once import which_does_more
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.states import STATES
from app.model.summary import Summary


@pytest.fixture(scope="module")
def made() -> Summary:
    ledger = Ledger()
    for message in recorded.messages(seconds=2):
        ledger.feed(message)
    return summarise(ledger)


def run(made: Summary, cpus: float | None, **told: Any) -> Summary:
    """A run of two seconds that kept so many CPUs busy, with as many threads in each of these states."""
    states = told.get("states", {})
    gil = {**made["gils"][0], "held_share": told.get("held", 0.9), "waiters": states.get("waiting", 0.0)}
    thread = {**made["threads"][0], "observed_s": 2.0, "coverage": 1.0, "counted_s": 2.0}
    threads = [
        {
            **thread,
            "shares": dict.fromkeys(STATES, 0.0) | {state: min(1.0, mean - number)},
            "cpu_s": told.get("had", 1.0) * 2.0 * min(1.0, mean - number),
            "run_delay_s": (1 - told.get("had", 1.0)) * 2.0 * min(1.0, mean - number),
        }
        for state, mean in states.items()
        for number in range(ceil(mean))
    ]
    workload = {"ops_per_s": told["ops"]} if "ops" in told else None
    run = {**made["run"], "duration_s": told.get("lasted", 2.0), "workers": told.get("workers")}
    changed: Any = {"run": run, "gils": [gil], "threads": threads, "workload": workload, "cpu_share": cpus}
    processes: Any = [{**made["processes"][0], "cpus": 2}] * told.get("processes", 1)
    return {**made, **changed, "processes": processes}


def test_threads_that_take_turns_do_less_than_those_that_compute_outside_the_gil(made: Summary) -> None:
    turns = run(made, 1.0, states={"running": 1.0, "waiting": 2.9})
    outside = run(made, 1.93, held=0.02, states={"native": 1.9})
    found = which_does_more(turns, outside, only_workers_differ=False)
    assert found["more"] == "b"
    head, of_a, of_b, caveat = found["says"]
    assert head == "B does more at once: A had work for 1.00 CPUs at a time, B for 1.93."
    assert "In A the GIL was held for 90 % of the time, and 2.90 threads waited" in of_a
    assert "1.90 threads computed outside the GIL" in of_b
    assert "not what more threads would bring" in caveat
    assert (found["a"]["kind"], found["b"]["kind"]) == ("gil", "parallel")
    assert found["a"]["threads"]["waiting"] == pytest.approx(2.9)


def test_processes_are_said_to_be_what_was_at_once(made: Summary) -> None:
    found = which_does_more(run(made, 1.9, processes=3), run(made, 1.0), only_workers_differ=False)
    assert found["more"] == "a"
    assert found["says"][1] == "In A its work went on in 3 processes. It used all 2 CPUs that there are."
    assert found["says"][2] == "In B one thread at a time had work: hardly any waited for the GIL."


def test_of_a_run_that_waits_cpu_use_tells_nothing(made: Summary) -> None:
    waits = run(made, 0.1, held=0.05, states={"io": 7.5, "sleep": 1.0})
    found = which_does_more(waits, run(made, 1.9), only_workers_differ=False)
    assert found["more"] is None
    assert found["says"][0].startswith("CPU use does not tell which scales: A had work for 0.10 CPUs")
    assert "7.50 of its threads were waiting for I/O" in found["says"][1]


def test_alike_is_said_where_both_kept_as_many_busy(made: Summary) -> None:
    found = which_does_more(run(made, 1.0), run(made, 1.1), only_workers_differ=False)
    assert found["more"] == "alike"
    assert found["says"][0].startswith("Neither does more at once")


def test_a_busy_machine_hides_nothing_of_what_a_run_had_work_for(made: Summary) -> None:
    turns = run(made, 0.4, states={"running": 1.0, "waiting": 2.9})
    outside = run(made, 0.6, held=0.02, states={"native": 4.0}, had=0.15)
    found = which_does_more(turns, outside, only_workers_differ=False)
    assert found["more"] == "b"
    assert found["b"]["cpus_wanted"] == pytest.approx(4.0)
    assert found["says"][3].startswith("The machine was busy with other programs: A and B had less")


@pytest.mark.parametrize("how", [{"cpus": None}, {"cpus": 1.9, "lasted": 0.2}])
def test_too_little_seen_is_said(made: Summary, how: dict[str, Any]) -> None:
    found = which_does_more(run(made, **how), run(made, 1.0), only_workers_differ=False)
    assert found["says"] == ["Too little was seen of A to tell which does more at once."]
    assert found["more"] is None


@pytest.mark.parametrize(
    ("ops", "verdict"),
    [(105.0, "does not scale"), (200.0, "scales in part"), (390.0, "it scales here")],
)
def test_more_workers_of_one_workload_are_a_measure_of_scaling(
    made: Summary, ops: float, verdict: str
) -> None:
    one, four = run(made, 1.0, ops=100.0, workers=1), run(made, 1.0, ops=ops, workers=4)
    for pair in ((one, four), (four, one)):
        says = which_does_more(*pair, only_workers_differ=True)["says"]
        assert says[0].startswith("With 4 workers in place of 1 it did")
        assert verdict in says[0]
        assert not any("One run of each" in each for each in says)
    assert "operations" not in which_does_more(one, four, only_workers_differ=False)["says"][0]
