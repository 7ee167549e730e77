"""A forecast is put to the proof: the two configurations to measure, or why that cannot be done here.

What is measured has to be what was foretold: the same program, on as many CPUs, with just the one thing
changed. Where that is not so, it is refused with the reason.

    free-threading             on a free-threaded interpreter of the same version
    processes, subinterpreters on that executor, with as many workers as there were threads of their kind
    thread-more, thread-fewer  on threads, with one worker more or fewer
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.experiment_measures import THROUGHPUT, RunTimes, measured
from app.analysis.forecast.accuracy import accuracy
from app.lab.advice import advise
from app.lab.experiment_plan import PYTHON_HERE, ExperimentPlan, ExperimentRequest, planned
from app.model.errors import Conflict, GilscopeError, NotFound
from app.model.forecast import (
    Advice,
    Choice,
    ForecastAccuracy,
    ForecastPair,
    ForecastRow,
    Measurable,
    MeasurableAdvice,
)
from app.model.program import is_python
from app.model.summary import Summary
from app.runs import interpreters
from app.runs.catalogue import Catalogue
from app.runs.interpreters import Interpreter
from app.runs.manager import Manager
from app.runs.record import RunRecord

_LONGEST_NAME = 50  # of a run, within an experiment's
_WORDS: dict[Choice, str] = {
    "free-threading": "free-threading",
    "processes": "processes",
    "subinterpreters": "subinterpreters",
    "thread-more": "one thread more",
    "thread-fewer": "one thread fewer",
}
_TOGETHER = "together_per_s"  # what such a workload tells
_FORM = 'The form "New experiment" measures it in any way you choose.'

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to measure with."""

    known: Catalogue
    found: Sequence[Interpreter]
    cores: int


@dataclass(frozen=True, slots=True)
class Foretold:
    """A run, what started it, and what was foretold of it."""

    run: Json
    asked: Json  # the body of a request for the same again
    summary: Summary
    advice: Advice

    @property
    def kind(self) -> str:
        """workload, script or command."""
        return str(self.run["kind"])


async def measurable_advice(
    manager: Manager, run: RunRecord, from_us: int = 0, to_us: int | None = None
) -> MeasurableAdvice:
    """As `advise`, and of each forecast whether it can be measured here, and what was before."""
    told = await advise(run, from_us, to_us)
    pairs = [pair for pair in await pairs_of(manager) if pair["run"] == run.id]
    machine, measuring = await _machine(manager), list[Measurable]()
    for row in told["forecast"]["rows"]:
        of_row = [pair for pair in pairs if pair["choice"] == row["choice"]]
        try:
            plan = await _plan(manager, machine, run, told, row)
        except GilscopeError as refusal:
            measuring.append(_measurable(row, of_row, str(refusal), None))
        else:
            measuring.append(_measurable(row, of_row, None, plan))
    return {**told, "measuring": measuring}


async def to_prove(manager: Manager, run: RunRecord, choice: str) -> ExperimentRequest:
    """The experiment that measures a forecast; Conflict says why it cannot be measured; NotFound."""
    told = await advise(run)
    for row in told["forecast"]["rows"]:
        if row["choice"] == choice:
            return await _request(await _machine(manager), run, told, row)
    why = told["forecast"]["why_not"] or f"There is no way of running called {choice!r}."
    raise NotFound(why, "Observe the program for longer, while it computes.", field="choice")


async def accuracy_of(manager: Manager) -> ForecastAccuracy:
    """How good the forecasts were that were measured on this machine."""
    return accuracy(await pairs_of(manager))


async def pairs_of(manager: Manager) -> list[ForecastPair]:
    """Every forecast that an experiment was to prove, and what came of it, newest first."""
    pairs: list[Any] = [
        {**row["forecast"], "experiment": row["id"], "started_at": row["started_at"]}
        for row in await manager.archive.experiments.proofs()
    ]
    return pairs


async def _plan(
    manager: Manager, machine: Machine, run: RunRecord, told: Advice, row: ForecastRow
) -> ExperimentPlan:
    """What measuring it comes to; GilscopeError says why it cannot be measured."""
    asked = await _request(machine, run, told, row)
    plan = planned(asked, machine.known, machine.found, machine.cores)
    await manager.allow(next(iter(plan.requests.values())))
    return plan


async def _request(machine: Machine, run: RunRecord, told: Advice, row: ForecastRow) -> ExperimentRequest:
    shown = run.to_json()
    if not run.ended:
        raise Conflict("The run goes on still, and both would be in each other's way", "Wait for its end.")
    if shown["kind"] == "attach":
        raise Conflict(
            "It was attached to, and how it is started is not known",
            "Start it as a command, and observe that.",
        )
    return request_of(Foretold(shown, await run.request(), run.summary(), told), row, machine)


async def _machine(manager: Manager) -> Machine:
    return Machine(await manager.catalogue(), await manager.interpreters(), len(os.sched_getaffinity(0)))


