"""What a workload declares, and the list of all of them.

A family is a module that offers `WORKLOADS`; a workload is a declaration beside the functions that do
its work. `python -m app.workloads list` prints:

    {"schema": 1,
     "chapters": [{"number", "title"}],
     "workloads": [{"name", "family", "title", "sentence", "op",
                    "params": [{"name", "type", "default", "min", "max", "choices", "help", "unit",
                                "program"}],
                    "executors": [name], "executor", "workers", "min_workers", "max_workers",
                    "min_python": [3, 9], "question": question, "look_for": [sentence],
                    "why": [sentence], "helps": [sentence], "subject", "chapters": [number],
                    "asked": sentence, "finding",
                    "table": {"columns": [text], "rows": [[text]]},
                    "actions": [{"name", "title", "help"}],
                    "mended": {"title", "workload", "params", "executor", "workers"}}],
     "executors": [{"name", "sentence", "min_python"}]}

`type` is int, float, bool, choice or text; what does not apply is null. `op` says what one operation is.
`question` is what its figures and the opening panel of its run answer first: see QUESTIONS.
`look_for` is read beside the live picture, `why` and `helps` below the result, and `table` with them;
`subject` is where in the book's subject it belongs, and `chapters` are those that it names; `asked` is what a
room is asked before it sees the run: see chapters.py. `mended` is the variant that does not show the trouble.
A result's own sentences, with its own numbers in them, are in its `showed`; what a person is shown of it as
figures is in its `measured`, see measured.py, and its `op` says what one operation is.
`seconds`, the longest life of a run, belongs to every workload and is not among the parameters.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple, Optional, Union

from app.workloads.chapters import asked, chapters_of
from app.workloads.context import Context, Json
from app.workloads.measured import Shown

SCHEMA = 1
MIN_SECONDS = 0.1
MAX_SECONDS = 3600.0
DEFAULT_SECONDS = 10.0

FAMILIES = tuple(
    f"app.workloads.{family}"
    for family in (
        "gil",
        "models",
        "loops",
        "hazards",
        "structures",
        "scheduling",
        "atomicity",
        "memory",
        "languages",
    )
)

# What a workload's run is looked at for, by family; a workload may name another. "gil": who holds the lock
# and who waits for it; "work": how much gets done; "locks": who waits for a lock that is not the GIL, and
# what came of it; "loop": how late its event loop is; "memory": what the memory is used for.
QUESTIONS = ("gil", "work", "locks", "loop", "memory")
_QUESTION_OF_FAMILY = {
    "gil": "gil",
    "models": "work",
    "asyncio": "loop",
    "hazards": "locks",
    "structures": "work",
    "scheduling": "work",
    "atomicity": "work",
    "memory": "memory",
    "languages": "memory",
}

_TYPES: dict[str, Any] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "choice": (str,),
    "text": (str,),
}

ParamValue = Union[int, float, bool, str]
Work = Callable[[Context], Optional[Json]]
AsyncWork = Callable[[Context], Awaitable[Optional[Json]]]


class InvalidRequest(ValueError):
    """Something was asked for that cannot be run. `field` is the part of the request at fault, dotted."""

    def __init__(self, field: str, detail: str, remedy: str = "") -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail
        self.remedy = remedy


@dataclass(frozen=True)
class Param:
    """One parameter: its type, default and bounds."""

    name: str
    type: str
    default: ParamValue
    help: str
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] | None = None
    unit: str | None = None
    program: bool = False  # of a text: it is a program, or where one is, which the workload runs

    def check(self, value: Any) -> ParamValue:
        """The value, if it is of this type and within the bounds."""
        if not isinstance(value, _TYPES[self.type]) or (self.type != "bool" and isinstance(value, bool)):
            raise self._refused(f"{value!r} is not of type {self.type}")
        if self.choices is not None and value not in self.choices:
            raise self._refused(f"{value!r} is not one of {', '.join(self.choices)}")
        # Asked in the positive, so that NaN is refused as well.
        if self.min is not None and self.max is not None and not self.min <= value <= self.max:
            raise self._refused(f"{value!r} is not between {self.min} and {self.max}")
        return float(value) if self.type == "float" else value

    def _refused(self, detail: str) -> InvalidRequest:
        return InvalidRequest(f"params.{self.name}", detail, self.help)


START_METHOD = Param(
    "start_method",
    "choice",
    "fork",
    "How the executor processes starts a child: as a copy of this process, of a server that has done "
    "nothing yet, or as a new interpreter. The other executors start none.",
    choices=("fork", "forkserver", "spawn"),
)


@dataclass(frozen=True)
class Companion:
    """A process beside the workers that is no part of what is measured: a client, a remote server."""

    role: str
    work: Work
    wanted: Callable[[Mapping[str, Any]], bool] = lambda params: True


@dataclass(frozen=True)
class Action:
    """Something that a person can have a running workload do: a button beside the run."""

    name: str
    title: str
    help: str


@dataclass(frozen=True)
class Variant:
    """Another way to run a workload, or another workload: None and what is not named stay as they are."""

    title: str
    workload: str | None = None
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    executor: str | None = None
    workers: int | None = None


def _no_work(ctx: Context) -> None:
    raise AssertionError("a workload without work runs on asyncio alone")


@dataclass(frozen=True)
class Workload:
    """A workload: what a person is told of it, and the functions that do it.

    `work` is called once in every worker, and returns what that worker found, or None; on the executor
    asyncio `coroutine` is awaited instead. Every workload that runs on processes has the parameter
    `start_method`; what it prepares can be pickled if it runs on subinterpreters. `prepare` is called
    once before any worker exists; workers and companion see what it returned, and what it enters into the
    stack is closed at the end.
    `summarise` makes the result's own fields of what was prepared, what the workers found, in their order,
    and what the companion found (None without one). `showed` makes sentences of the whole result; `shown` are
    those of its own fields that a person is shown as figures.

    `roles` names the threads: worker i has role i, and all those after the last role have the last.
    """

    name: str
    family: str
    title: str
    sentence: str
    op: str
    look_for: tuple[str, ...]
    roles: tuple[str, ...]
    work: Work = _no_work
    executors: tuple[str, ...] = ("threads", "processes", "sequential")
    executor: str = "threads"
    workers: int = 4
    min_workers: int = 1
    max_workers: int = 64
    min_python: tuple[int, int] = (3, 9)
    params: tuple[Param, ...] = ()
    why: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    subject: str = ""
    question: str = ""  # one of QUESTIONS; empty: that of its family
    table: Json | None = None
    finding: str | None = None
    mended: Variant | None = None
    actions: tuple[Action, ...] = ()
    coroutine: AsyncWork | None = None  # of a workload that runs on asyncio
    counting: str | None = None  # the role whose workers count operations; None where all of them do
    companion: Companion | None = None
    prepare: Callable[[Setting, ExitStack], Any] = lambda setting, resources: None
    summarise: Callable[[Any, Sequence[Json], Json | None], Json] = lambda prepared, found, companion: {}
    showed: Callable[[Json], Sequence[str]] = lambda result: ()
    shown: tuple[Shown, ...] = ()

    def __post_init__(self) -> None:
        question = self.question or _QUESTION_OF_FAMILY.get(self.family, "work")
        if question not in QUESTIONS:
            raise ValueError(f"{self.name} asks {question!r}, which is none of {', '.join(QUESTIONS)}")
        object.__setattr__(self, "question", question)
        if "processes" in self.executors:
            object.__setattr__(self, "params", (*self.params, START_METHOD))

    def __reduce__(self) -> tuple[Any, ...]:
        return find, (self.name,)

    def role(self, worker: int) -> tuple[str, str]:
        """A worker's role, and its name: the role and its number in that role, from 1."""
        place = min(worker, len(self.roles) - 1)
        return self.roles[place], f"{self.roles[place]}-{worker - place + 1}"

    def check_params(self, given: Mapping[str, Any]) -> dict[str, ParamValue]:
        """Every parameter with the value given, or its default; InvalidRequest for a wrong or unknown one."""
        unknown = sorted(set(given) - {param.name for param in self.params})
        if unknown:
            names = ", ".join(param.name for param in self.params) or "none"
            raise InvalidRequest(
                f"params.{unknown[0]}", f"{self.name} has no such parameter", f"It has: {names}."
            )
        return {param.name: param.check(given.get(param.name, param.default)) for param in self.params}

    def check_extent(self, executor: str, workers: int, seconds: float) -> None:
        """InvalidRequest if it cannot be run so, or not on this interpreter."""
        if executor not in self.executors:
            remedy = f"It runs on: {', '.join(self.executors)}."
            raise InvalidRequest("executor", f"{self.name} does not run on {executor!r}", remedy)
        if not self.min_workers <= workers <= self.max_workers:
            raise InvalidRequest(
                "workers", f"{workers} is not between {self.min_workers} and {self.max_workers}"
            )
        if not MIN_SECONDS <= seconds <= MAX_SECONDS:
            raise InvalidRequest("seconds", f"{seconds} is not between {MIN_SECONDS} and {MAX_SECONDS}")
        if sys.version_info < self.min_python:
            raise InvalidRequest(
                "python", f"{self.name} needs CPython {'.'.join(map(str, self.min_python))} or later"
            )

    def to_json(self) -> Json:
        """The declaration, without the functions."""
        shown = (
            "name",
            "family",
            "title",
            "sentence",
            "op",
            "executor",
            "workers",
            "min_workers",
            "max_workers",
            "question",
        )
        return {
            **{name: getattr(self, name) for name in shown},
            "params": [dict(param.__dict__) for param in self.params],
            "executors": list(self.executors),
            "min_python": list(self.min_python),
            "look_for": list(self.look_for),
            "why": list(self.why),
            "helps": list(self.helps),
            "subject": self.subject,
            "chapters": list(chapters_of(self.subject)),
            "asked": asked(self.name, self.question),
            "table": self.table,
            "finding": self.finding,
            "actions": [dict(action.__dict__) for action in self.actions],
            "mended": dict(self.mended.__dict__) if self.mended else None,
        }


class Setting(NamedTuple):
    """What to run and how, checked against the workload's declaration."""

    workload: Workload
    params: Mapping[str, ParamValue]
    executor: str
    workers: int
    seconds: float


def setting(
    name: str, params: Mapping[str, Any], executor: str | None, workers: int | None, seconds: float
) -> Setting:
    """What was asked for; None means the workload's own. InvalidRequest if it cannot be."""
    workload = find(name)
    executor = workload.executor if executor is None else executor
    workers = workload.workers if workers is None else workers
    workload.check_extent(executor, workers, seconds)
    return Setting(workload, workload.check_params(params), executor, workers, seconds)


def workloads() -> list[Workload]:
    """Every workload, in the order in which a person is shown them."""
    return [workload for family in FAMILIES for workload in import_module(family).WORKLOADS]


def find(name: str) -> Workload:
    """The workload of that name. InvalidRequest if there is none."""
    for workload in workloads():
        if workload.name == name:
            return workload
    known = ", ".join(workload.name for workload in workloads())
    raise InvalidRequest("workload", f"there is no workload {name!r}", f"There are: {known}.")
