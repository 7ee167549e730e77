"""What a client asks for, before anything of it has been checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.model.spec import Sampling


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run: exactly one of `workload` and `command`. None means the default.

    `params`, `executor`, `workers` and `python` concern a workload alone. A workload lasts for `seconds`; a
    command is stopped after so many, and runs to its own end without.
    """

    workload: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    executor: str | None = None
    workers: int | str | None = None
    python: str | None = None
    seconds: float | str | None = None
    command: Sequence[str] | None = None
    cwd: str | None = None
    name: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
