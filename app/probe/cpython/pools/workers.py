"""Workers of pools: threads that run the function of one, and what its local variables say.

ThreadPoolExecutor   `_worker`: `work_item` is set while it works, and `work_queue` holds what waits; so it is
                     of asyncio's default executor and, from 3.14 on, of InterpreterPoolExecutor
ThreadPool           `worker` of multiprocessing: `task` is None, as `maxtasks` is, while it waits
anyio                `WorkerThread.run`: `item` is set while it works. A pool is a loop's; what waits for it
                     are tasks of that loop, in line for its default limiter
"""

from __future__ import annotations

from typing import NamedTuple

from app.probe.cpython.frame_words import TAG, FrameWords
from app.probe.cpython.layouts import Layout
from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.stacks import StackFrame, StackReader
from app.probe.kernel.memory import ProcessMemory


class WorkerKind(NamedTuple):
    """A function that workers run: its name, how its file ends, and its variables."""

    kind: str
    function: str
    file: str
    item: str  # what it works at
    queue: str  # its queue, or itself where that is the attribute `of` of it
    none: str | None = None  # a variable that is None for as long as it runs: `item` is that where it waits
    of: bytes | None = None


KINDS = (
    WorkerKind("executor", "_worker", "concurrent/futures/thread.py", "work_item", "work_queue"),
    WorkerKind("ThreadPool", "worker", "multiprocessing/pool.py", "task", "inqueue", "maxtasks"),
    WorkerKind("anyio", "WorkerThread.run", "anyio/_backends/_asyncio.py", "item", "self", of=b"loop"),
)


class PoolWorker:
    """The frame of a worker's function, for as long as it stays where it is."""

    def __init__(
        self, memory: ProcessMemory, layout: Layout, stacks: StackReader, frame: StackFrame, kind: WorkerKind
    ) -> None:
        """Inconsistent, Unmapped, or Lost where that function has other variables."""
        names = [kind.item, kind.queue, *([kind.none] if kind.none else ())]
        self.kind = kind.kind
        self._words = FrameWords(memory, layout, stacks, frame[0], frame[3], names)
        place = self._words.place
        self._item, self._none = place[kind.item], place[kind.none] if kind.none else None
        self.queue = self._words.read()[place[kind.queue]] & TAG  # what the workers of one pool share
        if kind.of is not None:
            self.queue = ObjectReader(memory, layout).attribute(self.queue, kind.of) or 0

    def item(self) -> int:
        """What it works at, an address; 0 while it waits. Lost or AddressSpaceGone."""
        words = self._words.read()
        item = words[self._item] & TAG
        if self._none is not None and item == words[self._none] & TAG:
            return 0
        return item


def kind_of(function: str, file: str) -> WorkerKind | None:
    """The kind of worker that runs this function; None of any other."""
    return next((kind for kind in KINDS if function == kind.function and file.endswith(kind.file)), None)
