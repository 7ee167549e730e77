"""Stands for an observer: joins a Dask cluster as a client, and tells what the observers of its workers see.

See __init__.py. Dask is imported here and in plugins.py alone, so that nothing else needs it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, cast

import cloudpickle
from distributed import Client

from app.model.commands import Command, Stop, decode
from app.model.errors import GilscopeError, NotReadable, from_json
from app.model.frames import Cluster, End, Event, Hello, Message, encode
from app.model.frames import decode as decode_message
from app.model.spec import ObserverSpec
from app.runs import far
from app.runs.cluster import plugins, worker
from app.runs.cluster.clocks import ClockBeside, Trip
from app.runs.cluster.joining import Joined, Joining
from app.runs.cluster.plugins import SchedulerSide, WorkerSide

CONNECT_S = 10.0  # for a scheduler to answer
BEGIN_S = 20.0  # for all workers that are there to be seen: then the run begins with those that are
END_S = 3.0  # for the observers to say their last words
TRIPS = 8
CLOCKS_S = 30.0  # from one comparison of clocks to the next: they may drift apart by some 0.1 ms in between
OWN_US = 1_000_000  # from one telling of what Dask says to the next
_TICK_S = 0.05

Json = dict[str, Any]


class _Worker:
    """A worker, what is known of its clock, and what its observer says."""

    def __init__(self, told: Json, clock: ClockBeside | None) -> None:
        self.address: str = told["address"]
        self.pid: int = told["pid"]
        self.host, self.name = str(told["host"]), str(told["worker"])
        self.clock = clock
        self.waiting: list[Json] = []  # what came before its clock was known
        self.origin_ns = 0
        self.joined: Joined | None = None
        self.own: tuple[int, float] | None = None  # what Dask said last, and when: us, s
        self.clock_told = False


class ClusterObserver:
    """One observation of a cluster."""

    def __init__(self, scheduler: str, spec: ObserverSpec, output: int) -> None:
        self._scheduler, self._spec, self._output = scheduler, spec, output
        self._seq = 0
        self._origin_ns = time.monotonic_ns()
        self._clock = worker.clock_identity()
        self._joining = Joining(self._emit)
        self._workers: dict[str, _Worker] = {}
        self._expected: set[str] = set()
        self._failures: list[str] = []
        self._asked: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._name = f"gilscope-{spec.run['id']}"
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, state: str) -> None:
        """End, as `state`; only the first call acts."""
        if not self._asked.done():
            self._asked.set_result(state)

    async def run(self) -> None:
        """Observe until it is asked to end, or the cluster has gone."""
        try:
            state = await self._observe()
        except GilscopeError as error:
            if not self._seq:
                self._hello()
            self._emit(End(self._now_us(), "failed", error.to_json()))
        else:
            self._emit(End(self._now_us() if self._joining.at_us is None else self._joining.at_us, state))

    def _hello(self) -> None:
        now_s = time.time() - (time.monotonic_ns() - self._origin_ns) / 1e9
        self._emit(Hello(self._origin_ns, now_s, self._spec.run, asdict(self._spec.sampling)))

    async def _observe(self) -> str:
        try:
            client: Client = await Client(  # type: ignore[no-untyped-call]
                self._scheduler, asynchronous=True, timeout=CONNECT_S, set_as_default=False, name="gilscope"
            )
        except (OSError, ValueError, TimeoutError, ImportError) as error:
            raise NotReadable(
                f"No Dask scheduler could be reached at {self._scheduler}: {error or type(error).__name__}",
                "Give its address as `client.scheduler.address` or the scheduler's log has it.",
            ) from None
        try:
            await self._check(client)
            await self._register(client)
            try:
                return await self._follow(client)
            finally:
                await self._let_go(client)
        finally:
            await client.close()  # type: ignore[no-untyped-call]

    async def _check(self, client: Client) -> None:
        """What travels by value needs the same Python on both sides, as Dask itself does."""
        versions: Any = await cast(Any, client.get_versions())
        own = _minor(versions["client"])
        others = {_minor(each) for each in (versions["scheduler"], *versions["workers"].values())} - {own}
        if others:
            raise NotReadable(
                f"The cluster runs on CPython {', '.join(sorted(others))}, and GILScope here on {own}",
                "Dask needs the same minor version on both sides: install gilscope[dask] on that one.",
            )
        self._expected = set(versions["workers"])
        if not self._expected:
            raise NotReadable(
                f"The cluster at {self._scheduler} has no workers", "Start one, then try again."
            )

    async def _register(self, client: Client) -> None:
        for module in (plugins, worker):
            cloudpickle.register_pickle_by_value(module)
        client.subscribe_topic(self._name, self._heard)  # type: ignore[no-untyped-call]
        await client.register_plugin(SchedulerSide(self._name, client.id), name=self._name)
        spec = {"run": {"id": self._name}, "sampling": asdict(self._spec.sampling)}
        side = WorkerSide(self._name, client.id, far.begin(), far.packed(), spec)
        await client.register_plugin(side, name=self._name)

    async def _let_go(self, client: Client) -> None:
        """End the observers, and take what they say last; of a scheduler that has gone nothing is left."""
        if client.status != "running":
            return
        live = [each.joined for each in self._workers.values() if each.joined and not each.joined.over]
        await client.unregister_worker_plugin(self._name)  # type: ignore[no-untyped-call]
        for _ in range(int(END_S / _TICK_S)):
            if all(joined.over for joined in live):
                break
            await asyncio.sleep(_TICK_S)
        if self._joining.at_us is not None:
            self._joining.advance(self._now_us(), last=True)
        await client.unregister_scheduler_plugin(self._name)

    async def _follow(self, client: Client) -> str:
        begun_s = compared_s = time.monotonic()
        self._client = client
        while not self._asked.done():
            await asyncio.wait({self._asked}, timeout=_TICK_S)
            if client.status != "running":
                raise GilscopeError(
                    f"The scheduler at {self._scheduler} has gone",
                    "Observe the cluster again once it is there.",
                )
            if self._joining.at_us is None:
                self._begin(time.monotonic() - begun_s > BEGIN_S)
            else:
                self._joining.advance(self._now_us())
                self._tell_clocks()
                if all(joined.closed for joined in self._joining.joined):
                    return "finished"
            if time.monotonic() - compared_s > CLOCKS_S:
                compared_s = time.monotonic()
                for each in self._workers.values():
                    if each.clock is not None and each.clock.off_ns:
                        self._spawn(each)
        if self._joining.at_us is not None:
            self._emit(Event(self._now_us(), "stopping", self._root_pid(), self._asked.result()))
        else:
            self._hello()
        return self._asked.result()

    def _root_pid(self) -> int:
        roots = (each.renamed.pid(each.root) for each in self._joining.joined if each.root is not None)
        return next(roots, 0)

    def _begin(self, at_once: bool) -> None:
        """Begin once every worker that was there is seen, or says why it is not."""
        joined = self._joining.joined
        seen = [each for each in joined if each.first_us is not None]
        settled = sum(each.first_us is not None or each.over for each in joined)
        if settled < len(self._expected) and not (at_once and seen):
            if not at_once:
                return
            raise NotReadable(
                f"No worker could be observed within {BEGIN_S:g} s",
                "`gilscope doctor PID` on a worker's machine says what it lacks.",
            )
        if seen:
            begun_us = self._joining.seen_us
            self._origin_ns += begun_us * 1000
            self._hello()
            self._joining.begin(begun_us)
            return
        errors = [each.error for each in joined if each.error is not None]
        if errors:
            raise from_json(errors[0])
        why = next((each.why for each in joined if each.why), "their observers ended")
        raise NotReadable(f"No worker can be observed: {why}", "See what its log says.")

    # ---- what workers say

    async def _heard(self, event: tuple[float, Json]) -> None:
        _, told = event
        if told.get("gone"):
            each = self._workers.get(told["address"])
            if each is not None and each.joined is not None:
                each.joined.lost("The worker has gone")
            return
        each = self._workers.get(told["address"])
        if each is None or each.pid != told["pid"]:
            same = [*told["clock"]] == self._clock
            each = self._workers[told["address"]] = _Worker(told, ClockBeside.of([], True) if same else None)
            if not same:
                self._spawn(each)
        if each.clock is None:
            each.waiting.append(told)
        else:
            self._take(each, told)

    def _spawn(self, each: _Worker) -> None:
        task = asyncio.create_task(self._compare(each))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _compare(self, each: _Worker) -> None:
        """Read a worker's clock some times."""
        trips = []
        for _ in range(TRIPS):
            sent_ns = time.monotonic_ns()
            try:
                answers = await self._client.run(
                    plugins.read_clock, workers=[each.address], on_error="return"
                )
            except (OSError, KeyError, ValueError):  # it has gone
                return
            read_ns = answers.get(each.address)
            if isinstance(read_ns, int):
                trips.append(Trip(sent_ns, read_ns, time.monotonic_ns()))
        if not trips:
            return
        found = ClockBeside.of(trips, same=False)
        # Within what both may be off there is no reason to move it, and each move cuts or doubles some time.
        if each.clock is None or abs(found.ahead_ns - each.clock.ahead_ns) > found.off_ns + each.clock.off_ns:
            each.clock = found
        waiting, each.waiting = each.waiting, []
        for told in waiting:
            self._take(each, told)

    def _take(self, each: _Worker, told: Json) -> None:
        lines = [] if told["lines"] is None else zlib.decompress(told["lines"]).decode().split("\n")
        for line in lines:
            message = decode_message(line)
            if isinstance(message, Hello):
                each.origin_ns = message.origin_ns
                each.joined = self._joining.join(each.name, each.host, lambda us: self._shift(each, us))
            elif each.joined is not None:
                each.joined.take(message)
        if each.joined is None:
            if told["lines"] is None:
                each.joined = self._joining.join(each.name, each.host, lambda us: us)
                each.joined.lost(told["said"] or f"its observer ended with status {told['status']}")
            return
        now_us = self._us(each, told["now_ns"])
        each.joined.tasks.take(
            (
                [
                    tid,
                    key,
                    name,
                    self._us(each, begun_ns),
                    None if ended_ns is None else self._us(each, ended_ns),
                ]
                for tid, key, name, begun_ns, ended_ns in told["tasks"]
            ),
            now_us,
        )
        self._take_own(each, told["own_s"], now_us)
        if told["lines"] is None:
            each.joined.lost(told["said"] or f"its observer ended with status {told['status']}")

    def _take_own(self, each: _Worker, own_s: float | None, now_us: int) -> None:
        """What Dask itself says of the worker's GIL, about once a second."""
        joined = each.joined
        if joined is None or joined.root is None or self._joining.at_us is None:
            return
        if each.own is None:
            each.own = (now_us, own_s or 0.0)
        length_us = now_us - each.own[0]
        if length_us >= OWN_US:
            contended_us = None if own_s is None else max(0, round((own_s - each.own[1]) * 1e6))
            each.own = (now_us, own_s or 0.0)
            pid = joined.renamed.pid(joined.root)
            self._emit(Cluster(self._joining.at_us, own=[[pid, length_us, contended_us]]))

    def _tell_clocks(self) -> None:
        assert self._joining.at_us is not None
        rows = []
        for each in self._workers.values():
            if each.clock_told or each.joined is None or each.joined.root is None or each.clock is None:
                continue
            each.clock_told = True
            pid = each.joined.renamed.pid(each.joined.root)
            rows.append([each.host, each.name, pid, (each.clock.off_ns + 999) // 1000, each.clock.why])
        if rows:
            self._emit(Cluster(self._joining.at_us, clocks=rows))

    # ---- clocks and the way out

    def _shift(self, each: _Worker, us: int) -> int:
        """An instant of a worker's observer, as one of the run."""
        return self._us(each, each.origin_ns + us * 1000)

    def _us(self, each: _Worker, ns: int) -> int:
        """An instant of a worker's clock, as one of the run."""
        assert each.clock is not None
        return (ns - each.clock.ahead_ns - self._origin_ns) // 1000

    def _now_us(self) -> int:
        return (time.monotonic_ns() - self._origin_ns) // 1000

    def _emit(self, message: Message) -> None:
        data = encode(message, self._seq).encode("utf-8", "replace") + b"\n"
        self._seq += 1
        while data:
            data = data[os.write(self._output, data) :]


def _minor(of: Json) -> str:
    """The minor version of Python that a part of the cluster runs on."""
    return ".".join(str(of["host"]["python"]).split(".")[:2])


async def _main(scheduler: str) -> None:
    loop = asyncio.get_running_loop()
    spec = ObserverSpec.from_line(await asyncio.to_thread(sys.stdin.readline))
    observer = ClusterObserver(scheduler, spec, sys.stdout.fileno())

    def hear(lines: Iterable[str]) -> None:
        """What the server asks for; the end of it is its own end."""
        for line in lines:
            command: Command = decode(line)
            if isinstance(command, Stop):
                loop.call_soon_threadsafe(observer.ask, command.state)
        loop.call_soon_threadsafe(observer.ask, "stopped")

    threading.Thread(target=hear, args=(sys.stdin,), daemon=True).start()
    await observer.run()


if __name__ == "__main__":
    # As of an observer: what a terminal sends to the whole group is for the server to judge.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)
    gc.freeze()
    try:
        asyncio.run(_main(sys.argv[1]))
    except BrokenPipeError:
        sys.exit(0)  # nobody listens any more
    # The thread that hears waits for a line still, and the interpreter's own end would wait for its lock.
    os._exit(0)
