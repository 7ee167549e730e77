"""How an experiment goes: its plan, the order of its runs, what is made again, and an early end."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.experiment import result
from app.analysis.experiment_trials import Configuration, ExperimentTally
from app.lab.disturbance import CpuTicks, disturbance
from app.lab.experiment import Experiment, ExperimentProgress
from app.lab.experiment_plan import ExperimentPlan, ExperimentRequest, blocks, planned
from app.model.errors import ArchiveFailed, BadRequest, GilscopeError, NotFound
from app.runs import catalogue
from app.runs.interpreters import Interpreter
from app.runs.manager import Manager
from app.runs.request import RunRequest
from app.runs.settings import Settings

FAKE = str(Path(__file__).parents[2] / "fakes" / "observer.py")
CONFIGURATIONS = [Configuration("threads", workers, "3.14.0") for workers in (1, 2)]


def interpreter(version: tuple[int, int, int], path: str = "") -> Interpreter:
    name = ".".join(map(str, version))
    return Interpreter(path or f"/python{name}", name, version, False, True, "cpython", "static", True, None)


FOUND = [interpreter((3, 14, 0)), interpreter((3, 12, 1))]


def plan_of(workload: str, **asked: Any) -> ExperimentPlan:
    return planned(ExperimentRequest(workload, **asked), catalogue.load(), FOUND, cores=2)


def test_every_combination_is_a_configuration() -> None:
    plan = plan_of("primes", executors=["threads", "processes"], workers=[1, 2, 2], pythons=["3.14", "3.12"])
    assert len(plan.requests) == 8
    assert plan.runs == 8 * (5 + 1)
    request = plan.requests[Configuration("processes", 2, "3.12.1")]
    assert (request.executor, request.workers, request.python) == ("processes", 2, "/python3.12.1")


def test_without_a_word_it_is_all_executors_and_one_worker_and_as_many_as_cores() -> None:
    plan = plan_of("primes")
    spec = catalogue.load().get("primes")
    assert {each.executor for each in plan.requests} == set(spec.executors)
    assert {(each.workers, each.python) for each in plan.requests} == {(1, "3.14.0"), (2, "3.14.0")}
    assert {each.workers for each in plan_of("amdahl").requests} == {2}  # it takes no fewer


def test_what_an_interpreter_is_too_old_for_is_left_out_with_the_reason() -> None:
    plan = plan_of("primes", executors=["threads", "subinterpreters"], pythons=["3.14", "3.12"])
    assert Configuration("subinterpreters", 2, "3.12.1") not in plan.requests
    assert Configuration("subinterpreters", 2, "3.14.0") in plan.requests
    [left_out] = plan.left_out
    assert (left_out["executor"], left_out["python"]) == ("subinterpreters", "3.12.1")
    assert "3.13 or later" in left_out["why"]


def test_two_interpreters_of_one_version_are_told_apart_by_their_paths() -> None:
    found = [interpreter((3, 14, 0), path) for path in ("/a", "/b")]
    asked = ExperimentRequest("primes", executors=["threads"], workers=[1], pythons=["/a", "/b"])
    plan = planned(asked, catalogue.load(), found, cores=2)
    assert {each.python for each in plan.requests} == {"/a", "/b"}


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"executors": ["fibres"]}, BadRequest, "fibres"),
        ({"workers": [0]}, BadRequest, "workers"),
        ({"repeats": 0}, BadRequest, "repeats"),
        ({"seconds": 0.0}, BadRequest, "seconds"),
        ({"params": {"nosuch": "1"}}, BadRequest, "nosuch"),
        ({"pythons": ["3.9"]}, NotFound, "3.9"),
        ({"executors": ["subinterpreters"], "pythons": ["3.12"]}, BadRequest, "3.13 or later"),
        ({"workers": list(range(1, 65))}, BadRequest, "configurations"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    asked: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        plan_of("primes", **asked)


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 2**32))
def test_each_block_has_every_configuration_once(number: int, repeats: int, seed: int) -> None:
    configurations = [Configuration("threads", workers, "3.14.0") for workers in range(number)]
    made = list(blocks(configurations, repeats, seed))
    assert len(made) == repeats + 1
    assert all(Counter(block) == Counter(configurations) for block in made)
    assert made == list(blocks(configurations, repeats, seed))


def test_the_order_differs_from_block_to_block() -> None:
    configurations = [Configuration("threads", workers, "3.14.0") for workers in range(6)]
    assert len({tuple(block) for block in blocks(configurations, 5, seed=1)}) > 1


def test_stolen_time_time_not_seen_and_other_programs_are_what_disturbs() -> None:
    before = CpuTicks.of("cpu  100 0 100 700 0 0 0 100 0 0\ncpu0 1 2 3")
    after = CpuTicks.of("cpu  150 0 100 720 0 0 0 130 50 0\n")
    assert before.steal_share(after) == pytest.approx(0.3)

    def run(coverage: float, cpu_s: float = 0.98, delay_s: float = 0.02) -> Any:
        threads = [{"counted_s": 1.0, "cpu_s": cpu_s, "run_delay_s": delay_s}]
        return {"sampling": {"coverage": coverage}, "threads": threads}

    assert disturbance(run(0.99), 0.0, cores=2) is None
    assert "stolen" in (disturbance(run(0.99), 0.3, cores=2) or "")
    assert "only 90 %" in (disturbance(run(0.9), 0.0, cores=2) or "")
    assert "other programs had the CPUs for 40 %" in (disturbance(run(0.99, 0.6, 0.4), 0.0, cores=2) or "")
    # Three that compute on two cores are in each other's way: that is what is measured.
    assert disturbance(run(0.99, 2.0, 1.0), 0.0, cores=2) is None
    assert CpuTicks.now().total > 0


def go(
    home: Path,
    how: str,
    repeats: int,
    disturbed: Sequence[bool] = (),
    stop_at: int | None = None,
    fails_at: int | None = None,
    breaks_at: int | None = None,
) -> tuple[dict[str, Any], list[ExperimentProgress]]:
    """An experiment whose observer is a fake; which runs are disturbed, in turn, is given."""

    async def run() -> tuple[dict[str, Any], list[ExperimentProgress]]:
        manager = Manager(Settings(data_dir=str(home)), [sys.executable, FAKE, how])
        start = manager.start

        async def start_unless(request: RunRequest) -> Any:
            if len(told) == fails_at:
                raise ArchiveFailed("The disk is full.")
            if len(told) == breaks_at:
                raise ZeroDivisionError("of nobody's making")
            return await start(request)

        manager.start = start_unless  # type: ignore[method-assign]
        requests = {each: RunRequest(workload="primes", seconds=0.1) for each in CONFIGURATIONS}
        told: list[ExperimentProgress] = []
        verdicts = iter(disturbed)

        def on_progress(progress: ExperimentProgress) -> None:
            told.append(progress)
            if len(told) == stop_at:
                stopping.append(asyncio.get_running_loop().create_task(experiment.stop()))

        stopping: list[asyncio.Task[None]] = []
        experiment = Experiment(
            manager,
            ExperimentPlan("workload", "primes", {"workload": "primes"}, 0.1, repeats, requests, []),
            on_progress,
            lambda summary, steal, cores: "it was" if next(verdicts, False) else None,
            seed=7,
        )
        try:
            return await experiment.run(), told
        finally:
            await manager.close()

    return asyncio.run(run())


def test_the_warm_up_does_not_count(tmp_path: Path) -> None:
    found, told = go(tmp_path, "brief", repeats=2)
    assert [progress.warm_up for progress in told] == [True, True, False, False, False, False]
    assert [(progress.number, progress.of) for progress in told] == [(at, 6) for at in range(1, 7)]
    assert all(progress.left_s > 0 for progress in told)
    assert [row["repetitions"] for row in found["configurations"]] == [2, 2]
    assert len({run for row in found["configurations"] for run in row["runs"]}) == 4
    assert found["state"] == "finished"
    assert found["configurations"][0]["measures"]["held_share"]["count"] == 2


def test_a_disturbed_repetition_is_made_again_and_counted(tmp_path: Path) -> None:
    found, told = go(tmp_path, "brief", repeats=2, disturbed=[True, False, True])
    assert [progress.again for progress in told] == [None, None, None, "it was", None, None, None]
    assert told[-1].of == 7
    rows = found["configurations"]
    assert sorted((row["made_again"], row["disturbed"], row["repetitions"]) for row in rows) == [
        (0, 0, 2),
        (1, 0, 2),
    ]


def test_on_a_machine_that_is_always_disturbed_it_ends_all_the_same(tmp_path: Path) -> None:
    found, told = go(tmp_path, "brief", repeats=2, disturbed=[True] * 99)
    assert len(told) == 2 * (1 + 2 + 1)
    for row in found["configurations"]:
        assert (row["made_again"], row["disturbed"], row["repetitions"]) == (1, 2, 2)


def test_a_configuration_that_fails_is_given_up_with_the_reason(tmp_path: Path) -> None:
    found, told = go(tmp_path, "failed", repeats=3)
    assert len(told) == 2
    assert [row["error"] for row in found["configurations"]] == ["It fell over", "It fell over"]
    assert found["verdict"]["says"] == "nothing"


def test_where_a_later_run_cannot_be_started_what_was_measured_stands(tmp_path: Path) -> None:
    found, _ = go(tmp_path, "brief", repeats=2, fails_at=5)
    assert found["state"] == "finished"
    assert sorted((row["repetitions"], row["error"]) for row in found["configurations"]) == [
        (1, "The disk is full."),
        (2, None),
    ]
    with pytest.raises(ArchiveFailed):
        go(tmp_path, "brief", repeats=2, fails_at=1)


def test_an_early_end_keeps_what_is_there(tmp_path: Path) -> None:
    found, told = go(tmp_path, "brief", repeats=5, stop_at=5)
    assert len(told) == 5
    assert found["state"] == "stopped"
    assert sum(row["repetitions"] for row in found["configurations"]) == 2


def test_an_early_end_ends_the_run_that_goes_on(tmp_path: Path) -> None:
    found, told = go(tmp_path, "steady", repeats=5, stop_at=1)
    assert (found["state"], len(told)) == ("stopped", 1)


def test_an_error_of_nobodys_making_ends_it_as_failed_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(GilscopeError, match="ZeroDivisionError: of nobody's making") as failure:
        go(tmp_path, "brief", repeats=2, breaks_at=5)
    assert isinstance(failure.value.__cause__, ZeroDivisionError)
    [kept] = experiments_in(tmp_path)
    assert (kept["state"], kept["runs_done"]) == ("failed", 4)
    assert "of nobody's making" in kept["error"]["detail"]
    assert sum(row["repetitions"] for row in kept["configurations"]) == 2


def test_one_whose_result_cannot_be_made_has_ended_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def result_of(tally: ExperimentTally) -> dict[str, Any]:
        made.append(tally)
        if len(made) > 2:
            raise KeyError("nowhere")
        return result(tally)

    monkeypatch.setattr("app.lab.experiment.result", result_of)
    with pytest.raises(GilscopeError, match="KeyError: 'nowhere'"):
        go(tmp_path, "brief", repeats=2)
    [kept] = experiments_in(tmp_path)
    assert (kept["state"], kept["error"]["detail"]) == ("failed", "KeyError: 'nowhere'")


def experiments_in(home: Path) -> list[dict[str, Any]]:
    """The results in an archive."""

    async def read() -> list[dict[str, Any]]:
        manager = Manager(Settings(data_dir=str(home)))
        try:
            shelf = manager.archive.experiments
            return [await shelf.get(row.id) for row in await shelf.page(99)]
        finally:
            await manager.close()

    return asyncio.run(read())
