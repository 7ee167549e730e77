"""Stands for an observer: joins a Dask cluster as a client, and tells what the observers of its workers see.

See __init__.py. Dask is imported here and in plugins.py alone, so that nothing else needs it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
import traceback
import zlib
from collections.abc import Awaitable, Iterable
from dataclasses import asdict
from typing import Any, TypeVar

import cloudpickle
from distributed import Client

from app.model import redaction
from app.model.commands import Command, Stop, decode
from app.model.errors import GilscopeError, NotReadable, from_json
from app.model.frames import Cluster, End, Event, Hello, Message, encode
from app.model.frames import decode as decode_message
from app.model.spec import ObserverSpec
from app.runs import far
from app.runs.clocks import SAME, ClockBeside, FollowedClock, Trip
from app.runs.cluster import plugins, worker
from app.runs.cluster.detail import Detail
from app.runs.cluster.joining import Joined, Joining
from app.runs.cluster.plugins import SchedulerSide, WorkerSide
from app.runs.garbage import collect_seldom

CONNECT_S = 10.0  # for a scheduler to answer
ANSWER_S = 4.0  # for the scheduler to answer, and for each worker: who does not is gone on without
BEGIN_S = 30.0  # from the start on for all workers to be seen: then the run begins with those that are
END_S = 2.0  # for the observers to say their last words
QUIET_S = 1.0  # of which says nothing for so long meanwhile is not waited for
LEAVE_S = 1.0  # for each thing that was registered to be taken away
TRIPS = 8
CLOCKS_S = 30.0  # from one comparison of clocks to the next: they may drift apart by some 0.1 ms in between
RETRY_S = 3.0  # where none could be had
MOST_WAITING = 300  # batches that wait for that, about a minute's
ALONE_S = 30.0  # without any worker, as while a cluster is restarted: then the run has ended
OWN_US = 1_000_000  # from one telling of what Dask says to the next
SAY_BYTES = 1 << 18  # so often is the scheduler told how much came: it keeps a window of the rest
_TICK_S = 0.05
_TROUBLE = (OSError, TimeoutError, ValueError)  # what Dask raises when something has gone or does not answer

Json = dict[str, Any]
T = TypeVar("T")


class _Clock(FollowedClock):
    """The clock that the workers of a machine have in common."""

    def __init__(self, beside: ClockBeside | None) -> None:
        super().__init__(beside)
        self.compared_s = 0.0  # when that was begun last
        self.comparing = False

    def is_due(self, now_s: float) -> bool:
        """Whether it is to be compared: clocks drift, and some cannot be had at once."""
        if self.comparing or (self.beside is not None and self.beside.why == SAME):
            return False
        return now_s - self.compared_s > (RETRY_S if self.beside is None else CLOCKS_S)


class _Worker:
    """A worker, its clock, and what its observer says."""

    def __init__(self, told: Json, clock: _Clock) -> None:
        self.address: str = told["address"]
        self.pid: int = told["pid"]
        self.host, self.name = str(told["host"]), str(told["worker"])
        self.clock = clock
        self.waiting: list[Json] = []  # what came before its clock was known
        self.origin_ns = 0
        self.joined: Joined | None = None
        self.own: tuple[int, float] | None = None  # what Dask said last, and when: us, s
        self.off_told_us = -1  # by how much its clock may have been off
        self.heard_s = time.monotonic()  # when it said something last


class ClusterObserver:
    """One observation of a cluster."""

    def __init__(self, scheduler: str, spec: ObserverSpec, output: int) -> None:
        self._scheduler, self._spec, self._output = scheduler, spec, output
        self._seq = 0
        self._origin_ns = time.monotonic_ns()
        self._clock = worker.clock_identity()
        self._joining = Joining(self._emit)
        self._detail = Detail(spec.sampling)
        self._clocks: dict[tuple[str, ...], _Clock] = {}
        self._workers: dict[str, _Worker] = {}
        self._expected: dict[str, tuple[str, str]] = {}  # name and host of those that were there
        self._silent: set[str] = set()  # of these, who did not answer
        self._also: set[str] = set()  # in a process that the observer of another one sees
        self._gone: set[tuple[str, int]] = set()
        self._unsaid = 0  # bytes that came since the scheduler was told how many
        self._trouble = ""  # what Dask said as the observers were to be started
        self._fault: Exception | None = None  # of what was heard
        self._leaving: asyncio.Future[Any] | None = None
        self._sent = False  # the workers' plugin
        self._started_s = time.monotonic()
        self._asked: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._name = f"gilscope-{spec.run['id']}"
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, state: str) -> None:
        """End, as `state`; only the first call acts."""
        if not self._asked.done():
            self._asked.set_result(state)

    async def run(self) -> None:
        """Observe until it is asked to end, or the cluster has gone.

        The end is told before the cluster is left: who does not answer then holds up nothing.
        """
        client: Client | None = None
        try:
            try:
                client = await self._connect()
                await self._check(client)
                await self._register(client)
                state = await self._follow(client)
            except GilscopeError as error:
                if client is not None and self._joining.at_us is not None:
                    await self._hear_last(client)
                if not self._seq:
                    self._hello()
                self._emit(End(self._now_us(), "failed", error.to_json()))
            else:
                await self._hear_last(client)
                at_us = self._joining.at_us
                self._emit(End(self._now_us() if at_us is None else at_us, state))
        finally:
            if client is not None:
                await self._leave(client)

    def _hello(self) -> None:
        now_s = time.time() - (time.monotonic_ns() - self._origin_ns) / 1e9
        sampling = asdict(self._spec.sampling)
        if self._detail.why:
            sampling["less"] = self._detail.why
        self._emit(Hello(self._origin_ns, now_s, self._spec.run, sampling, self._detail.slice_us))

    async def _connect(self) -> Client:
        try:
            client: Client = await Client(  # type: ignore[no-untyped-call]
                self._scheduler, asynchronous=True, timeout=CONNECT_S, set_as_default=False, name="gilscope"
            )
        except (*_TROUBLE, ImportError) as error:
            raise NotReadable(
                f"No Dask scheduler could be reached at {self._shown}: {self._said(error)}",
                "Give its address as `client.scheduler.address` or the scheduler's log has it.",
            ) from None
        self._client = client
        return client

    async def _answered(self, asked: Awaitable[T]) -> T:
        """What the scheduler answers; NotReadable where it does not in time, or says that it cannot."""
        try:
            return await asyncio.wait_for(asked, ANSWER_S)
        except _TROUBLE as error:
            raise NotReadable(
                f"The scheduler at {self._shown} does not do what it is asked for: {self._said(error)}",
                "See the scheduler's log; it has to take plugins (`distributed.scheduler.pickle`).",
            ) from None

    async def _check(self, client: Client) -> None:
        """What travels by value needs the same Python on both sides, as Dask itself does."""
        scheduler: Any = client.scheduler
        self._refuse_other_pythons([await self._answered(scheduler.versions(packages=[]))])
        for module in (plugins, worker):
            cloudpickle.register_pickle_by_value(module)
        there = await self._answered(
            client.run_on_scheduler(plugins.workers_there)  # type: ignore[no-untyped-call]
        )
        if not there:
            raise NotReadable(f"The cluster at {self._shown} has no workers", "Start one, then try again.")
        self._expected = {address: (name, host) for address, (name, host) in there.items()}
        # Each by itself: asked all together, the first one that does not answer would be waited for.
        message = {"op": "versions", "packages": []}
        asked = {
            address: asyncio.ensure_future(
                scheduler.broadcast(msg=message, workers=[address], on_error="ignore")
            )
            for address in there
        }
        await asyncio.wait(asked.values(), timeout=ANSWER_S)
        versions = []
        for address, answer in asked.items():
            if answer.done() and answer.exception() is None and address in answer.result():
                versions.append(answer.result()[address])
            else:
                self._silent.add(address)
                answer.cancel()
        self._refuse_other_pythons(versions)

    @staticmethod
    def _refuse_other_pythons(versions: Iterable[Json]) -> None:
        own = ".".join(map(str, sys.version_info[:2]))
        others = {_minor(each) for each in versions} - {own}
        if others:
            raise NotReadable(
                f"The cluster runs on CPython {', '.join(sorted(others))}, and GILScope here on {own}",
                "Dask needs the same minor version on both sides: install gilscope[dask] on that one.",
            )

    async def _register(self, client: Client) -> None:
        client.subscribe_topic(self._name, self._heard)  # type: ignore[no-untyped-call]
        scheduler_side = SchedulerSide(self._name, client.id)
        await self._answered(client.register_plugin(scheduler_side, name=self._name))
        detail = self._detail = self._detail_of(len(self._expected))
        self._joining.slice_us = detail.slice_us
        spec = {
            "run": {"id": self._name},
            "sampling": asdict(detail.sampling),
            "slice_us": detail.slice_us,
        }
        side = WorkerSide(self._name, client.id, far.begin(), far.sent(), spec, detail.every_s)
        self._sent = True
        # The scheduler keeps it, and answers once all workers have: those that work say so by themselves.
        asked = asyncio.ensure_future(client.register_plugin(side, name=self._name))
        asked.add_done_callback(self._registered)
        await asyncio.wait({asked, self._asked}, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)

    def _detail_of(self, workers: int) -> Detail:
        """What each of so many is asked for."""
        return Detail.of(self._spec.sampling, workers)

    def _registered(self, asked: asyncio.Future[Any]) -> None:
        """The scheduler has given the plugin to all, or says what went wrong with one."""
        error = None if asked.cancelled() else asked.exception()
        if error is not None:
            self._trouble = f"Dask said of its plugin: {self._said(error)}"

    async def _hear_last(self, client: Client) -> None:
        """End the observers, and tell what they say last; of a scheduler that has gone nothing more comes."""
        live = [each for each in self._workers.values() if each.joined and not each.joined.over]
        if self._ask_to_end(client) is not None:
            asked_s = time.monotonic()
            slice_s = self._detail.slice_us / 1e6  # at the end of one an observer hears of it
            while (now_s := time.monotonic()) < asked_s + END_S + slice_s:
                quiet_s = now_s - QUIET_S - slice_s
                if all(_is_over(each) or max(each.heard_s, asked_s) < quiet_s for each in live):
                    break
                await asyncio.sleep(_TICK_S)
        if self._joining.at_us is not None:
            self._joining.advance(self._now_us(), last=True)

    def _ask_to_end(self, client: Client) -> asyncio.Future[Any] | None:
        """Have the workers' plugin taken away, once; None where there is none, or no scheduler any more."""
        if self._leaving is None and self._sent and client.status == "running":
            unregister: Any = client.unregister_worker_plugin(self._name)  # type: ignore[no-untyped-call]
            self._leaving = asyncio.ensure_future(unregister)
        return self._leaving

    async def _leave(self, client: Client) -> None:
        """Take away what was registered. What does not answer in time the scheduler clears up by itself."""
        leaving = self._ask_to_end(client)
        if leaving is not None:
            await self._done(leaving)
        if leaving is not None and leaving.done() and not leaving.cancelled() and client.status == "running":
            unregister: Any = client.unregister_scheduler_plugin(self._name)
            await self._done(asyncio.ensure_future(unregister))
        await self._done(asyncio.ensure_future(client.close()))  # type: ignore[no-untyped-call]

    async def _done(self, work: asyncio.Future[Any]) -> None:
        """Wait for it, but not for long; that it went wrong is said in the log, since all else is told."""
        await asyncio.wait({work}, timeout=LEAVE_S)
        if not work.done():
            work.cancel()
        elif not work.cancelled() and (error := work.exception()) is not None:
            sys.stderr.write(f"leaving the cluster: {self._said(error)}\n")

    @property
    def _shown(self) -> str:
        """The scheduler's address as it may be told."""
        return redaction.text(self._scheduler)

    def _said(self, error: BaseException) -> str:
        return redaction.text(str(error).strip() or type(error).__name__)

    async def _follow(self, client: Client) -> str:
        alone_s = None  # since when there is no worker
        while not self._asked.done():
            await asyncio.wait({self._asked}, timeout=_TICK_S)
            if self._fault is not None:
                raise self._fault
            if self._unsaid > SAY_BYTES:
                message = {"op": plugins.HEARD, "topic": self._name, "size": self._unsaid}
                client._send_to_scheduler(message)  # type: ignore[no-untyped-call]
                self._unsaid = 0
            if client.status != "running":
                raise GilscopeError(
                    f"The scheduler at {self._shown} has gone",
                    "Observe the cluster again once it is there.",
                )
            if self._joining.at_us is None:
                self._begin(time.monotonic() - self._started_s > BEGIN_S)
            else:
                self._joining.advance(self._now_us())
                self._tell_clocks()
                now_s = time.monotonic()
                if not all(joined.closed for joined in self._joining.joined):
                    alone_s = None
                elif now_s - (alone_s := alone_s or now_s) > ALONE_S:
                    return "finished"
            self._compare_clocks()
        if self._joining.at_us is not None:
            self._emit(Event(self._now_us(), "stopping", self._root_pid(), self._asked.result()))
        else:
            self._hello()
        return self._asked.result()

    def _root_pid(self) -> int:
        roots = (each.renamed.pid(each.root) for each in self._joining.joined if each.root is not None)
        return next(roots, 0)

    def _begin(self, at_once: bool) -> None:
        """Begin once every worker that was there and answers is seen, or says why it is not."""
        joined = self._joining.joined
        seen = [each for each in joined if each.first_us is not None]
        if not at_once and not all(map(self._is_settled, self._expected)):
            return
        if seen:
            begun_us = self._joining.seen_us
            self._origin_ns += begun_us * 1000
            self._hello()
            self._joining.begin(begun_us)
            self._tell_unseen()
            return
        errors = [each.error for each in joined if each.error is not None]
        if errors:
            raise from_json(errors[0])
        reasons = [each.why for each in joined if each.why]
        why = next(iter(reasons), self._trouble or "none of them answers")
        raise NotReadable(
            f"No worker can be observed: {why}",
            "See what its log says; `gilscope doctor PID` on a worker's machine says what it lacks.",
        )

    def _is_settled(self, address: str) -> bool:
        """Whether a worker that was there is not to be waited for."""
        if address in self._silent or address in self._also:
            return True
        joined = each.joined if (each := self._workers.get(address)) is not None else None
        return joined is not None and (joined.first_us is not None or joined.over)

    def _tell_unseen(self) -> None:
        """Tell which of the workers that were there have said nothing, not even why."""
        rows = []
        for address, (name, host) in self._expected.items():
            each = self._workers.get(address)
            if address in self._also or (each is not None and each.joined is not None):
                continue
            why = "it did not answer" + (f". {self._trouble}" if self._trouble else "")
            rows.append([host, name, None, why])
        if rows:
            self._emit(Cluster(0, unseen=rows))

    # ---- what workers say

    async def _heard(self, event: tuple[float, Json]) -> None:
        """Dask calls it with what a worker has told, and would only log what it raises."""
        try:
            self._hear(event[1])
        except Exception as error:  # noqa: BLE001 - raised again where the run is followed
            self._fault = self._fault or error

    def _hear(self, told: Json) -> None:
        if told.get("unheard"):
            raise GilscopeError(
                "What was observed was not read for so long that the scheduler keeps no more of it",
                "Observe again, and let the program that observes run: Ctrl-Z stops it.",
            )
        self._unsaid += len(told.get("lines") or b"")
        each = self._workers.get(told["address"])
        if told.get("gone"):
            if each is not None and each.joined is not None:
                each.joined.lost("The worker has gone")
            if each is not None:
                del self._workers[told["address"]]
                self._gone.add((each.address, each.pid))
            self._expected.pop(told["address"], None)
            return
        if (told["address"], told["pid"]) in self._gone:
            return  # its last words came after that it has gone
        if told.get("also"):
            self._also.add(told["address"])
            return
        if each is None or each.pid != told["pid"]:
            if each is not None and each.joined is not None:
                each.joined.lost("The worker was started anew")
            each = self._workers[told["address"]] = _Worker(told, self._clock_of(told["clock"]))
        each.heard_s = time.monotonic()
        if each.clock.beside is not None:
            self._take(each, told)
        elif each.joined is None:
            each.waiting.append(told)
            if len(each.waiting) > MOST_WAITING:
                each.waiting = []
                each.joined = self._joining.join(each.name, each.host, each.pid, lambda us: us)
                each.joined.lost("its clock could not be set beside the run's: it did not answer")

    def _clock_of(self, told: Iterable[str]) -> _Clock:
        identity = tuple(told)
        if identity not in self._clocks:
            same = [*identity] == self._clock
            self._clocks[identity] = _Clock(ClockBeside.of([], True) if same else None)
        return self._clocks[identity]

    def _compare_clocks(self) -> None:
        """Have clocks compared, again and again, each by the worker that said something last."""
        now_s = time.monotonic()
        asked: dict[_Clock, _Worker] = {}
        for each in self._workers.values():
            if not _is_over(each) and each.clock.is_due(now_s):
                before = asked.setdefault(each.clock, each)
                if each.heard_s > before.heard_s:
                    asked[each.clock] = each
        for clock, each in asked.items():
            clock.compared_s, clock.comparing = now_s, True
            self._spawn(each)

    def _spawn(self, each: _Worker) -> None:
        task = asyncio.create_task(self._compare(each))
        self._tasks.add(task)
        task.add_done_callback(self._compared)

    def _compared(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._fault = self._fault or error

    async def _compare(self, each: _Worker) -> None:
        try:
            await self._read_clock(each)
        finally:
            each.clock.comparing = False

    async def _read_clock(self, each: _Worker) -> None:
        """Read a worker's clock some times, and take what all that have it said before it was known."""
        trips = []
        for _ in range(TRIPS):
            sent_ns = time.monotonic_ns()
            try:
                asked = self._client.run(plugins.read_clock, workers=[each.address], on_error="return")
                answers = await asyncio.wait_for(asked, ANSWER_S)
            except (*_TROUBLE, KeyError):  # it has gone, or does not answer now
                break
            read_ns = answers.get(each.address)
            if isinstance(read_ns, int):
                trips.append(Trip(sent_ns, read_ns, time.monotonic_ns()))
        if not trips:
            return
        each.clock.set(ClockBeside.of(trips, same=False))
        for other in self._workers.values():
            waiting, other.waiting = (other.waiting, []) if other.clock is each.clock else ([], other.waiting)
            if other.joined is not None and other.joined.root is None and other.joined.over:
                continue  # it was given up
            for told in waiting:
                self._take(other, told)

    def _take(self, each: _Worker, told: Json) -> None:
        lines = [] if told["lines"] is None else zlib.decompress(told["lines"]).decode().split("\n")
        for line in lines:
            message = decode_message(line)
            if isinstance(message, Hello):
                each.origin_ns = message.origin_ns
                each.joined = self._joining.join(
                    *(each.name, each.host, each.pid), lambda us: self._shift(each, us)
                )
            elif each.joined is not None:
                each.joined.take(message)
        if each.joined is None:
            if told["lines"] is None:
                each.joined = self._joining.join(each.name, each.host, each.pid, lambda us: us)
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
            off_us = (each.clock.off_ns + 999) // 1000
            if off_us <= each.off_told_us or each.joined is None or each.joined.root is None:
                continue
            assert each.clock.beside is not None
            each.off_told_us = off_us
            pid = each.joined.renamed.pid(each.joined.root)
            rows.append([each.host, each.name, pid, off_us, each.clock.beside.why])
        if rows:
            self._emit(Cluster(self._joining.at_us, clocks=rows))

    # ---- clocks and the way out

    def _shift(self, each: _Worker, us: int) -> int:
        """An instant of a worker's observer, as one of the run."""
        return self._us(each, each.origin_ns + us * 1000)

    def _us(self, each: _Worker, ns: int) -> int:
        """An instant of a worker's clock, as one of the run."""
        assert each.clock.beside is not None
        return (ns - each.clock.beside.ahead_ns - self._origin_ns) // 1000

    def _now_us(self) -> int:
        return (time.monotonic_ns() - self._origin_ns) // 1000

    def _emit(self, message: Message) -> None:
        data = encode(message, self._seq).encode("utf-8", "replace") + b"\n"
        self._seq += 1
        while data:
            data = data[os.write(self._output, data) :]


def _is_over(each: _Worker) -> bool:
    """Whether it has said its last word."""
    return each.joined is not None and each.joined.over


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
    collect_seldom()  # each worker's messages wait here for those of the others: many objects, and no cycles
    status = 0
    try:
        asyncio.run(_main(sys.argv[1]))
    except BrokenPipeError:
        pass  # nobody listens any more
    except Exception:  # noqa: BLE001 - the server tells it, as of any observer
        traceback.print_exc()
        status = 1
    # The thread that hears waits for a line still, and the interpreter's own end would wait for its lock.
    os._exit(status)
