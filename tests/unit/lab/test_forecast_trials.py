"""Which two configurations put a forecast to the proof, and why some cannot be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from app.lab.experiment_plan import ExperimentPlan, planned
from app.lab.forecast_trials import Foretold, Machine, request_of
from app.model.errors import Conflict, GilscopeError
from app.runs import catalogue
from app.runs.interpreters import Interpreter

BAND = {"low": 1.1, "middle": 1.9, "high": 2.4}
SCRIPT = 'import os\nprint(os.environ["GILSCOPE_EXECUTOR"], os.environ["GILSCOPE_WORKERS"])\n'


def interpreter(*version: int, free_threaded: bool = False, path: str | None = None) -> Interpreter:
    name = ".".join(map(str, version))
    own = path or f"/python{name}{'t' if free_threaded else ''}"
    return Interpreter(own, name, version, free_threaded, True, "cpython", "static", True, None)


FOUND = [
    interpreter(3, 14, 1),
    interpreter(3, 13, 5, free_threaded=True),
    interpreter(3, 13, 0, free_threaded=True),
    interpreter(3, 13, 0),
    interpreter(3, 12, 1),
]
MACHINE = Machine(catalogue.load(), FOUND, cores=2)


def row(choice: str, workers: int = 2, **change: Any) -> Any:
    counted = {"thread-more": workers + 1, "thread-fewer": workers - 1}.get(choice, workers + 1)
    return {
        "choice": choice,
        "title": "A way",
        "throughput": BAND,
        "why_not": None,
        "workers": counted,  # the main thread computed a little too
        "groups": [{"name": "worker", "threads": workers}, {"name": "main", "threads": 1}],
        "assumptions": ["All is well."],
        **change,
    }


def foretold(
    kind: str = "workload", ops: float | None = 9.0, state: str = "finished", more: Any = None, **asked: Any
) -> Foretold:
    given = {"executor": "threads", "workers": 2, "python": "3.13.0", "seconds": 5.0, **asked}
    if kind == "workload":
        given |= {"workload": "primes", "params": {"numbers_from": 1009}} if "workload" not in asked else {}
    summary: Any = {
        "run": {"cpu_s": None},
        "workload": {"ops_per_s": ops, **(more or {})},
        "threads": [],
        "gils": [],
        "memory_peak": None,
        "sampling": {"coverage": 1.0},
    }
    advice: Any = {"forecast": {"cpus": 2.0}}
    return Foretold({"id": "a1", "kind": kind, "name": "mine", "state": state}, given, summary, advice)


def plan_of(of: Foretold, choice: str, **change: Any) -> ExperimentPlan:
    asked = request_of(of, row(choice, **change), MACHINE)
    return planned(asked, MACHINE.known, MACHINE.found, MACHINE.cores)


def varied(plan: ExperimentPlan) -> list[tuple[str | None, int | None, str | None]]:
    return [(each.executor, each.workers, each.python) for each in plan.requests]


@pytest.mark.parametrize("kind", ["workload", "script"])
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("free-threading", ("threads", 2, "3.13.0t")),
        ("processes", ("processes", 2, "3.13.0")),
        ("subinterpreters", ("subinterpreters", 2, "3.13.0")),
        ("thread-more", ("threads", 3, "3.13.0")),
        ("thread-fewer", ("threads", 1, "3.13.0")),
    ],
)
def test_just_one_thing_is_changed_and_the_first_is_the_program_as_it_was(
    kind: str, choice: str, expected: tuple[Any, ...]
) -> None:
    of = foretold(kind, params={}, workload="primes") if kind == "workload" else foretold(kind, script=SCRIPT)
    plan = plan_of(of, choice)
    assert varied(plan) == [("threads", 2, "3.13.0"), expected]
    assert plan.kind == kind
    assert plan.forecast == {
        "run": "a1",
        "run_name": "mine",
        "choice": choice,
        "title": "A way",
        "throughput": BAND,
        "assumptions": ["All is well."],
    }
    assert plan.name.startswith("mine: would ")
    assert plan.runs == 12


def test_the_interpreter_of_a_command_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python3.13"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = [interpreter(3, 13, 0, path=str(program)), *FOUND]
    machine = Machine(MACHINE.known, found, cores=2)
    of = foretold("command", command=["python3.13", "job.py", "-v"])
    plan = planned(request_of(of, row("free-threading"), machine), machine.known, found, 2)
    commands = [request.command for request in plan.requests.values()]
    assert commands == [[str(program), "job.py", "-v"], ["/python3.13.0t", "job.py", "-v"]]
    environment = tmp_path / "venv" / "bin"
    environment.mkdir(parents=True)
    (environment.parent / "pyvenv.cfg").touch()
    (environment / "python3.13").symlink_to(program)
    of = foretold("command", command=[os.fspath(environment / "python3.13"), "job.py"])
    with pytest.raises(Conflict, match="virtual environment"):
        request_of(of, row("free-threading"), machine)


@pytest.mark.parametrize(
    ("of", "choice", "change", "said"),
    [
        (foretold(python="3.12.1"), "free-threading", {}, r"No free-threaded CPython 3\.12 .*3\.13\.5t"),
        (foretold(python="3.13.0t"), "free-threading", {}, "ran on a free-threaded build"),
        (foretold(python="3.11.7"), "processes", {}, "No Python 3.11.7 was found"),
        (foretold(python="3.12.1"), "subinterpreters", {}, "CPython 3.13 or later"),
        (foretold(), "processes", {"throughput": None, "why_not": "There is no way."}, "There is no way"),
        (foretold(), "processes", {"groups": [{"name": "cpu", "threads": 3}]}, "2 workers, and .* 3 threads"),
        (foretold(), "thread-more", {"workers": 1}, "2 workers, and .* 1 thread of"),
        (foretold(executor="processes"), "thread-more", {}, "ran on processes"),
        (foretold(ops=None), "processes", {}, "counts no operations"),
        (foretold(more={"together_per_s": 9.0}), "processes", {}, "one worker alone at first"),
        (foretold(workload="convoy"), "subinterpreters", {}, "convoy does not run on subinterpreters"),
        (foretold("script", script="print(1)"), "processes", {}, "does not read GILSCOPE_EXECUTOR"),
        (foretold("script", script="print(1)"), "thread-more", {}, "does not read GILSCOPE_WORKERS"),
        (foretold("script", "stopped", script=SCRIPT, state="stopped"), "processes", {}, "its own end"),
        (foretold("command", command=["make"]), "free-threading", {}, "begin with an interpreter"),
        (foretold("command", command=["python3"]), "processes", {}, "Only a person knows"),
    ],
)
def test_what_would_not_be_what_was_foretold_is_refused_with_the_reason(
    of: Foretold, choice: str, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(GilscopeError, match=said):
        plan_of(of, choice, **change)


def test_on_another_number_of_cpus_it_is_another_forecast() -> None:
    machine = Machine(MACHINE.known, FOUND, cores=8)
    with pytest.raises(Conflict, match="2 CPUs, and here it can use 8"):
        request_of(foretold(), row("processes"), machine)
