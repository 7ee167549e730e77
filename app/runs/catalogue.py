"""The catalogue of workloads as the server knows it: what `python -m app.workloads list` says.

The workloads are never imported here, since they run on Pythons of their own. What a person asks for is
checked against the declarations before anything is started.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cache
from math import isfinite
from typing import Any, Literal

from app.model.errors import BadRequest, GilscopeError, NotFound
from app.runs.observer import HOME, own_environment

MIN_SECONDS = 0.1
MAX_SECONDS = 3600.0
DEFAULT_SECONDS = 10.0
MAX_TEXT = 20_000  # characters: what a workload is started with is one word of a command

_LIST_LIMIT_S = 20.0
_SWITCHES = {
    "true": True,
    "on": True,
    "yes": True,
    "1": True,
    "false": False,
    "off": False,
    "no": False,
    "0": False,
}

Value = int | float | bool | str


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One parameter of a workload. `min` and `max` are inclusive; what does not apply is None."""

    name: str
    type: Literal["int", "float", "bool", "choice", "text"]
    default: Value
    help: str
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] | None = None
    unit: str | None = None
    program: bool = False


@dataclass(frozen=True, slots=True)
class ExecutorSpec:
    """A way of running workers, and the oldest CPython on which it holds."""

    name: str
    sentence: str
    min_python: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """Something that a running workload can be told to do."""

    name: str
    title: str
    help: str


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """The variant of a workload that does not show its trouble; null stays as it is."""

    title: str
    workload: str | None
    params: dict[str, Value]
    executor: str | None
    workers: int | None


@dataclass(frozen=True, slots=True)
class ChapterSpec:
    """A chapter of the book that the catalogue follows."""

    number: int
    title: str


@dataclass(frozen=True, slots=True)
class WorkloadSpec:
    """What a workload declares: see app/workloads/catalogue.py."""

    name: str
    family: str
    title: str
    sentence: str
    op: str
    params: tuple[ParamSpec, ...]
    executors: tuple[str, ...]
    executor: str
    workers: int
    min_workers: int
    max_workers: int
    min_python: tuple[int, int]
    look_for: tuple[str, ...]
    why: tuple[str, ...]
    helps: tuple[str, ...]
    subject: str
    chapters: tuple[int, ...]
    asked: str
    question: str
    finding: str | None
    actions: tuple[ActionSpec, ...]
    mended: VariantSpec | None
    table: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All workloads, in the order in which they are shown, all executors, and the book's chapters."""

    schema: int
    chapters: tuple[ChapterSpec, ...]
    workloads: tuple[WorkloadSpec, ...]
    executors: tuple[ExecutorSpec, ...]

    def get(self, name: str) -> WorkloadSpec:
        """The workload of that name; NotFound suggests another."""
        for spec in self.workloads:
            if spec.name == name:
                return spec
        names = [spec.name for spec in self.workloads]
        raise NotFound(f"There is no workload {name!r}", _did_you_mean(name, names), field="workload")

    def to_json(self) -> dict[str, Any]:
        """The catalogue in the shape in which it was listed."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Checked:
    """A workload's settings, complete and within their bounds."""

    params: dict[str, Value]
    executor: str
    workers: int
    seconds: float


