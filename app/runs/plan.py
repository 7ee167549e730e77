"""From what a client asks for to what an observer is told: all is checked before anything is started."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from app.model.errors import BadRequest, GilscopeError, TargetFailed
from app.model.spec import ObserverSpec, Sampling, Start
from app.runs import catalogue, interpreters
from app.runs.catalogue import Catalogue
from app.runs.interpreters import Interpreter
from app.runs.observer import HOME, own_environment
from app.runs.request import RunRequest

GRACE_S = 10.0  # for a workload to get ready, and to report, beside the seconds that it runs for
RATES_HZ = {"gil_hz": (1.0, 10_000.0), "counters_hz": (0.1, 20.0)}
MAX_SECONDS = 24 * 3600.0

Kind = Literal["workload", "command"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that can be started. `limit_s` is how long its target may take, None for ever."""

    kind: Kind
    name: str
    params: Mapping[str, Any]
    start: Start
    sampling: Sampling
    limit_s: float | None
    executor: str | None = None
    workers: int | None = None
    seconds: float | None = None
    python: str | None = None
    command: Sequence[str] | None = None

    @property
    def overrun(self) -> GilscopeError | None:
        """What is wrong when the limit is reached: nothing with a command, whose end that is."""
        if self.kind == "command":
            return None
        return TargetFailed(
            f"The workload was to last {self.seconds:g} s, and had not ended {GRACE_S:g} s after that",
            "Give it fewer workers, or free the machine of other work.",
        )

    def spec(self, run_id: str) -> ObserverSpec:
        """What the observer is told."""
        run = {"id": run_id, "kind": self.kind, "name": self.name, "params": dict(self.params)}
        return ObserverSpec(run=run, sampling=self.sampling, start=self.start)


def kind_of(request: RunRequest) -> Kind:
    """What the request asks for; BadRequest unless it is exactly one thing."""
    if (request.workload is None) == (request.command is None):
        raise BadRequest(
            "A run is of one workload or of one command",
            'Give exactly one of "workload" and "command".',
            field="workload" if request.workload is None else "command",
        )
    return "command" if request.workload is None else "workload"


def of_workload(request: RunRequest, known: Catalogue, found: Sequence[Interpreter]) -> Plan:
    """The plan for a workload; BadRequest or NotFound names the field that is at fault."""
    assert request.workload is not None
    _check_sampling(request.sampling)
    spec = known.get(request.workload)
    checked = catalogue.check(spec, dict(request.params), request.executor, request.workers, request.seconds)
    interpreter = interpreters.choose(request.python, found)
    argv = [
        *(interpreter.path, "-m", "app.workloads", "run", spec.name),
        *("--params", json.dumps(checked.params)),
        *("--executor", checked.executor),
        *("--workers", str(checked.workers)),
        *("--seconds", str(checked.seconds)),
    ]
    return Plan(
        kind="workload",
        name=request.name or spec.name,
        params=checked.params,
        start=Start(argv, own_environment(), cwd=str(HOME), workload=True),
        sampling=request.sampling,
        limit_s=checked.seconds + GRACE_S,
        executor=checked.executor,
        workers=checked.workers,
        seconds=checked.seconds,
        python=interpreter.version,
    )


def of_command(request: RunRequest) -> Plan:
    """The plan for a command; BadRequest names the field that is at fault."""
    command = request.command or ()
    _check_sampling(request.sampling)
    if not command or not command[0]:
        raise BadRequest("command names no program", 'Give a list such as ["python3", "x.py"].', "command")
    if any("\0" in word for word in command):
        raise BadRequest("command holds a NUL character, which no program can be given", field="command")
    for name in ("params", "executor", "workers", "python"):
        if getattr(request, name):
            raise BadRequest(f"{name} concerns a workload, not a command", f"Leave {name} out.", field=name)
    seconds = None if request.seconds is None else _seconds(request.seconds)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GILSCOPE_")}
    return Plan(
        kind="command",
        name=request.name or PurePath(command[0]).name,
        params={},
        start=Start(list(command), environment, cwd=request.cwd or os.getcwd()),
        sampling=request.sampling,
        limit_s=seconds,
        seconds=seconds,
        command=tuple(command),
    )


def _seconds(value: float | str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        raise BadRequest(f"seconds must be a number; it was {value!r}", field="seconds") from None
    if not 0.1 <= seconds <= MAX_SECONDS:
        raise BadRequest(
            f"seconds must be between 0.1 and {MAX_SECONDS:.0f}; it was {value}", field="seconds"
        )
    return seconds


def _check_sampling(sampling: Sampling) -> None:
    for name, (least_hz, most_hz) in RATES_HZ.items():
        rate_hz = getattr(sampling, name)
        if not least_hz <= rate_hz <= most_hz:
            raise BadRequest(
                f"sampling.{name} must be between {least_hz:g} and {most_hz:g} Hz; it was {rate_hz:g}",
                field=f"sampling.{name}",
            )
