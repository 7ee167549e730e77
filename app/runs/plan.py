"""From what a client asks for to what an observer is told: all is checked before anything is started."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.model import redaction
from app.model.errors import BadRequest, GilscopeError, TargetFailed
from app.model.program import name_of
from app.model.spec import ObserverSpec, Sampling, Start
from app.runs import catalogue, environment, interpreters
from app.runs.catalogue import ActionSpec, Catalogue, Checked, WorkloadSpec
from app.runs.interpreters import Interpreter
from app.runs.lifecycle import Ended
from app.runs.observer import HOME, own_environment
from app.runs.request import RunRequest

GRACE_S = 10.0  # for a workload to get ready, and to report, beside the seconds that it runs for
RATES_HZ = {"gil_hz": (1.0, 10_000.0), "counters_hz": (0.1, 20.0), "stacks_hz": (0.0, 1000.0)}
MAX_SECONDS = 24 * 3600.0
MAX_WORKERS = 1024
MAX_PID = 2**22  # the kernel's own bound, PID_MAX_LIMIT

DEFAULT_EXECUTOR = "threads"

Json = dict[str, Any]
Kind = Literal["workload", "command", "script", "attach"]
_KINDS: dict[str, Kind] = {
    "workload": "workload",
    "command": "command",
    "script": "script",
    "attach_pid": "attach",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that can be started. It ends `as_limited` after `limit_s`, which is None for ever."""

    kind: Kind
    name: str
    params: Mapping[str, Any]
    sampling: Sampling
    limit_s: float | None
    start: Start | None = None
    attach_pid: int | None = None
    workload: str | None = None
    executor: str | None = None
    workers: int | None = None
    seconds: float | None = None
    python: str | None = None
    command: Sequence[str] | None = None
    script: str | None = None
    environment: Mapping[str, str] | None = None  # what of it may matter, see environment.py
    actions: Sequence[ActionSpec] = ()  # what it can be told to do while it runs

    @property
    def in_foreground(self) -> bool:
        """Whether it has the caller's own streams, and so outlives its observer."""
        return self.start is not None and self.start.stdio is not None

    @property
    def overrun(self) -> GilscopeError | None:
        """What is wrong when the limit is reached: nothing but with a workload, which ends by itself."""
        if self.kind != "workload":
            return None
        return TargetFailed(
            f"The workload was to last {self.seconds:g} s, and had not ended {GRACE_S:g} s after that",
            "Give it fewer workers, or free the machine of other work.",
        )

    @property
    def as_limited(self) -> Ended:
        """How the run ends when the limit is reached: a process that is let go of has not been cut short."""
        return "finished" if self.kind == "attach" else "timed_out"

    def to_json(self, run_id: str) -> Json:
        """What is known before it starts: the first fields of run_json.py. It stands in the hello."""
        return {
            "id": run_id,
            "kind": self.kind,
            "name": self.name,
            "workload": self.workload,
            "params": dict(self.params),
            "executor": self.executor,
            "workers": self.workers,
            "seconds": self.seconds,
            "python": self.python,
            "command": None if self.command is None else list(self.command),
            "environment": None if self.environment is None else dict(self.environment),
            "attach": None if self.attach_pid is None else {"pid": self.attach_pid},
        }

    def spec(self, run_id: str, *further: str) -> ObserverSpec:
        """What the observer is told; `further` words end the command to start."""
        start = self.start and replace(self.start, argv=[*self.start.argv, *further])
        return ObserverSpec(self.to_json(run_id), self.sampling, start, self.attach_pid)


def kind_of(request: RunRequest) -> Kind:
    """What the request asks for; BadRequest unless it is exactly one thing."""
    given = [name for name in _KINDS if getattr(request, name) is not None]
    if len(given) != 1:
        raise BadRequest(
            "A run is of one workload, of one command, of one script or of one process",
            'Give exactly one of "workload", "command", "script" and "attach".',
            field=_field(given[-1]) if given else "workload",
        )
    return _KINDS[given[0]]


def check_workload(request: RunRequest, known: Catalogue) -> tuple[WorkloadSpec, Checked]:
    """What can be checked before it is known which interpreters there are; the workload and its settings."""
    assert request.workload is not None
    _check_sampling(request.sampling)
    spec = known.get(request.workload)
    params, extent = dict(request.params), (request.executor, request.workers, request.seconds)
    return spec, catalogue.check(spec, params, *extent)


