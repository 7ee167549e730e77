"""What is sent into a Dask cluster: a plugin of the scheduler, and one of each worker.

Both are registered with the scheduler, which gives the latter to the workers that there are and to those that
come. A worker's messages go to the scheduler by the stream that it has, and from there to the client by the
client's; the scheduler keeps none. Once the client has gone, however it went, the scheduler takes both away
again, and so each observer ends.

They travel by value, as worker.py does: the standard library and Dask are all that is imported.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections import deque
from functools import partial
from typing import Any

from dask.utils import key_split
from distributed import Scheduler, SchedulerPlugin, Worker, WorkerPlugin

from app.runs.cluster.worker import WorkerObserver, about

OPERATION = "gilscope"  # of the messages by a worker's stream
HEARD = "gilscope-heard"  # of those by the client's
WINDOW_BYTES = 64 << 20  # more that its client has not passed on the scheduler does not keep for it
_LONGEST_KEY = 200  # characters
_OBSERVED = "_gilscope_observed"  # in `sys`: the runs in which this process is observed already
_TAKEN = "_gilscope_taken"  # in the scheduler: from which workers plugins were taken away late
_WALL_READINGS = 5
_EXECUTING = ("executing", "long-running")

Json = dict[str, Any]


def pass_on(scheduler: Scheduler, worker: str, client: str, topic: str, told: Json) -> None:
    """Give what a worker has told to the client that it is for."""
    side: Any = scheduler.plugins.get(topic)  # of the class that its own client has sent
    if side is not None:
        side.pass_on(scheduler, worker, told)
    elif told.get("lines") is not None:
        # The run is over: this worker did not answer as its plugin was given and taken away.
        taken: dict[tuple[str, str], asyncio.Future[Any]] = vars(scheduler).setdefault(_TAKEN, {})
        if (worker, topic) not in taken:
            message = {"op": "plugin-remove", "name": topic}
            asked = scheduler.broadcast(msg=message, workers=[worker], on_error="ignore")
            taken[worker, topic] = asyncio.ensure_future(asked)


def heard(scheduler: Scheduler, client: str, topic: str, size: int) -> None:
    """A client says that it has passed so many bytes on."""
    side: Any = scheduler.plugins.get(topic)
    if side is not None:
        side.unheard -= size


def workers_there(dask_scheduler: Scheduler) -> dict[str, list[str]]:
    """Name and host of each worker that the scheduler has, by its address."""
    return {address: [str(each.name), each.host] for address, each in dask_scheduler.workers.items()}


def read_clock() -> int:
    """The clock of the process that this is run in, in nanoseconds."""
    return time.monotonic_ns()


class SchedulerSide(SchedulerPlugin):
    """Passes messages on, tells of workers that went, and clears up after a client that did."""

    def __init__(self, name: str, client: str) -> None:
        self.name = name  # of both plugins, and of the topic
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()
        self.unheard = 0  # bytes that were sent to the client and that it has not passed on yet

    async def start(self, scheduler: Scheduler) -> None:
        """Dask calls it once it is there."""
        # It is left there: a message of a kind that the scheduler does not know would cut the worker off.
        scheduler.stream_handlers[OPERATION] = partial(pass_on, scheduler)
        scheduler.stream_handlers[HEARD] = partial(heard, scheduler)

    def pass_on(self, scheduler: Scheduler, worker: str, told: Json) -> None:
        """Send it to the client. One that does not keep up is told so, and no more: all ends."""
        if self.unheard > WINDOW_BYTES:
            return
        self.unheard += len(told.get("lines") or b"")
        over = self.unheard > WINDOW_BYTES
        event = time.time(), {"unheard": True} if over else {**told, "address": worker}
        scheduler.send_all({self._client: [{"op": "event", "topic": self.name, "event": event}]}, {})
        if over:
            self._spawn_clear_up(scheduler)

    def remove_worker(self, scheduler: Scheduler, worker: str, **more: Any) -> None:
        """Dask calls it when a worker has gone."""
        self.pass_on(scheduler, worker, {"gone": True})

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """Dask calls it when a client has gone, killed or cut off ones too."""
        if client == self._client:
            self._spawn_clear_up(scheduler)

    def _spawn_clear_up(self, scheduler: Scheduler) -> None:
        task = asyncio.ensure_future(self._clear_up(scheduler))
        self._tasks.add(task)  # the loop keeps only weak references to tasks
        task.add_done_callback(self._tasks.discard)

    async def _clear_up(self, scheduler: Scheduler) -> None:
        if self.name in scheduler.worker_plugins:
            await scheduler.unregister_worker_plugin(comm=None, name=self.name)
        if self.name in scheduler.plugins:
            await scheduler.unregister_scheduler_plugin(self.name)


class WorkerSide(WorkerPlugin):
    """Has the worker's process observed, and tells what its threads do."""

    def __init__(self, name: str, client: str, code: str, pack: bytes, spec: Json, every_s: float) -> None:
        """`code` starts an observer, which takes `pack`; of `spec` only the pid is the worker's own.

        What it says is passed on each `every_s`.
        """
        self.name = name
        self.every_s = every_s
        self._client = client
        self._code, self._pack, self._spec = code, pack, spec
        self._observer: WorkerObserver | None = None

    def setup(self, worker: Worker) -> None:
        """Dask calls it in each worker. What it raises would end the observation of all: it is told."""
        observed: set[str] = vars(sys).setdefault(_OBSERVED, set())
        self._worker = worker
        self._ended: deque[tuple[int, Any, float, float]] = deque()  # thread, key, from when to when
        self._native: dict[int, int] = {}
        if self.name in observed:  # workers of one process are seen by one observer
            self._send({**about(), "worker": str(worker.name), "also": True})
            return
        try:
            self._observer = WorkerObserver(
                *(self._code, self._pack, self._spec_line(), self._send, self._news, self.every_s)
            )
        except Exception as error:  # noqa: BLE001 - whatever this worker lacks, the others have
            said = f"no observer could be started beside it: {type(error).__name__}: {error}"
            gone = {"lines": None, "status": None, "said": said, "now_ns": time.monotonic_ns()}
            self._send({**about(), **gone, **self._news()})
            return
        observed.add(self.name)
        del self._pack

    async def teardown(self, worker: Worker) -> None:
        """Dask calls it when the plugin is taken away, and when the worker closes."""
        observer, self._observer = self._observer, None
        if observer is not None:
            vars(sys)[_OBSERVED].discard(self.name)
            observer.stop()
            await asyncio.to_thread(observer.ended)

    def transition(self, key: Any, start: str, finish: str, **more: Any) -> None:
        """Dask calls it whenever a task's state changes."""
        if self._observer is None or start not in _EXECUTING or finish in _EXECUTING:
            return
        task = self._worker.state.tasks.get(key)
        thread = self._worker.threads.get(key)
        computed = [each for each in task.startstops if each["action"] == "compute"] if task else []
        if computed and thread is not None:
            delay_s = self._worker.scheduler_delay  # which Dask adds, to have them by the scheduler's clock
            start_s, stop_s = (computed[-1][which] - delay_s for which in ("start", "stop"))
            self._ended.append((thread, key, start_s, stop_s))

    def _spec_line(self) -> str:
        return json.dumps({**self._spec, "attach_pid": os.getpid()})

    def _send(self, told: Json) -> None:
        """By the worker's own stream, in its own thread; a worker that has ended says no more."""
        message = {"op": OPERATION, "client": self._client, "topic": self.name, "told": told}
        self._worker.loop.add_callback(self._worker.batched_send, message)

    def _news(self) -> Json:
        """What the worker is called, what its threads do, and what Dask says of its GIL."""
        worker = self._worker
        self._wall_ns = _wall_beside()
        monitor = worker.monitor
        contended = monitor.cumulative_gil_contention if monitor.monitor_gil_contention else None
        return {
            "worker": str(worker.name),
            "tasks": [*self._tasks_over(), *self._tasks_going_on()],
            "own_s": contended,
        }

    def _tasks_over(self) -> list[list[Any]]:
        rows = []
        while self._ended:
            thread, key, start_s, stop_s = self._ended.popleft()
            rows.append(self._row(thread, key, start_s, stop_s))
        return rows

    def _tasks_going_on(self) -> list[list[Any]]:
        worker = self._worker
        with worker.active_threads_lock:
            active = dict(worker.active_threads)
        rows = []
        for thread, key in active.items():
            task = worker.state.tasks.get(key)
            if task is not None and task.start_time is not None:
                rows.append(self._row(thread, key, task.start_time, None))
        return rows

    def _row(self, thread: int, key: Any, start_s: float, stop_s: float | None) -> list[Any]:
        """[thread id, key, what tasks of its kind are called, from when, to when by the monotonic clock]."""
        if thread not in self._native:
            self._native = {
                each.ident: each.native_id
                for each in threading.enumerate()
                if each.ident is not None and each.native_id is not None
            }
        start_ns = int(start_s * 1e9) - self._wall_ns
        stop_ns = None if stop_s is None else int(stop_s * 1e9) - self._wall_ns
        return [self._native.get(thread), str(key)[:_LONGEST_KEY], key_split(key), start_ns, stop_ns]


def _wall_beside() -> int:
    """By how much the clock on the wall is ahead of the monotonic one, in nanoseconds.

    It is read between two readings of the other: a thread that loses its GIL in between would shift all that
    is told by it, so the closest of some pairs counts.
    """
    pairs = []
    for _ in range(_WALL_READINGS):
        before_ns, wall_ns, after_ns = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        pairs.append((after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2))
    return min(pairs)[1]
