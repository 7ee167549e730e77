"""What the figures of a run answer: in the run's own numbers, and never one that it did not give."""

from __future__ import annotations

from typing import Any

import pytest
from support import recorded

from app.analysis.answer import answered
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.summary import Summary
from app.workloads.catalogue import QUESTIONS


@pytest.fixture(scope="module")
def made() -> Summary:
    ledger = Ledger()
    for message in recorded.messages(seconds=2):
        ledger.feed(message)
    return summarise(ledger)


def changed(made: Summary, **told: Any) -> Summary:
    return {**made, **told}  # type: ignore[typeddict-item]


def test_who_holds_the_gil_is_told_by_the_lock_that_was_held_most(made: Summary) -> None:
    idle = {**made["gils"][0], "held_share": 0.01, "contended_share": 0.0}
    busy = {**made["gils"][0], "held_share": 0.97, "contended_share": 0.42, "switches_per_s": 196.0}
    says = answered("gil", changed(made, gils=[idle, busy]))["says"]
    held = "The busiest of 2 GILs was held for 97 % of the time; for 42 % of the time another thread waited"
    assert f"{held} for it." in says
    assert "Switches from one thread to another: 196/s." in says


def test_of_a_build_without_a_gil_no_share_of_one_is_told(made: Summary) -> None:
    free = changed(made, gils=[], target={**made["target"], "gil_enabled": False})
    answer = answered("gil", free)
    assert answer["says"][0] == "This build has no GIL: nobody holds it, and nobody waits for it."
    assert not any("held for" in said for said in answer["says"])


def test_a_figure_that_the_run_did_not_give_is_said_to_be_missing_and_why(made: Summary) -> None:
    unread = changed(
        made, gils=[], capabilities={**made["capabilities"], "why": {"gil": "the process could not be read"}}
    )
    answer = answered("gil", unread)
    assert answer["says"] == []
    assert answer["missing"] == [
        "This run did not tell for how long the GIL was held. The process could not be read."
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_of_a_run_that_gave_nothing_no_answer_has_a_number(made: Summary, question: str) -> None:
    nothing: dict[str, Any] = {
        "gils": [],
        "threads": [],
        "loops": [],
        "memory": [],
        "heap": None,
        "workload": None,
        "cpu_share": None,
        "memory_peak": {"rss": None, "uss": None, "pss": None},
        "findings": [],
        "sampling": {**made["sampling"], "coverage": None},
    }
    answer = answered(question, changed(made, **nothing))
    assert answer["says"] == answer["reported"] == answer["found"] == []
    assert answer["missing"]
    assert not any(letter.isdigit() for sentence in answer["missing"] for letter in sentence)


def test_what_the_workload_showed_and_what_was_found_is_passed_on(made: Summary) -> None:
    workload = {"ops_per_s": 1234.0, "op": "one countdown", "showed": ["400 of 800 were lost."]}
    finding = {**dict.fromkeys(("detail", "advice", "doc"), ""), "evidence": {}}
    finding |= {"code": "lost-updates", "severity": "warning", "title": "Updates were lost"}
    answer = answered("work", changed(made, workload=workload, findings=[finding], cpu_share=1.02))
    assert answer["says"][:2] == [
        "Operations: 1,234/s, each of them one countdown.",
        "It used 1.02 CPUs on average.",
    ]
    assert answer["reported"] == ["400 of 800 were lost."]
    assert answer["found"] == [{"code": "lost-updates", "severity": "warning", "title": "Updates were lost"}]


def test_of_a_run_of_which_little_was_seen_that_is_said_once(made: Summary) -> None:
    finding = {"code": "observation-thin", "severity": "warning", "title": "Only 60 % of the time was seen"}
    thin = changed(made, sampling={**made["sampling"], "coverage": 0.6}, findings=[finding])
    assert answered("gil", thin)["found"] == []
    assert answered("gil", thin)["says"][-1] == "Only 60 % of the time was seen: shares are of that part."


def test_how_late_a_loop_was_is_told_of_the_worst_with_its_longest_step(made: Summary) -> None:
    step = {"length_s": 0.15, "function": "handle", "task": "Task-3", "state": "sleep", "at_s": 1.0}
    rows = [
        {"name": "main", "lag_s": {"p50": 0.001, "p99": 0.002, "max": 0.003}, "longest": []},
        {"name": "other", "lag_s": {"p50": 0.04, "p99": 0.149, "max": 0.15}, "longest": [step]},
    ]
    says = answered("loop", changed(made, loops=rows))["says"]
    assert any("the loop in other would have run 40 ms late" in said for said in says)
    assert "The longest step of the task `Task-3` kept all others waiting for 150 ms in `handle`." in says


def test_memory_is_told_at_its_highest_and_by_its_growth(made: Summary) -> None:
    growth = {"bytes_per_s": 10 << 20, "bytes_from": 20 << 20, "bytes_to": 120 << 20}
    heap = [{"bytes_used": 1 << 20, "peak": {"bytes_used": 90 << 20}}]
    told = changed(
        made, memory=[{"growth": growth}], heap=heap, memory_peak={"rss": 120 << 20, "uss": None, "pss": None}
    )
    assert answered("memory", told)["says"] == [
        "RSS was 120 MiB at its highest.",
        "Python's objects took 90 MiB of it at most, and 1 MiB when last read.",
        "What a process alone has written to grew by 10 MiB a second, from 20 MiB to 120 MiB.",
    ]


def test_an_answer_of_a_run_that_goes_on_says_so(made: Summary) -> None:
    assert answered("gil", changed(made, run={**made["run"], "state": "running"}))["so_far"]
    assert not answered("gil", changed(made, run={**made["run"], "state": "finished"}))["so_far"]
