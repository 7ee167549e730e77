"""The environments and command lines of targets: what they get, and what of it is shown."""

from __future__ import annotations

import os
from collections.abc import Mapping

import psutil

from app.model import redaction

EXECUTOR_ENV = "GILSCOPE_EXECUTOR"
WORKERS_ENV = "GILSCOPE_WORKERS"
PYTHONS_ENV = "GILSCOPE_PYTHONS"

# What changes how a Python program runs or how many threads it starts; the rest is nobody's business.
_SHOWN_PREFIXES = ("PYTHON", "GILSCOPE_", "MALLOC_", "MIMALLOC_", "OMP_", "OPENBLAS_", "MKL_", "NUMEXPR_")
_SHOWN = ("LD_PRELOAD", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "WEB_CONCURRENCY")
_DESCRIPTORS = ("GILSCOPE_CHANNEL_FD", "GILSCOPE_SHARED_FD")


def inherited() -> dict[str, str]:
    """The caller's own, without this program's settings: the token above all."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GILSCOPE_")}


def of_script(executor: str, workers: int) -> dict[str, str]:
    """That of a script: PYTHON* variables are meant for another Python; its output is to come at once."""
    kept = {name: value for name, value in inherited().items() if not name.startswith("PYTHON")}
    return {**kept, EXECUTOR_ENV: executor, WORKERS_ENV: str(workers), "PYTHONUNBUFFERED": "1"}


def of_process(pid: int) -> dict[str, str] | None:
    """What is shown of a process's own; None where it may not be read, or the process has gone."""
    try:
        return shown(psutil.Process(pid).environ())
    except (psutil.Error, OSError):
        return None


def command_of(pid: int) -> list[str]:
    """A process's command line, what looks secret in it blanked; [] where it may not be read."""
    try:
        return redaction.command(psutil.Process(pid).cmdline())
    except (psutil.Error, OSError):
        return []


def shown(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that matter to how a program runs, what looks secret blanked."""
    wanted = {
        name: variables[name]
        for name in sorted(variables)
        if (name.startswith(_SHOWN_PREFIXES) or name in _SHOWN) and name not in _DESCRIPTORS
    }
    return redaction.environment(wanted)