@cache
def load() -> Catalogue:
    """The catalogue, asked for once. GilscopeError when the workloads cannot be listed."""
    try:
        listed = subprocess.run(
            [sys.executable, "-m", "app.workloads", "list"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIST_LIMIT_S,
            cwd=HOME,
            env=own_environment(),
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise GilscopeError(
            f"The workloads were not listed within {_LIST_LIMIT_S:g} s", "Try again."
        ) from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise GilscopeError(f"The workloads could not be listed: {said}", "Install GILScope anew.") from error
    return parse(json.loads(listed.stdout))


def parse(listed: Mapping[str, Any]) -> Catalogue:
    """The catalogue in what was listed. TypeError when the two are of different versions."""
    return Catalogue(
        schema=listed["schema"],
        chapters=tuple(ChapterSpec(**row) for row in listed["chapters"]),
        workloads=tuple(_workload(row) for row in listed["workloads"]),
        executors=tuple(
            ExecutorSpec(row["name"], row["sentence"], (row["min_python"][0], row["min_python"][1]))
            for row in listed["executors"]
        ),
    )


def check(
    spec: WorkloadSpec,
    params: Mapping[str, Any],
    executor: str | None = None,
    workers: int | str | None = None,
    seconds: float | str | None = None,
) -> Checked:
    """The settings asked for, with defaults for what is None or missing.

    Texts are taken for numbers and switches too, since forms and command lines have nothing else. BadRequest
    names the field and the bound.
    """
    known = {param.name: param for param in spec.params}
    for name in params:
        if name not in known:
            raise BadRequest(
                f"{spec.name} has no parameter {name!r}", _did_you_mean(name, known), field=f"params.{name}"
            )
    if executor is not None and executor not in spec.executors:
        raise BadRequest(
            f"executor must be one of {', '.join(spec.executors)} for {spec.name}; it was {executor!r}",
            field="executor",
        )
    return Checked(
        params={name: _checked(param, params.get(name)) for name, param in known.items()},
        executor=executor or spec.executor,
        workers=int(number("workers", workers, spec.workers, spec.min_workers, spec.max_workers, whole=True)),
        seconds=float(number("seconds", seconds, DEFAULT_SECONDS, MIN_SECONDS, MAX_SECONDS)),
    )


def check_python(
    spec: WorkloadSpec, executor: str, known: Catalogue, version: tuple[int, ...], label: str
) -> None:
    """BadRequest if an interpreter of that version is too old for the workload or for the executor."""
    least = next(each.min_python for each in known.executors if each.name == executor)
    for field, what, oldest in (("python", spec.name, spec.min_python), ("executor", executor, least)):
        if version < oldest:
            raise BadRequest(
                f"{what} needs CPython {'.'.join(map(str, oldest))} or later, and this is {label}",
                "`gilscope pythons` lists the interpreters that were found.",
                field=field,
            )


def _checked(param: ParamSpec, value: Any) -> Value:
    field = f"params.{param.name}"
    if value is None:
        return param.default
    if param.type in ("int", "float"):
        return number(field, value, 0, param.min, param.max, whole=param.type == "int", remedy=param.help)
    if param.type == "bool":
        switch = _SWITCHES.get(value.strip().lower()) if isinstance(value, str) else value
        if not isinstance(switch, bool):
            raise BadRequest(f"{field} must be true or false; it was {value!r}", param.help, field)
        return switch
    if not isinstance(value, str):
        raise BadRequest(f"{field} must be a text; it was {value!r}", param.help, field)
    if not encodable(value):
        raise BadRequest(f"{field} must be text that can be encoded as UTF-8", param.help, field)
    if len(value) > MAX_TEXT:
        raise BadRequest(
            f"{field} must have at most {MAX_TEXT} characters; it had {len(value)}", param.help, field
        )
    if param.choices is not None and value not in param.choices:
        raise BadRequest(
            f"{field} must be one of {', '.join(param.choices)}; it was {value!r}", param.help, field
        )
    return value


def encodable(text: str) -> bool:
    """Whether UTF-8 has it: not half of a surrogate pair, nor what stands for a byte that is no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def number(
    field: str,
    value: Any,
    default: float,
    least: float | None,
    most: float | None,
    whole: bool = False,
    remedy: str = "",
) -> int | float:
    """The number that was asked for, or `default` for None; BadRequest names the field and its bounds."""
    if value is None:
        return default
    parsed = _parsed(value, whole)
    if parsed is None or not (least is None or parsed >= least) or not (most is None or parsed <= most):
        said = value if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
        kind = "a whole number" if whole else "" if parsed is not None else "a number"
        raise BadRequest(f"{field} must be {_within(kind, least, most)}; it was {said}", remedy, field)
    return parsed


def _parsed(value: Any, whole: bool) -> int | float | None:
    """The number meant by a number or a text; None where it is none, is not finite, or is not `whole`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
        if not isfinite(number):
            return None
        return (
            (int(value) if not isinstance(value, float) or value.is_integer() else None) if whole else number
        )
    except (ValueError, OverflowError):
        return None


def _within(kind: str, least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f"{kind} between {_plain(least)} and {_plain(most)}".lstrip()
    if least is not None:
        bound = f"at least {_plain(least)}"
    elif most is not None:
        bound = f"at most {_plain(most)}"
    else:
        return kind
    return f"{kind}, {bound}" if kind else bound


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(number)


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    known = list(names)
    near = get_close_matches(name, known, n=1)
    there = f"There are: {', '.join(known)}." if known else "There are none."
    return f"Did you mean {near[0]}? {there}" if near else there


def _workload(row: Mapping[str, Any]) -> WorkloadSpec:
    major, minor = row["min_python"]
    return WorkloadSpec(
        **{
            **row,
            "params": tuple(_param(param) for param in row["params"]),
            "executors": tuple(row["executors"]),
            "min_python": (major, minor),
            **{words: tuple(row[words]) for words in ("look_for", "why", "helps", "chapters")},
            "actions": tuple(ActionSpec(**action) for action in row["actions"]),
            "mended": VariantSpec(**row["mended"]) if row["mended"] else None,
        }
    )


def _param(row: Mapping[str, Any]) -> ParamSpec:
    choices = row["choices"]
    return ParamSpec(**{**row, "choices": None if choices is None else tuple(choices)})
