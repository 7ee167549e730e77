"""Programs like those that people have trouble with: what is found of each on each interpreter, and no more.

The programs are those of docs/cases/programs/findings, whose heads declare what is due.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3
from support.observing import ROOT, observing

from app.analysis.summary import judge
from app.model.commands import Stop
from app.model.frames import Counters, Event, Frame
from app.model.spec import Start

sys.path.insert(0, str(ROOT / "tools"))
import findings as page

LEAST_US = 1_500_000  # what is wrong would have been told by then
LIMIT_US = 30_000_000  # what is slow to show takes half of it where the machine is left alone
PROGRAMS = [each for each in page.programs() if not each.workload and not each.needs]
# Those whose rule rests on what each version tells in its own way, and no other test asks of each: who waits
# for the GIL, and the functions that take an import's lock or look at an Event. Elsewhere one version proves
# the rule.
BY_VERSION = {
    *("pollers", "many_idle_threads", "long_and_short_holds"),
    *("imports_in_threads", "spins_on_an_event"),
}


# Without a GIL it is told whether threads want a CPU at once: a share of their time. Those that poll or wake
# each millisecond, or of which there are hundreds, have another one beside programs that take their CPUs: a
# poller that stood in the run queue finds there what it would have slept for, and of five hundred threads too
# little is seen.
MANY = "many_idle_threads"
MOMENTS = "polls_a_queue"  # its threads run for moments, of which a busy machine shows too few
SHARES = {"pollers", MANY, "long_and_short_holds"}


def found_in(
    python: str, name: str, due: Iterable[str], variables: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], list[Event], int]:
    """The findings by code, the events, and how long it took: it ends as soon as what is due is told."""
    path = str(page.PROGRAMS / f"{name}.py")
    environment = {"PATH": os.environ["PATH"], **(variables or {})}
    with observing(Start([python, path], environment)) as observation:
        at_us = 0
        for message in observation:
            if isinstance(message, Frame):
                at_us = message.end_us
            if isinstance(message, Counters) and at_us >= LEAST_US:
                told = {finding["code"] for finding in judge(observation.ledger)}
                if told >= set(due) or at_us >= LIMIT_US:
                    break
        told = {finding["code"]: finding for finding in judge(observation.ledger)}
        events = observation.of(Event)
        observation.send(Stop())
        observation.finish()
    return told, events, at_us


def check(python: str, program: page.Program, free: bool) -> dict[str, Any]:
    due, may = program.expected(free)
    told, _, _ = found_in(python, program.name, due)
    assert due <= set(told)
    wrong = {code: told[code]["detail"] for code in set(told) - due - may}
    assert not wrong
    for code in due:
        assert told[code]["advice"].endswith(".")
    return told


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(each, id=each.name, marks=[pytest.mark.serial] if each.name == MOMENTS else [])
        for each in PROGRAMS
        if not each.only_free and each.name not in BY_VERSION
    ],
)
def test_what_is_due_is_told_and_nothing_else(gil_any_python: str, program: page.Program) -> None:
    check(gil_any_python, program, free=False)


@pytest.mark.parametrize(
    "program",
    [
        # To look at five hundred threads takes a part of a CPU that another test would want.
        pytest.param(each, id=each.name, marks=[pytest.mark.serial] if each.name == MANY else [])
        for each in PROGRAMS
        if each.name in BY_VERSION
    ],
)
def test_what_is_due_is_told_and_nothing_else_by_each_version(gil_python: str, program: page.Program) -> None:
    check(gil_python, program, free=False)


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(each, id=each.name, marks=[pytest.mark.serial] if each.name in SHARES else [])
        for each in PROGRAMS
        if each.free_due != each.due
    ],
)
def test_without_a_gil_what_is_due_is_told_and_nothing_else(
    free_threaded_python: str, program: page.Program
) -> None:
    check(free_threaded_python, program, free=True)


@pytest.mark.serial
def test_a_lock_order_is_told_with_both_functions_within_two_seconds(gil_python: str) -> None:
    told, _, at_us = found_in(gil_python, "lock_order", ["threads-stuck"])
    stuck = told["threads-stuck"]
    leaves = {(thread["name"], thread["stack"][0]["function"]) for thread in stuck["evidence"]["threads"]}
    assert leaves == {("transfer", "write_journal"), ("compact", "read_accounts")}
    assert at_us < stuck["evidence"]["since_s"] * 1e6 + 2_000_000
    assert "write_journal" in stuck["detail"]


def test_a_forked_child_is_told_with_the_function_that_waits(gil_python: str) -> None:
    told, _, _ = found_in(gil_python, "forked_with_a_lock", ["threads-stuck"])
    assert told["threads-stuck"]["evidence"]["kind"] == "forked"
    assert told["threads-stuck"]["evidence"]["threads"][0]["stack"][0]["function"] == "send_metrics"


def test_a_gil_that_is_switched_on_is_told_with_the_import(free_threaded_python: str) -> None:
    told, events, _ = found_in(free_threaded_python, "gil_switched_on", ["gil-switched-on"])
    (switched,) = [event for event in events if event.kind == "gil-on"]
    by = told["gil-switched-on"]["evidence"]["by"]
    assert by == switched.detail
    assert by.startswith("old_extension in <module> (")
    assert Path(by.rpartition("(")[2].partition(":")[0]).name == "gil_switched_on.py"


def test_threads_in_line_for_a_connection_are_counted_and_not_advised_to_be_more(gil_python: str) -> None:
    told, _, _ = found_in(gil_python, "connections_too_few", ["gil-idle"])
    idle = told["gil-idle"]
    assert 1 <= idle["evidence"]["threads_in_line"] <= 6
    assert "behind others that run query, in Semaphore.acquire" in idle["detail"]
    assert "use more threads" not in idle["advice"]


def test_threads_in_line_for_a_connection_of_a_package_s_pool_are_told_with_what_asks(
    gil_python: str,
) -> None:
    """urllib3 is pure Python, so every interpreter can import the one that the tests have."""
    packages = {"PYTHONPATH": str(Path(urllib3.__file__).parents[1])}
    told, _, _ = found_in(gil_python, "connections_in_line", ["connections-in-line"], packages)
    found = told["connections-in-line"]
    evidence = found["evidence"]
    assert (evidence["package"], evidence["function"]) == ("urllib3", "ask_for_prices")
    assert 2 <= evidence["threads"] <= 8  # of which two have a connection; on a busy machine they come late
    assert 1 <= evidence["in_line"] <= 6.5
    assert "pool_maxsize" in found["advice"]
    assert set(told) <= {"connections-in-line", "observation-thin"}
