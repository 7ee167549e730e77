"""What is found of hazards in short real runs: what a workload's row says, not with its mended variant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.interpreters import PROMISED, name
from support.observing import observing, program, workload

from app.analysis.findings import hazards
from app.model import frames
from app.workloads import catalogue
from app.workloads.catalogue import Variant, Workload

CODES = {"lost-updates", "deadlock", "livelock", "starvation", "lock-contention", "lock-leak"}
JUDGED = [each for each in catalogue.workloads() if each.finding in CODES]

# Half a second is enough, but for those that have to go wrong first, and then to be found.
SECONDS = {"philosophers": 2.0, "deadlock": 1.0, "lock-leak": 1.0}

# No CPU is asked for, so that a busy machine changes nothing of it.
TURNS = """
import threading, time
lock, end = threading.Lock(), time.monotonic() + 1.0
def work():
    while time.monotonic() < end:
        with lock:
            time.sleep(0.005)
        time.sleep(0)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
KEPT_WAITING = """
import threading, time
lock, end = threading.Lock(), time.monotonic() + 2.5
def hog():
    while time.monotonic() < end:
        with lock:
            time.sleep(0.1)
def settle():
    while time.monotonic() < end:
        with lock:
            pass
        time.sleep(0.001)
threads = [threading.Thread(target=work) for work in (hog, hog, settle)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
IDLE_POOL = """
import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    list(pool.map(time.sleep, [0.05] * 4))
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        pass
"""


def found_in(python: str, declared: Workload, variant: Variant | None = None) -> dict[str, dict[str, Any]]:
    """The findings on hazards in a short run, or in one of its variant, by code."""
    params = json.dumps(dict(variant.params) if variant else {})
    seconds = 0.5 if variant else SECONDS.get(declared.name, 0.5)
    start = workload(
        python, declared.name, params, executor="threads", workers=declared.workers, seconds=seconds
    )
    with observing(start) as observation:
        assert observation.finish().error is None
        found = observation.summary()["findings"]
    return {each["code"]: each for each in found if each["code"] in CODES}


def test_every_rule_has_a_workload_that_shows_it() -> None:
    assert {each.finding for each in JUDGED} == CODES
    assert len(hazards.RULES) == len(CODES)
    assert all(each.mended for each in JUDGED)


@pytest.mark.parametrize("interpreter", PROMISED, ids=name)
@pytest.mark.parametrize("declared", JUDGED, ids=lambda declared: declared.name)
def test_a_run_shows_what_its_row_promises(interpreter: Any, declared: Workload) -> None:
    found = found_in(interpreter.path, declared)
    assert set(found) == {declared.finding}
    assert found[declared.finding]["evidence"]
    assert found[declared.finding]["advice"].endswith(".")


@pytest.mark.parametrize("declared", JUDGED, ids=lambda declared: declared.name)
def test_the_mended_variant_does_not(declared: Workload) -> None:
    assert declared.finding not in found_in(PROMISED[0].path, declared, declared.mended)


def test_without_a_gil_updates_are_lost_too_and_a_lock_keeps_them(free_threaded_python: str) -> None:
    declared = catalogue.find("lost-update")
    assert set(found_in(free_threaded_python, declared)) == {"lost-updates"}
    assert found_in(free_threaded_python, declared, declared.mended) == {}


def test_a_deadlock_is_named_in_a_report_before_the_run_ends(any_python: str) -> None:
    start = workload(any_python, "deadlock", executor="threads", workers=2, seconds=1.0)
    with observing(start) as observation:
        observation.finish()
        reports = [report.data for report in observation.of(frames.Report)]
    named = next(at for at, data in enumerate(reports) if data.get("wait_for", {}).get("cycle"))
    ended = next(at for at, data in enumerate(reports) if "result" in data)
    assert named < ended
    assert 0 < reports[named]["found_after_s"] < 2


@pytest.mark.parametrize(("code", "contended"), [(TURNS, True), (IDLE_POOL, False)], ids=["turns", "idle"])
def test_contention_shows_from_outside_and_an_idle_pool_is_none(
    any_python: str, code: str, contended: bool
) -> None:
    with observing(program(any_python, code)) as observation:
        observation.finish()
        found = {finding["code"]: finding for finding in observation.summary()["findings"]}
    assert ("lock-contention" in found) == contended
    if contended:
        assert found["lock-contention"]["evidence"]["place"]["function"] == "work"


def test_a_thread_that_hardly_gets_a_lock_is_told_and_the_lock_s_function(gil_any_python: str) -> None:
    """Who holds it sleeps meanwhile, so that the program looks as if it only waited."""
    with observing(program(gil_any_python, KEPT_WAITING)) as observation:
        observation.finish()
        found = {finding["code"]: finding for finding in observation.summary()["findings"]}
    assert "settle" in found["lock-contention"]["detail"]
    assert "gil-idle" not in found
