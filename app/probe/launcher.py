"""A launcher: a process that is no CPython itself, but starts some: a shell, `timeout`, `mpirun`."""

from __future__ import annotations

from collections.abc import Sequence

from app.model.errors import GilscopeError, NotReadable

from .cpython.runtime import NoInterpreter, NotYet, locate
from .kernel import procfs


def pythons_below(pid: int) -> tuple[list[int], list[GilscopeError]]:
    """The processes below `pid` that are CPythons and can be read; and why others cannot be."""
    found: list[int] = []
    refusals: list[GilscopeError] = []
    for below in procfs.descendants(pid):
        try:
            locate(below).memory.close()
        except (NotYet, NoInterpreter):
            continue
        except GilscopeError as refusal:
            refusals.append(refusal)
        else:
            found.append(below)
    return found, refusals


def refusal(why: NoInterpreter, pid: int, below: Sequence[GilscopeError]) -> GilscopeError:
    """What attaching to a launcher is refused with, where nothing below it can be read; `below`: why not."""
    if below:
        first = below[0]
        return type(first)(f"{why.detail}. Of those below it: {first.detail}", first.remedy)
    count = len(procfs.descendants(pid))
    if not count:
        return NotReadable(why.detail, why.remedy)
    what = "the process" if count == 1 else f"any of the {count} processes"
    return NotReadable(f"{why.detail}. Nor is {what} below it", why.remedy)
