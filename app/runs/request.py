"""What a client asks for, before anything of it has been checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.model.spec import Sampling


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run: exactly one of `workload`, `command`, `script` and `attach_pid`. None means the default.

    `params` concern a workload alone; `executor`, `workers` and `python` a workload and a script. A workload
    lasts for `seconds`; a command and a script are stopped after so many, and a process is let go of; without
    `seconds` they are observed to their own end.
    """

    workload: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    executor: str | None = None
    workers: int | str | None = None
    python: str | None = None
    seconds: float | str | None = None
    command: Sequence[str] | None = None
    script: str | None = None
    attach_pid: int | None = None
    stdio: tuple[int, int, int] | None = None  # descriptors for a command that is to run in the foreground
    fds: tuple[int, ...] = ()  # further descriptors that such a command inherits
    cwd: str | None = None
    name: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
