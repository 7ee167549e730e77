"""What is kept of each process, up to its end and beyond, until it is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Generic, Protocol, TypeVar


class _MayEnd(Protocol):
    """What is kept of one process."""

    gone: bool


T = TypeVar("T", bound=_MayEnd)


class ByPid(Generic[T]):
    """By process, in the order in which they were first read."""

    def __init__(self) -> None:
        self._processes: dict[int, T] = {}

    def process_gone(self, pid: int, at_us: int) -> None:
        """It has ended; what was last known of it stays."""
        if pid in self._processes:
            self._processes[pid].gone = True

    def forget(self, pids: Collection[int]) -> None:
        """Forget what is known of these processes."""
        for pid in pids:
            self._processes.pop(pid, None)

    def _of(self, pid: int, new: Callable[[], T]) -> T:
        """That of a process; a new one where there is none, or the pid had another."""
        process = self._processes.get(pid)
        if process is None or process.gone:
            process = self._processes[pid] = new()
        return process

    def _live(self) -> Iterator[T]:
        return (process for process in self._processes.values() if not process.gone)
