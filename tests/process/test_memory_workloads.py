"""The memory family from outside: each finding is there, with its evidence, and mended it is not."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from support.interpreters import PROMISED, name
from support.observing import Observation, observing, workload

from app.analysis.findings import findings
from app.model.commands import Act, Stop
from app.model.frames import CLibrary, Counters, Heap, Report
from app.model.spec import Start
from app.workloads import catalogue

on_each = pytest.mark.parametrize("path", [found.path for found in PROMISED], ids=[*map(name, PROMISED)])
MIB = 1024 * 1024

# The longest that each takes. A run is stopped as soon as its finding is there: a heap is read once a second,
# or less often on a busy machine.
SECONDS = {"fragmentation": 12.0, "leak": 12.0, "copy-on-write": 10.0, "reference-cycles": 3.0}
MENDED_SECONDS = 6.0  # on an idle machine every finding of above would be there by then


def _start(python: str, declared: catalogue.Workload, seconds: float, **params: Any) -> Start:
    extent: Any = {"executor": declared.executor, "workers": declared.workers, "seconds": seconds}
    return workload(python, declared.name, json.dumps(params), **extent)


def _found(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the rules say of a summary, by code."""
    return {finding["code"]: finding for finding in findings(summary)}


@on_each
@pytest.mark.parametrize("workload_name", SECONDS)
def test_the_finding_is_there_with_its_evidence(path: str, workload_name: str) -> None:
    declared = catalogue.find(workload_name)
    with observing(_start(path, declared, SECONDS[workload_name])) as observation:
        for message in observation:
            if isinstance(message, Heap | Counters) and _is_enough(declared.name, observation):
                observation.send(Stop("stopped"))
                break
        assert observation.finish().error is None
        summary = observation.summary()
    by_code = _found(summary)
    assert declared.finding in by_code
    _CHECKS[workload_name](by_code[declared.finding]["evidence"], summary["workload"])


def _is_enough(workload_name: str, observation: Observation) -> bool:
    """Whether the run has shown what it will: pauses need a whole run, copies most of the data, and a heap a
    reading that began when all that goes had gone."""
    declared = catalogue.find(workload_name)
    found = _found(observation.summary()).get(str(declared.finding))
    if found is None or workload_name == "reference-cycles":
        return False
    evidence = found["evidence"]
    match workload_name:
        case "fragmentation":
            freed = [each.at_us for each in observation.of(Report) if each.data == {"phase": "survivors"}]
            began = [each.at_us - each.took_us for each in observation.of(Heap)]
            return bool(freed) and began[-1] > freed[0]
        case "copy-on-write":
            copied = evidence["uss_last"] - evidence["uss_first"]
            return evidence["children"] == declared.workers and copied > 40 * MIB
    return True


@on_each
def test_malloc_trim_gives_back_what_was_foretold(path: str) -> None:
    declared = catalogue.find("malloc-trim")
    with observing(_start(path, declared, 60.0, megabytes=32, by_itself=False)) as observation:
        freed = observation.until(Report, data={"phase": "freed"})
        while (reading := observation.until(CLibrary)).at_us - reading.took_us < freed.at_us:
            pass  # it began before the blocks were freed
        observation.send(Act("trim"))
        while not observation.summary()["trims"]:
            observation.until(Report)
        [trim] = observation.summary()["trims"]
        observation.send(Stop("stopped"))
        observation.finish()
    assert trim["given_back"] > 24 * MIB
    assert trim["foretold"] == pytest.approx(trim["given_back"], rel=0.05, abs=MIB)


@on_each
def test_mended_they_are_not_there(path: str) -> None:
    quiet = [each for each in SECONDS if each != "reference-cycles"]
    with ThreadPoolExecutor() as side_by_side:
        for _ in side_by_side.map(partial(_assert_mended, path), quiet):
            pass


@on_each
def test_without_cycles_nothing_pauses(path: str) -> None:
    _assert_mended(path, "reference-cycles")


def _assert_mended(path: str, workload_name: str) -> None:
    declared = catalogue.find(workload_name)
    assert declared.mended
    start = _start(path, declared, min(SECONDS[workload_name], MENDED_SECONDS), **declared.mended.params)
    with observing(start) as observation:
        end = observation.finish()
        assert (end.state, end.error) == ("finished", None)
        assert declared.finding not in _found(observation.summary())


def _check_fragmentation(evidence: dict[str, Any], result: dict[str, Any]) -> None:
    """Both accounts of the same arenas agree: those of before the workload are the difference."""
    assert evidence["pinned_arenas"] == pytest.approx(result["pinned_arenas"], abs=3)
    assert evidence["arenas"] == pytest.approx(result["phases"][2]["arenas"], abs=1)
    assert evidence["held_bytes"] < evidence["pinned_bytes"] / 10


def _check_leak(evidence: dict[str, Any], result: dict[str, Any]) -> None:
    # The floats and the lists are pymalloc's; their items, over 512 bytes, are not.
    assert 0.3 * result["growth_bytes_per_s"] < evidence["bytes_per_s"] < 1.5 * result["growth_bytes_per_s"]


def _check_copy_on_write(evidence: dict[str, Any], result: dict[str, Any]) -> None:
    assert evidence["children"] == len(result["uss_growth"])
    assert evidence["uss_last"] <= max(result["uss_after"]) + 4 * MIB
    assert max(result["uss_growth"]) > result["data_bytes"] / 2
    assert evidence["uss_last"] - evidence["uss_first"] > result["data_bytes"] / 2


def _check_reference_cycles(evidence: dict[str, Any], result: dict[str, Any]) -> None:
    # The run's own log begins after the interpreter's start, and ends before its end.
    assert result["collections"] <= evidence["count"] <= 1.2 * result["collections"] + 50
    assert evidence["max_s"] * 1e3 > result["longest_pause_ms"] / 2


_CHECKS = {
    "fragmentation": _check_fragmentation,
    "leak": _check_leak,
    "copy-on-write": _check_copy_on_write,
    "reference-cycles": _check_reference_cycles,
}