def request_of(of: Foretold, row: ForecastRow, machine: Machine) -> ExperimentRequest:
    """The experiment of two configurations, the first as the program was; GilscopeError says why none."""
    if row["throughput"] is None:
        raise Conflict(row["why_not"] or "Nothing was foretold")
    cpus = of.advice["forecast"]["cpus"]
    if cpus != machine.cores:
        raise Conflict(
            f"It was observed where it could use {cpus:g} CPUs, and here it can use {machine.cores}"
        )
    name = str(of.run["name"])
    change = {"command": _of_command, "script": _of_script, "workload": _of_workload}[of.kind]
    varied = change(of, row, machine)
    asked = ExperimentRequest(
        workload=of.asked.get("workload"),
        params=of.asked.get("params", {}),
        script=of.asked.get("script"),
        seconds=None if of.kind == "workload" else of.asked.get("seconds"),
        name=f"{name[:_LONGEST_NAME]}: would {_WORDS[row['choice']]} help?",
        forecast={
            "run": of.run["id"],
            "run_name": name,
            "choice": row["choice"],
            "title": row["title"],
            "throughput": row["throughput"],
            "assumptions": row["assumptions"],
        },
        **varied,
    )
    plan = planned(asked, machine.known, machine.found, machine.cores)
    if len(plan.requests) != 2:
        raise Conflict(plan.left_out[0]["why"] if plan.left_out else "It would change nothing")
    return asked


def _of_workload(of: Foretold, row: ForecastRow, machine: Machine) -> Json:
    if measured(of.summary, RunTimes())[THROUGHPUT] is None:
        raise Conflict("The workload counts no operations, so its throughput cannot be compared")
    if _TOGETHER in (of.summary["workload"] or {}):
        raise Conflict(
            "The workload has one worker alone at first, and tells what all did together after that: the "
            "forecast is of both",
            _FORM,
        )
    return _varied(of, row, machine)


def _of_script(of: Foretold, row: ForecastRow, machine: Machine) -> Json:
    _refuse_without_end(of)
    needed = {
        "free-threading": None,
        "thread-more": "GILSCOPE_WORKERS",
        "thread-fewer": "GILSCOPE_WORKERS",
    }.get(row["choice"], "GILSCOPE_EXECUTOR")
    if needed is not None and needed not in of.asked["script"]:
        raise Conflict(
            f"The script does not read {needed}, so it would run as it did",
            "See docs/experiments.md for how a script is told what is varied.",
        )
    return _varied(of, row, machine)


def _of_command(of: Foretold, row: ForecastRow, machine: Machine) -> Json:
    """Only the interpreter of a command can be changed without knowing it."""
    _refuse_without_end(of)
    program, *words = of.asked["command"]
    if row["choice"] != "free-threading":
        raise Conflict("Only a person knows how this command is told its executor and its workers", _FORM)
    path = shutil.which(program)
    if path is None or not is_python(program):
        raise Conflict("The command does not begin with an interpreter that could be changed", _FORM)
    if os.path.exists(os.path.join(os.path.dirname(path), os.pardir, "pyvenv.cfg")):
        raise Conflict(
            "It runs in a virtual environment, whose packages another interpreter has not",
            "Make an environment of the free-threaded build, and compare both commands.",
        )
    now = interpreters.choose(path, machine.found)
    return {"command": [PYTHON_HERE, *words], "pythons": [now.path, _free_threaded(now, machine).path]}


def _varied(of: Foretold, row: ForecastRow, machine: Machine) -> Json:
    """Executors, workers and interpreters, of which one has two values."""
    choice = row["choice"]
    executor, workers = of.asked["executor"], of.asked["workers"]
    now = interpreters.choose(of.asked["python"], machine.found)
    if choice == "free-threading":
        pythons = [now.path, _free_threaded(now, machine).path]
        return {"executors": [executor], "workers": [workers], "pythons": pythons}
    if executor != "threads":
        raise Conflict(f"It ran on {executor}, and what was foretold is of threads", _FORM)
    same = {"executors": [executor], "workers": [workers], "pythons": [now.path]}
    if choice in ("thread-more", "thread-fewer"):
        change = 1 if choice == "thread-more" else -1
        _refuse_other_count((row["workers"] or 0) - change, workers)
        return {**same, "workers": [workers, workers + change]}
    _refuse_other_count(max((group["threads"] for group in row["groups"]), default=0), workers)
    if of.kind == "workload" and choice not in machine.known.get(of.asked["workload"]).executors:
        raise Conflict(f"The workload {of.asked['workload']} does not run on {choice}")
    return {**same, "executors": [executor, choice]}


def _refuse_other_count(alike: int, workers: int) -> None:
    if alike != workers:
        raise Conflict(
            f"The program had {_counted(workers, 'worker')}, and what was foretold is of "
            f"{_counted(alike, 'thread')} of one kind",
            _FORM,
        )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _refuse_without_end(of: Foretold) -> None:
    """A script and a command are compared by how long they take."""
    if of.run["state"] != "finished":
        raise Conflict("It did not come to its own end, so how long it takes is not known", "Let it end.")


def _free_threaded(now: Interpreter, machine: Machine) -> Interpreter:
    if now.free_threaded:
        raise Conflict("It ran on a free-threaded build, whose GIL only PYTHON_GIL switches off")
    version = ".".join(map(str, now.version_info[:2]))
    builds = [each for each in machine.found if each.free_threaded and each.supported]
    same = [each for each in builds if each.version_info[:2] == now.version_info[:2]]
    if not same:
        there = f" (there is {', '.join(each.label for each in builds)})" if builds else ""
        raise Conflict(
            f"No free-threaded CPython {version} was found{there}",
            "Another version would differ by more than its GIL. GILSCOPE_PYTHONS names further ones.",
        )
    return min(same, key=lambda each: each.version_info != now.version_info)


def _measurable(
    row: ForecastRow, pairs: list[ForecastPair], why_not: str | None, plan: ExperimentPlan | None
) -> Measurable:
    return {
        "choice": row["choice"],
        "why_not": why_not,
        "runs": None if plan is None else plan.runs,
        "about_s": None if plan is None else plan.about_s,
        "pairs": pairs,
    }
