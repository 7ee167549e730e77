"""Jobs that come due by a clock, and a suite of tests in three ways: what their results say."""

from __future__ import annotations

from time import monotonic_ns, time_ns

import pytest
from support.by_hand import run
from support.interpreters import PROMISED, name

from app.workloads.scheduling.suite import NAMES
from app.workloads.scheduling.triggers import Cron, Every, Once

SECOND = 1_000_000_000

on_each = pytest.mark.parametrize("python", [found.path for found in PROMISED], ids=[*map(name, PROMISED)])


def rows(result: dict) -> dict[str, dict]:
    """The rows of the result's table by their first column."""
    table = result["table"]
    return {row[0]: dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}


def test_an_interval_and_a_date_come_due() -> None:
    assert Every(5).after(12) == 17
    assert Once(20).after(12) == 20
    assert Once(20).after(20) is None


def test_cron_follows_the_clock_on_the_wall() -> None:
    now_ns = monotonic_ns()
    due_ns = Cron.parse("*/2").after(now_ns)
    assert now_ns < due_ns <= now_ns + 2 * SECOND
    wall_ns = time_ns() + due_ns - monotonic_ns()
    assert round(wall_ns / SECOND) % 60 % 2 == 0
    assert abs(wall_ns - round(wall_ns / SECOND) * SECOND) < SECOND / 20
    each = Cron.parse("*")
    assert each.after(each.after(now_ns)) - each.after(now_ns) == SECOND


def test_cron_starts_anew_with_each_minute() -> None:
    seven = Cron(7, ahead_ns=0)
    assert seven.after(55 * SECOND) == 56 * SECOND
    assert seven.after(56 * SECOND) == 60 * SECOND


@pytest.mark.parametrize("field", ["", "5", "*/0", "*/60", "*/x", "* *"])
def test_another_field_of_cron_is_refused(field: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int says it in its own words
        Cron.parse(field)


@pytest.mark.serial
@on_each
def test_jobs_pile_up_where_one_thread_runs_them(python: str) -> None:
    result = run("scheduler", "--seconds", "2", python=python)
    report, poll = rows(result)["report"], rows(result)["poll"]
    # Of twenty reports there is time for sixteen, and each is 20 ms later than the one before.
    assert 4 <= report["run"] <= 17
    assert report["run"] + report["waiting"] >= 19
    assert report["late_max_ms"] > 200
    assert poll["late_max_ms"] > 200, "what takes no time waits in the same line"
    assert result["program_steps"] == 0
    assert len(result["pictures"]) == 1


@pytest.mark.serial
def test_jobs_that_wait_are_not_late_in_a_pool_of_threads() -> None:
    blocking, threads = (
        run("scheduler", "--seconds", "1.5", scheduler=each, job="wait") for each in ("blocking", "threads")
    )
    assert rows(threads)["report"]["late_p50_ms"] < 30
    assert rows(threads)["report"]["waiting"] <= 1
    assert rows(blocking)["report"]["late_p50_ms"] > 100
    assert threads["program_steps"] > 50


@pytest.mark.serial
@on_each
def test_a_pool_of_processes_runs_each_job(python: str) -> None:
    result = run("scheduler", "--seconds", "1.5", python=python, scheduler="processes", job_ms=20)
    assert rows(result)["report"]["run"] >= 10
    assert rows(result)["report"]["late_p50_ms"] < 50
    assert rows(result)["once"]["run"] == 1


def test_what_came_due_meanwhile_can_be_left_out() -> None:
    result = run("scheduler", "--seconds", "1.5", coalesce=True, job="wait", job_ms=250)
    report = rows(result)["report"]
    assert report["left out"] >= 4
    assert report["late_max_ms"] < 250 + 100
    assert report["waiting"] <= 1
    assert result["missed"] >= report["left out"]


@on_each
def test_tests_that_pass_in_order_fail_side_by_side(python: str) -> None:
    result = run("concurrent-tests", "--seconds", "2", python=python, test_ms=20)
    found = rows(result)
    in_order, threads, forks = found.values()
    assert (in_order["failures"], in_order["failed"]) == (0, "none")
    assert "prices_in_dollars" in threads["failed"]
    assert "prices" not in forks["failed"], "each child has settings of its own"
    assert "an_order_that_is_there_is_shipped" in forks["failed"]
    assert "receipt" in forks["failed"], "they share the disk"
    assert result["tests"] == len(NAMES) == 8


@pytest.mark.serial
def test_tests_that_wait_are_quicker_side_by_side() -> None:
    _, threads, forks = rows(run("concurrent-tests", "--seconds", "3", test_ms=40)).values()
    assert threads["speed-up"] > 2
    assert forks["speed-up"] > 2


def test_tests_with_a_fixture_each_pass_in_every_way() -> None:
    result = run("concurrent-tests", "--seconds", "1.5", fixture="own", test_ms=20)
    assert set(result["failures"].values()) == {0}
    assert len(rows(result)) == 3
