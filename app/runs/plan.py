"""From what a client asks for to what an observer is told: all is checked before anything is started."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from app.model import redaction
from app.model.errors import BadRequest, GilscopeError, TargetFailed
from app.model.program import name_of
from app.model.spec import Limits, ObserverSpec, Sampling, Start
from app.runs import catalogue, cluster, environment, far, interpreters, line
from app.runs.catalogue import ActionSpec, Catalogue, Checked, WorkloadSpec
from app.runs.interpreters import Interpreter
from app.runs.lifecycle import Ended
from app.runs.observer import HOME, target_environment
from app.runs.request import ASKED, DECLARED, Kind, RunRequest, bounds_of, interface_name
from app.runs.script_name import script_name

GRACE_S = 10.0  # for a workload to get ready, and to report, beside the seconds that it runs for
DEFAULT_EXECUTOR = "threads"

Json = dict[str, Any]

_WHAT = {"command": "a command", "script": "a script", "attach": "a process that runs already"}
_RUNNING = "See `gilscope ps` for those that run."


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that can be started. It ends `as_limited` after `limit_s`, which is None for ever."""

    kind: Kind
    name: str
    asked: RunRequest  # with each default filled in, and what looks secret blanked
    limit_s: float | None
    start: Start | None = None
    environment: Mapping[str, str] | None = None  # what of it may matter, see environment.py
    actions: Sequence[ActionSpec] = ()  # what it can be told to do while it runs
    observer: Sequence[str] | None = None  # the command that starts it where the process runs; None: here
    question: str | None = None  # what a workload's run is looked at for, see app/workloads/catalogue.py

    def limited(self, limits: Limits, limit_s: float) -> Plan:
        """The same within limits, but for what has the caller's own streams, or runs elsewhere."""
        if self.start is None or self.in_foreground or self.elsewhere:
            return self
        return replace(self, start=replace(self.start, limits=limits), limit_s=self.limit_s or limit_s)

    @property
    def in_foreground(self) -> bool:
        """Whether it has the caller's own streams, and so outlives its observer."""
        return self.start is not None and self.start.stdio is not None

    @property
    def elsewhere(self) -> bool:
        """Whether its processes are not of this machine, so that no pid of theirs means anything here."""
        return self.observer is not None

    @property
    def overrun(self) -> GilscopeError | None:
        """What is wrong when the limit is reached: nothing but with a workload, which ends by itself."""
        if self.kind != "workload":
            return None
        return TargetFailed(
            f"The workload was to last {self.asked.seconds:g} s, and had not ended {GRACE_S:g} s after that",
            "Give it fewer workers, or free the machine of other work.",
        )

    @property
    def as_limited(self) -> Ended:
        """How the run ends when the limit is reached: a process that is let go of has not been cut short."""
        return "finished" if self.kind == "attach" else "timed_out"

    def to_json(self, run_id: str) -> Json:
        """What is known before it starts: the first fields of run_json.py, and a script's text.

        It stands in the hello, so that the run can be started again from its recording.
        """
        asked = {name: getattr(self.asked, name) for name in ASKED}
        pid, scheduler = self.asked.attach_pid, self.asked.scheduler
        attached = {"pid": pid} if scheduler is None else {"scheduler": redaction.text(scheduler)}
        return {
            "id": run_id,
            "kind": self.kind,
            **asked,
            "name": self.name,
            **({} if self.asked.script is None else {"script": self.asked.script}),
            "environment": None if self.environment is None else dict(self.environment),
            **({} if self.asked.via is None else {"via": far.shown(self.asked.via)}),
            "attach": attached if self.kind == "attach" else None,
            "limits": self._limits_json(),
            "question": self.question,
        }

    def _limits_json(self) -> Json | None:
        """What the program may use, of all its processes together or of each; None: as it likes."""
        unlimited = self.start is None or self.in_foreground or self.elsewhere
        limits = None if self.start is None or unlimited else self.start.limits
        if limits is None:
            return None
        return {
            "memory_bytes": limits.memory_bytes,
            "processes": limits.processes,
            "file_bytes": limits.file_bytes,
            "output_bytes": limits.output_bytes,
            "together": limits.group is not None,
        }

    def spec(self, run_id: str, *further: str) -> ObserverSpec:
        """What the observer is told; `further` words end the command to start."""
        start = self.start and replace(self.start, argv=[*self.start.argv, *further])
        return ObserverSpec(self.to_json(run_id), self.asked.sampling, start, self.asked.attach_pid)


def kind_of(request: RunRequest) -> Kind:
    """What the request asks for; BadRequest unless it is exactly one thing."""
    kinds = {name: declared.names for name, declared in DECLARED.items() if declared.names}
    given = [name for name in kinds if getattr(request, name) is not None]
    if request.scheduler is not None and not given:
        return "attach"
    if len(given) != 1:
        raise BadRequest(
            "A run is of one workload, of one command, of one script or of one process",
            'Give exactly one of "workload", "command", "script" and "attach".',
            field=interface_name(given[-1]) if given else "workload",
        )
    kind = kinds[given[0]]
    assert kind is not None
    return kind


