"""What is found in short real runs: what a workload's row says, not with its mended variant, and no more."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from support.interpreters import PROMISED, name
from support.observing import ROOT, observing, workload

from app.workloads import catalogue
from app.workloads.catalogue import Variant, Workload

sys.path.insert(0, str(ROOT / "tools"))
import findings as page

SECONDS = 1.6  # some calls of 150 ms with pauses of 100
CODES = {
    *("gil-saturated", "gil-idle", "gil-convoy", "native-parallel"),
    *("gil-long-hold", "gil-stalled-holder", "event-loop-blocked"),
}
JUDGED = [each for each in catalogue.workloads() if each.finding in CODES]
# Each is a share of the time, which threads have as they should on a machine that they have to themselves.
SHARES = [
    pytest.param(each, marks=() if each.name == "async-blocking" else pytest.mark.serial, id=each.name)
    for each in JUDGED
]
NOT_JUDGED = [catalogue.find(each) for each in ("sequential-chain", "async-yield", "task-queue")]


def found_in(python: str, declared: Workload, variant: Variant | None = None) -> dict[str, dict[str, Any]]:
    """The findings of a short run, or of one of its variant, by code."""
    params = dict(variant.params) if variant else {}
    executor = (variant and variant.executor) or declared.executor
    workers = (variant and variant.workers) or declared.workers
    start = workload(
        python, declared.name, json.dumps(params), executor=executor, workers=workers, seconds=SECONDS
    )
    with observing(start) as observation:
        assert observation.finish().error is None
        return {found["code"]: found for found in observation.summary()["findings"]}


def test_every_rule_has_a_workload_that_shows_it() -> None:
    assert {each.finding for each in JUDGED} == CODES


@pytest.mark.parametrize("interpreter", PROMISED, ids=name)
@pytest.mark.parametrize("declared", SHARES)
def test_a_run_shows_what_its_row_promises_and_no_more(interpreter: Any, declared: Workload) -> None:
    found = found_in(interpreter.path, declared)
    assert declared.finding in found
    assert set(found) & CODES <= {declared.finding, *page.ALSO.get(declared.name, ())}
    assert found[declared.finding]["evidence"]
    assert found[declared.finding]["advice"].endswith(".")


@pytest.mark.parametrize(
    "declared",
    [each for each in JUDGED if each.mended],
    ids=lambda declared: declared.name,
)
def test_the_mended_variant_does_not(declared: Workload) -> None:
    assert declared.finding not in found_in(PROMISED[0].path, declared, declared.mended)


@pytest.mark.parametrize("declared", NOT_JUDGED, ids=lambda declared: declared.name)
def test_a_run_in_order_shows_nothing_grave(declared: Workload) -> None:
    found = found_in(PROMISED[-1].path, declared)
    assert set(found) & CODES <= {"gil-idle", *page.ALSO.get(declared.name, ())}


@pytest.mark.parametrize("declared", ["cpu-bound", "convoy", "native-hold"])
def test_without_a_gil_there_is_nothing_to_say_of_it(free_threaded_python: str, declared: str) -> None:
    assert set(found_in(free_threaded_python, catalogue.find(declared))) & CODES <= {"native-parallel"}
