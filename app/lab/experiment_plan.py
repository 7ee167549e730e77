"""What an experiment is asked for, and what it comes to: its configurations, and the order of its runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.analysis.experiment import Configuration
from app.model.errors import BadRequest
from app.runs import catalogue, interpreters, plan
from app.runs.catalogue import Catalogue
from app.runs.interpreters import Interpreter
from app.runs.request import RunRequest

SECONDS = 2.0  # of a repetition
REPEATS = 5
MOST_REPEATS = 100
MOST_CONFIGURATIONS = 200

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExperimentRequest:
    """One experiment. What is empty or None is the default.

    Those are the workload's own executors, one worker and as many as there are cores (or what the workload
    takes of that), the newest interpreter, SECONDS and REPEATS.
    """

    workload: str
    params: Mapping[str, Any] = field(default_factory=dict)
    executors: Sequence[str] = ()
    workers: Sequence[int] = ()
    pythons: Sequence[str] = ()
    seconds: float | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """An experiment that can be run: `requests` has one for each configuration, in the order asked for."""

    workload: str
    params: Mapping[str, Any]
    seconds: float
    repeats: int
    requests: Mapping[Configuration, RunRequest]
    left_out: Sequence[Json]  # {"executor", "python", "why"}

    @property
    def runs(self) -> int:
        """How many there are to be, with the warm-up of each configuration, if none is made again."""
        return len(self.requests) * (self.repeats + 1)


def planned(
    asked: ExperimentRequest, known: Catalogue, found: Sequence[Interpreter], cores: int
) -> ExperimentPlan:
    """Check it all before anything is started; BadRequest or NotFound names the field that is at fault.

    A combination that an interpreter is too old for is left out, with the reason; BadRequest where none is
    left.
    """
    spec = known.get(asked.workload)
    repeats = int(catalogue.number("repeats", asked.repeats, REPEATS, 1, MOST_REPEATS, whole=True))
    seconds = SECONDS if asked.seconds is None else asked.seconds
    executors = _once(asked.executors) or list(spec.executors)
    workers = _once(asked.workers) or _default_workers(spec.min_workers, spec.max_workers, cores)
    pythons: Sequence[str | None] = asked.pythons or [None]
    chosen = {each.path: each for each in (interpreters.choose(name, found) for name in pythons)}
    labels = [each.label for each in chosen.values()]
    requests: dict[Configuration, RunRequest] = {}
    left_out: list[Json] = []
    for interpreter, executor in itertools.product(chosen.values(), executors):
        label = interpreter.label if labels.count(interpreter.label) == 1 else interpreter.path
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
    if len(requests) > MOST_CONFIGURATIONS:
        raise BadRequest(
            f"These are {len(requests)} configurations, and an experiment has at most {MOST_CONFIGURATIONS}",
            "Name fewer executors, worker counts or interpreters.",
            "workers",
        )
    _, checked = plan.check_workload(next(iter(requests.values())), known)
    return ExperimentPlan(spec.name, checked.params, checked.seconds, repeats, requests, left_out)


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


def _once(values: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _default_workers(least: int, most: int, cores: int) -> list[int]:
    return sorted({min(max(count, least), most) for count in (1, cores)})