def brings_a_program(request: RunRequest, known: Catalogue) -> bool:
    """Whether it runs or reads more than a workload of the catalogue, on an interpreter that was found."""
    if request.workload is None:
        return True
    programs = {param.name: param.default for param in known.get(request.workload).params if param.program}
    return any(request.params.get(name, default) != default for name, default in programs.items())


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
    variables = target_environment()
    # For a workload that sets interpreters side by side: what the server found, such as have no GIL first.
    usable = sorted((each for each in found if each.supported), key=lambda each: not each.free_threaded)
    known_pythons = os.pathsep.join(each.path for each in usable)
    return Plan(
        kind="workload",
        name=request.name or spec.name,
        asked=replace(
            request,
            params=checked.params,
            executor=checked.executor,
            workers=checked.workers,
            seconds=checked.seconds,
            python=interpreter.label,
        ),
        start=Start(
            argv, {**variables, environment.PYTHONS_ENV: known_pythons}, cwd=str(HOME), workload=True
        ),
        limit_s=checked.seconds + GRACE_S,
        environment=environment.shown(variables),
        actions=spec.actions,
        question=spec.question,
    )


def of_command(request: RunRequest) -> Plan:
    """The plan for a command; BadRequest names the field that is at fault."""
    command = request.command or ()
    _check_sampling(request.sampling)
    if not command or not command[0]:
        raise BadRequest("command names no program", 'Give a list such as ["python3", "x.py"].', "command")
    if any("\0" in word for word in command):
        raise BadRequest("command holds a NUL character, which no program can be given", field="command")
    _refuse(request, "command")
    seconds = _seconds(request.seconds)
    name = request.name or name_of(redaction.command(command)) or command[0]
    asked = replace(request, seconds=seconds, command=list(redaction.command(command)))
    if request.via is not None:  # there it has what a shell there gives
        return Plan(
            kind="command",
            name=_with_via(name, request.via),
            asked=asked,
            start=Start(list(command), None, whole_output=True),
            limit_s=seconds,
            observer=line.command(request.via),
        )
    variables = {**environment.inherited(), **request.variables}
    return Plan(
        kind="command",
        name=name,
        asked=asked,
        start=Start(
            list(command), variables, cwd=request.cwd or os.getcwd(), stdio=request.stdio, fds=request.fds
        ),
        limit_s=seconds,
        environment=environment.shown(variables),
    )


def of_script(request: RunRequest, known: Catalogue, found: Sequence[Interpreter]) -> Plan:
    """The plan for a script; BadRequest or NotFound names the field that is at fault."""
    assert request.script is not None
    _check_sampling(request.sampling)
    _refuse(request, "script")
    if not request.script.strip():
        raise BadRequest("script holds no program", "Give the text of a Python program.", field="script")
    executor = request.executor or DEFAULT_EXECUTOR
    executors = [spec.name for spec in known.executors]
    if executor not in executors:
        raise BadRequest(
            f"executor must be one of {', '.join(executors)}; it was {executor!r}", field="executor"
        )
    least, most = bounds_of("workers")
    workers = int(catalogue.number("workers", request.workers, os.cpu_count() or 1, least, most, whole=True))
    seconds = _seconds(request.seconds)
    interpreter = interpreters.choose(request.python, found)
    variables = environment.of_script(executor, workers)
    return Plan(
        kind="script",
        name=request.name or script_name(request.script),
        asked=replace(request, executor=executor, workers=workers, seconds=seconds, python=interpreter.label),
        start=Start([interpreter.path], variables, cwd=request.cwd or os.getcwd()),
        limit_s=seconds,
        environment=environment.shown(variables),
    )


def of_attach(request: RunRequest) -> Plan:
    """The plan for a process that runs; BadRequest names the field that is at fault."""
    assert request.attach_pid is not None
    _check_sampling(request.sampling)
    _refuse(request, "attach")
    catalogue.number(
        "attach.pid", request.attach_pid, 0, *bounds_of("attach_pid"), whole=True, remedy=_RUNNING
    )
    seconds = _seconds(request.seconds)
    here = request.via is None
    observer = None if request.via is None else line.command(request.via)
    name = name_of(environment.command_of(request.attach_pid)) if here else None
    return Plan(
        kind="attach",
        name=request.name or name or _with_via(f"pid {request.attach_pid}", request.via),
        asked=replace(request, seconds=seconds),
        limit_s=seconds,
        environment=environment.of_process(request.attach_pid) if here else None,
        observer=observer,
    )


def _with_via(name: str, via: str | None) -> str:
    """What a run is called, and where it is if that is elsewhere."""
    _, longest = DECLARED["name"].lengths or (0, None)
    return name if via is None else f"{name} via {far.shown(via)}"[:longest]


def of_cluster(request: RunRequest) -> Plan:
    """The plan for the workers of a cluster; BadRequest names what is at fault."""
    assert request.scheduler is not None
    _check_sampling(request.sampling)
    seconds = _seconds(request.seconds)
    command = cluster.command(request.scheduler)
    _, longest = DECLARED["name"].lengths or (0, None)
    return Plan(
        kind="attach",
        name=request.name or f"Dask at {redaction.text(request.scheduler)}"[:longest],
        asked=replace(request, seconds=seconds),
        limit_s=seconds,
        observer=command,
    )


def _refuse(request: RunRequest, kind: Kind) -> None:
    for name, declared in DECLARED.items():
        if kind not in declared.of and getattr(request, name):
            raise BadRequest(f"{name} does not concern {_WHAT[kind]}", f"Leave {name} out.", field=name)


def _seconds(value: float | None) -> float | None:
    return None if value is None else float(catalogue.number("seconds", value, 0, *bounds_of("seconds")))


def _check_sampling(sampling: Sampling) -> None:
    for rate in fields(sampling):
        catalogue.number(f"sampling.{rate.name}", getattr(sampling, rate.name), 0, *rate.metadata["bounds"])
