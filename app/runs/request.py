"""What a client asks for, before anything of it has been checked.

A field is declared here and nowhere else: what it means, the kinds of run that it concerns, its bounds. The
checks in plan.py, the interface's bodies, the command line's help and the page's forms read that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from app.model.spec import Sampling

Kind = Literal["workload", "command", "script", "attach"]
Bounds = tuple[float, float]

_ALL: tuple[Kind, ...] = ("workload", "command", "script", "attach")
_OF_WORKERS: tuple[Kind, ...] = ("workload", "script")


@dataclass(frozen=True, slots=True)
class Declared:
    """What is said of a field, for all who ask for it or show it."""

    help: str
    of: tuple[Kind, ...] = _ALL  # the kinds of run that it concerns
    names: Kind | None = None  # given, the run is one of that kind
    bounds: Bounds | None = None  # of a number; those of a workload's own are its catalogue entry's
    lengths: tuple[int, int] | None = None  # of a text, in characters
    shown: bool = True  # a run tells it afterwards


def _asked(help: str, default: Any = None, **more: Any) -> Any:
    return field(default=default, metadata={"declared": Declared(help, **more)})


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run: exactly one of `workload`, `command`, `script`, `attach_pid` and `scheduler`.

    None means the default.
    """

    workload: str | None = _asked(
        "The name of a workload, as the catalogue lists it.", of=("workload",), names="workload"
    )
    params: Mapping[str, Any] = field(
        default_factory=dict,
        metadata={"declared": Declared("The workload's own parameters.", of=("workload",))},
    )
    executor: str | None = _asked(
        "What the workload's workers are; a script finds it in GILSCOPE_EXECUTOR.", of=_OF_WORKERS
    )
    workers: int | None = _asked(
        "How many there are; a script finds it in GILSCOPE_WORKERS.", of=_OF_WORKERS, bounds=(1, 1024)
    )
    python: str | None = _asked(
        "An interpreter: its version (3.12) or its path, of those that were found.", of=_OF_WORKERS
    )
    seconds: float | None = _asked(
        "How long a workload lasts; a command or a script is ended after so many, a process let go of. "
        "Without it they are observed to their own end.",
        bounds=(0.1, 24 * 3600.0),
    )
    command: list[str] | None = _asked(  # noqa: RUF009  the default is None
        "A program and its arguments, as a list; what looks secret is blanked where it is shown.",
        of=("command",),
        names="command",
    )
    script: str | None = _asked(
        "The text of a Python program, run as `__main__`.",
        of=("script",),
        names="script",
        lengths=(0, 1_000_000),
        shown=False,
    )
    attach_pid: int | None = _asked(
        "A process that runs already, by its id; it lives on.",
        of=("attach",),
        names="attach",
        bounds=(1, 2**22),  # the kernel's own bound, PID_MAX_LIMIT
    )
    name: str | None = _asked("What to call the run.", lengths=(1, 80))
    cwd: str | None = None  # of a command or a script, from the command line
    scheduler: str | None = None  # of a cluster to observe, from the command line: see cluster/
    via: str | None = None  # what gives a shell where the process runs, from the command line: see far.py
    variables: Mapping[str, str] = field(default_factory=dict)  # further ones of a command's environment
    stdio: tuple[int, int, int] | None = None  # descriptors for a command that is to run in the foreground
    fds: tuple[int, ...] = ()  # further descriptors that such a command inherits
    sampling: Sampling = field(default_factory=Sampling)


LONGEST_TAG = 40  # characters
MOST_TAGS = 20  # of a run

DECLARED: dict[str, Declared] = {
    each.name: each.metadata["declared"] for each in fields(RunRequest) if "declared" in each.metadata
}

# Those that a run tells as they are; the process is told as an object, see `interface_name`.
ASKED = tuple(name for name, each in DECLARED.items() if each.shown and name != "attach_pid")


def bounds_of(name: str) -> Bounds:
    """The least and the greatest value of a field that has bounds."""
    bounds = DECLARED[name].bounds
    assert bounds is not None, name
    return bounds


def interface_name(name: str) -> str:
    """What the interface calls a field: there a process is an object, {"attach": {"pid": 1234}}."""
    return "attach" if name == "attach_pid" else name