def of_workload(request: RunRequest, known: Catalogue, found: Sequence[Interpreter]) -> Plan:
    """The plan for a workload; BadRequest or NotFound names the field that is at fault."""
    spec, checked = check_workload(request, known)
    interpreter = interpreters.choose(request.python, found)
    catalogue.check_python(spec, checked.executor, known, interpreter.version_info, interpreter.label)
    argv = [
        *(interpreter.path, "-m", "app.workloads", "run", spec.name),
        *("--params", json.dumps(checked.params)),
        *("--executor", checked.executor),
        *("--workers", str(checked.workers)),
        *("--seconds", str(checked.seconds)),
    ]
    variables = own_environment()
    # For a workload that sets interpreters side by side: what the server found, such as have no GIL first.
    usable = sorted((each for each in found if each.supported), key=lambda each: not each.free_threaded)
    known_pythons = os.pathsep.join(each.path for each in usable)
    return Plan(
        kind="workload",
        name=request.name or spec.name,
        workload=spec.name,
        params=checked.params,
        start=Start(
            argv, {**variables, environment.PYTHONS_ENV: known_pythons}, cwd=str(HOME), workload=True
        ),
        sampling=request.sampling,
        limit_s=checked.seconds + GRACE_S,
        executor=checked.executor,
        workers=checked.workers,
        seconds=checked.seconds,
        python=interpreter.version,
        environment=environment.shown(variables),
        actions=spec.actions,
    )


def of_command(request: RunRequest) -> Plan:
    """The plan for a command; BadRequest names the field that is at fault."""
    command = request.command or ()
    _check_sampling(request.sampling)
    if not command or not command[0]:
        raise BadRequest("command names no program", 'Give a list such as ["python3", "x.py"].', "command")
    if any("\0" in word for word in command):
        raise BadRequest("command holds a NUL character, which no program can be given", field="command")
    _refuse(request, ("params", "executor", "workers", "python"), "a command")
    seconds = _seconds(request.seconds)
    variables = environment.inherited()
    return Plan(
        kind="command",
        name=request.name or name_of(redaction.command(command)) or command[0],
        params={},
        start=Start(
            list(command), variables, cwd=request.cwd or os.getcwd(), stdio=request.stdio, fds=request.fds
        ),
        sampling=request.sampling,
        limit_s=seconds,
        seconds=seconds,
        command=tuple(redaction.command(command)),
        environment=environment.shown(variables),
    )


def of_script(request: RunRequest, known: Catalogue, found: Sequence[Interpreter]) -> Plan:
    """The plan for a script; BadRequest or NotFound names the field that is at fault."""
    assert request.script is not None
    _check_sampling(request.sampling)
    _refuse(request, ("params",), "a script")
    if not request.script.strip():
        raise BadRequest("script holds no program", "Give the text of a Python program.", field="script")
    executor = request.executor or DEFAULT_EXECUTOR
    executors = [spec.name for spec in known.executors]
    if executor not in executors:
        raise BadRequest(
            f"executor must be one of {', '.join(executors)}; it was {executor!r}", field="executor"
        )
    workers = catalogue.number("workers", request.workers, os.cpu_count() or 1, 1, MAX_WORKERS, whole=True)
    seconds = _seconds(request.seconds)
    interpreter = interpreters.choose(request.python, found)
    variables = environment.of_script(executor, int(workers))
    return Plan(
        kind="script",
        name=request.name or "script",
        params={},
        start=Start([interpreter.path], variables, cwd=request.cwd or os.getcwd()),
        sampling=request.sampling,
        limit_s=seconds,
        executor=executor,
        workers=int(workers),
        seconds=seconds,
        python=interpreter.version,
        script=request.script,
        environment=environment.shown(variables),
    )


def of_attach(request: RunRequest) -> Plan:
    """The plan for a process that runs; BadRequest names the field that is at fault."""
    assert request.attach_pid is not None
    _check_sampling(request.sampling)
    _refuse(request, ("params", "executor", "workers", "python", "cwd"), "a process that runs already")
    if not 1 <= request.attach_pid <= MAX_PID:
        raise BadRequest(
            f"attach.pid must be between 1 and {MAX_PID}; it was {request.attach_pid}",
            "See `gilscope ps` for those that run.",
            field="attach.pid",
        )
    seconds = _seconds(request.seconds)
    return Plan(
        kind="attach",
        name=request.name
        or name_of(environment.command_of(request.attach_pid))
        or f"pid {request.attach_pid}",
        params={},
        sampling=request.sampling,
        limit_s=seconds,
        attach_pid=request.attach_pid,
        seconds=seconds,
        environment=environment.of_process(request.attach_pid),
    )


def _field(name: str) -> str:
    """What the interface calls a field of a request."""
    return "attach" if name == "attach_pid" else name


def _refuse(request: RunRequest, names: Sequence[str], what: str) -> None:
    for name in names:
        if getattr(request, name):
            raise BadRequest(f"{name} does not concern {what}", f"Leave {name} out.", field=name)


def _seconds(value: float | str | None) -> float | None:
    if value is None:
        return None
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
