"""What an experiment is asked for, and what it comes to: its configurations, and the order of its runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from app.analysis.experiment_trials import Configuration
from app.lab.time_left import TimeLeft
from app.model import redaction
from app.model.errors import BadRequest, GilscopeError
from app.runs import catalogue, interpreters, plan
from app.runs.catalogue import Catalogue
from app.runs.interpreters import Interpreter
from app.runs.request import RunRequest, bounds_of

SECONDS = 2.0  # of a workload's repetition
REPEATS = 5
MOST_REPEATS = 100
MOST_CONFIGURATIONS = 200
WORKERS_HERE = "{workers}"  # stands in an argument of a command for how many there are
PYTHON_HERE = "{python}"  # stands in one for an interpreter
SCRIPT_EXECUTORS = ("threads", "processes")

_LISTS = {"executor": "executors", "python": "pythons"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExperimentRequest:
    """One experiment, of exactly one of `workload`, `command` and `script`. None and empty are the default.

    Of a workload those are its own executors, one worker and as many as there are cores (or what the workload
    takes of that), the newest interpreter, SECONDS and REPEATS. Of a script they are SCRIPT_EXECUTORS, and
    the rest alike. A command has no executors; `{workers}` and `{python}` in its words stand for what is
    varied, and `workers_variable` is a variable of its environment that tells the number of workers.

    `seconds` is how long a workload's repetition lasts, and after how many a command or a script is given up.
    """

    workload: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] | None = None
    script: str | None = None
    executors: Sequence[str] = ()
    workers: Sequence[int] = ()
    workers_variable: str | None = None
    pythons: Sequence[str] = ()
    seconds: float | None = None
    repeats: int | None = None
    name: str | None = None
    cwd: str | None = None  # of a command or a script, from the command line
    forecast: Json | None = (
        None  # that it is to prove: then it has two configurations, the second as foretold
    )


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """An experiment that can be run: `requests` has one for each configuration, in the order asked for.

    `asked` is told with the result: {"workload", "params", "command", "script", "workers_variable",
    "seconds", "repeats"}, with each default filled in.
    """

    kind: str
    name: str
    asked: Json
    seconds: float | None
    repeats: int
    requests: Mapping[Configuration, RunRequest]
    left_out: Sequence[Json]  # {"executor", "python", "why"}
    forecast: Json | None = None

    @property
    def runs(self) -> int:
        """How many there are to be, with the warm-up of each configuration, if none is made again."""
        return len(self.requests) * (self.repeats + 1)

    @property
    def about_s(self) -> float | None:
        """How long it takes, about; None of a program that has its own end."""
        left = TimeLeft(self.seconds if self.kind == "workload" else None)
        return left.of(dict.fromkeys(self.requests, self.repeats + 1))


def planned(
    asked: ExperimentRequest, known: Catalogue, found: Sequence[Interpreter], cores: int
) -> ExperimentPlan:
    """Check it all before anything is started; BadRequest or NotFound names the field that is at fault.

    A combination that an interpreter is too old for is left out, with the reason; BadRequest where none is
    left.
    """
    try:
        return replace(_planned(asked, known, found, cores), forecast=asked.forecast)
    except GilscopeError as error:
        error.field = _LISTS.get(error.field or "", error.field)  # of a run it is one, and here a list
        raise


def _planned(
    asked: ExperimentRequest, known: Catalogue, found: Sequence[Interpreter], cores: int
) -> ExperimentPlan:
    kind = _kind_of(asked)
    repeats = int(catalogue.number("repeats", asked.repeats, REPEATS, 1, MOST_REPEATS, whole=True))
    if kind == "workload":
        return _of_workload(asked, known, found, cores, repeats)
    requests = _of_command(asked, found) if kind == "command" else _of_script(asked, known, found, cores)
    _refuse_too_many(requests)
    return ExperimentPlan(
        kind=kind,
        name=asked.name or next(iter(requests.values())).name or kind,
        asked={
            "workload": None,
            "params": {},
            "command": None if asked.command is None else list(redaction.command(asked.command)),
            "script": asked.script,
            "workers_variable": asked.workers_variable,
            "seconds": asked.seconds,
            "repeats": repeats,
        },
        seconds=asked.seconds,
        repeats=repeats,
        requests=requests,
        left_out=[],
    )


def blocks(configurations: Sequence[Configuration], repeats: int, seed: int) -> Iterator[list[Configuration]]:
    """Every configuration once, in an order of its own, as often as asked, after a block to warm up.

    So what changes on the machine over time falls on all of them alike, and none always follows the same
    other one.
    """
    random = Random(seed)
    for _ in range(repeats + 1):
        order = list(configurations)
        random.shuffle(order)
        yield order


def _kind_of(asked: ExperimentRequest) -> str:
    given = [name for name in ("workload", "command", "script") if getattr(asked, name) is not None]
    if len(given) != 1:
        raise BadRequest(
            "An experiment is of one workload, of one command, or of one script",
            'Give exactly one of "workload", "command" and "script".',
            field=given[-1] if given else "workload",
        )
    for name, kinds in (("params", ("workload",)), ("workers_variable", ("command",))):
        if getattr(asked, name) and given[0] not in kinds:
            raise BadRequest(f"{name} does not concern a {given[0]}", f"Leave {name} out.", field=name)
    if asked.executors and given[0] == "command":
        raise BadRequest(
            "A command has no executors to choose from",
            "Leave executors out; or have it read how it is to work from its arguments, one experiment each.",
            field="executors",
        )
    return given[0]


def _of_workload(
    asked: ExperimentRequest, known: Catalogue, found: Sequence[Interpreter], cores: int, repeats: int
) -> ExperimentPlan:
    assert asked.workload is not None
    spec = known.get(asked.workload)
    seconds = SECONDS if asked.seconds is None else asked.seconds
    executors = _once(asked.executors) or list(spec.executors)
    workers = _once(asked.workers) or _default_workers(spec.min_workers, spec.max_workers, cores)
    requests: dict[Configuration, RunRequest] = {}
    left_out: list[Json] = []
    for (label, interpreter), executor in itertools.product(_chosen(asked.pythons, found), executors):
        asked_for = {
            Configuration(executor, count, label): RunRequest(
                workload=spec.name,
                params=asked.params,
                executor=executor,
                workers=count,
                python=interpreter.path,
                seconds=seconds,
            )
            for count in workers
        }
        for request in asked_for.values():
            plan.check_workload(request, known)
        try:
            catalogue.check_python(spec, executor, known, interpreter.version_info, interpreter.label)
        except BadRequest as error:
            left_out.append({"executor": executor, "python": label, "why": error.detail})
        else:
            requests |= asked_for
    if not requests:
        raise BadRequest(
            left_out[0]["why"], "`gilscope pythons` lists the interpreters that were found.", "python"
        )
    _refuse_too_many(requests)
    _, checked = plan.check_workload(next(iter(requests.values())), known)
    return ExperimentPlan(
        kind="workload",
        name=asked.name or spec.name,
        asked={
            "workload": spec.name,
            "params": dict(checked.params),
            "command": None,
            "script": None,
            "workers_variable": None,
            "seconds": checked.seconds,
            "repeats": repeats,
        },
        seconds=checked.seconds,
        repeats=repeats,
        requests=requests,
        left_out=left_out,
    )


def _of_command(asked: ExperimentRequest, found: Sequence[Interpreter]) -> dict[Configuration, RunRequest]:
    command = list(asked.command or ())
    workers = _checked_workers(asked.workers)
    if asked.workers_variable is not None and not _VARIABLE.fullmatch(asked.workers_variable):
        raise BadRequest(
            f"workers_variable must be the name of a variable; it was {asked.workers_variable!r}",
            "Give a name such as OMP_NUM_THREADS.",
            field="workers_variable",
        )
    told = asked.workers_variable is not None or any(WORKERS_HERE in word for word in command)
    if workers and not told:
        raise BadRequest(
            "The command is not told how many workers there are to be",
            f"Write {WORKERS_HERE} in one of its words, or name a variable of its environment.",
            field="workers",
        )
    if told and not workers:
        raise BadRequest(
            "It is not said how many workers there are to be", "Give numbers, such as 1 and 4.", "workers"
        )
    named = any(PYTHON_HERE in word for word in command)
    if asked.pythons and not named:
        raise BadRequest(
            "The command is not told which interpreter it runs on",
            f"Write {PYTHON_HERE} in the place of the interpreter.",
            field="pythons",
        )
    pythons: Sequence[tuple[str | None, Interpreter | None]] = (
        _chosen(asked.pythons, found) if named else [(None, None)]
    )
    requests = {}
    counts: Sequence[int | None] = workers or [None]
    for (label, interpreter), count in itertools.product(pythons, counts):
        words = [
            word.replace(WORKERS_HERE, str(count) if told else WORKERS_HERE).replace(
                PYTHON_HERE, interpreter.path if interpreter else PYTHON_HERE
            )
            for word in command
        ]
        variables = {asked.workers_variable: str(count)} if asked.workers_variable and count else {}
        request = RunRequest(
            command=words, variables=variables, seconds=asked.seconds, name=asked.name, cwd=asked.cwd
        )
        made = plan.of_command(request)  # it says what is at fault
        requests[Configuration(None, count, label)] = _named(request, made.name)
    return requests


def _of_script(
    asked: ExperimentRequest, known: Catalogue, found: Sequence[Interpreter], cores: int
) -> dict[Configuration, RunRequest]:
    requests = {}
    workers = _checked_workers(asked.workers) or sorted({1, cores})
    executors = _once(asked.executors) or list(SCRIPT_EXECUTORS)
    for (label, interpreter), executor, count in itertools.product(
        _chosen(asked.pythons, found), executors, workers
    ):
        request = RunRequest(
            script=asked.script,
            executor=executor,
            workers=count,
            python=interpreter.path,
            seconds=asked.seconds,
            name=asked.name,
            cwd=asked.cwd,
        )
        made = plan.of_script(request, known, found)
        requests[Configuration(executor, count, label)] = _named(request, made.name)
    return requests


def _named(request: RunRequest, name: str) -> RunRequest:
    return replace(request, name=request.name or name)


def _chosen(names: Sequence[str], found: Sequence[Interpreter]) -> list[tuple[str, Interpreter]]:
    """The interpreters of these names, or the newest, each with what it is called in the result."""
    wanted: Sequence[str | None] = names or [None]
    chosen = {each.path: each for each in (interpreters.choose(name, found) for name in wanted)}
    labels = [each.label for each in chosen.values()]
    return [(each.label if labels.count(each.label) == 1 else each.path, each) for each in chosen.values()]


def _checked_workers(workers: Sequence[int]) -> list[int]:
    least, most = bounds_of("workers")
    return [int(catalogue.number("workers", count, 1, least, most, whole=True)) for count in _once(workers)]


def _refuse_too_many(requests: Mapping[Configuration, RunRequest]) -> None:
    if len(requests) > MOST_CONFIGURATIONS:
        raise BadRequest(
            f"These are {len(requests)} configurations, and an experiment has at most {MOST_CONFIGURATIONS}",
            "Name fewer executors, worker counts or interpreters.",
            "workers",
        )


def _once(values: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _default_workers(least: int, most: int, cores: int) -> list[int]:
    return sorted({min(max(count, least), most) for count in (1, cores)})
