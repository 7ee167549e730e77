"""Many workers of a Dask cluster in one process, which say what real ones have said: for scale.py.

    python tools/scale_workers.py SCHEDULER COUNT SEED RECORDED...

Each is registered with a real scheduler by Dask's own protocol, at an address of its own, and takes plugins
as a worker does; but it takes no tasks, and has no observer beside it. Once it gets the plugin of
`gilscope dask` it says what one of the recorded workers has said of which the same was asked, from one of a
few instants on, each batch at its time and up to JITTER_S late; after its end the slices alone, again with
later times. Eight are of one host, whose clock is ahead by an amount of its own.

Once all are registered it says a line. A line on its standard input, `FROM_NS TO_NS` of CLOCK_MONOTONIC, is
answered by what was said of that time, as JSON, and an empty one by how much was said so far. It ends with
its input.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import random
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import Any

from distributed.batched import BatchedSend
from distributed.comm.core import connect
from distributed.core import Server
from distributed.protocol.serialize import to_serialize
from distributed.versions import get_versions
from scale_recorded import Json, RecordedWorker, ToldBatch, read

from app.model.frames import SLICE_US, End, encode
from app.model.spec import Sampling
from app.runs.cluster import worker
from app.runs.cluster.plugins import OPERATION

A_HOST = 8
STARTS = (0.0, 0.03, 0.07, 0.11)  # where in its recording a worker begins, as a part of its length
JITTER_S = 0.1
AHEAD_S = 1000.0  # hosts' clocks are up to so far apart
# What a worker says of itself as it comes, as far as the scheduler reads it.
NOTHING_DONE = {
    "bandwidth": {"total": 1e8, "workers": {}, "types": {}},
    "digests_total_since_heartbeat": {},
    "managed_bytes": 0,
    "memory": 0,
    "spilled_bytes": {"memory": 0, "disk": 0},
    "task_counts": {},
}
_SLICES = tuple(f'{{"type":"{name}"' for name in ("frame", "stacks", "blocked", "loops", "pools"))


@dataclass(frozen=True, eq=False)
class RecordedPart:
    """What a worker says in turn: a recording from one instant on. Many say the same, and it is made once."""

    recorded: RecordedWorker
    start_us: int

    @cached_property
    def batches(self) -> Sequence[ToldBatch]:
        """In their order. The first has what names and stands from before the start, without its slices."""
        before = [batch for batch in self.recorded.batches if batch.at_us <= self.start_us]
        lines = [line for batch in before for line in batch.lines if not line.startswith(_SLICES)]
        first = ToldBatch(self.start_us, lines or self.recorded.batches[0].lines, [], None)
        return [first, *self.recorded.batches[max(1, len(before)) :]]

    @cached_property
    def deflated(self) -> Sequence[bytes]:
        """The lines of each of them."""
        return [zlib.compress("\n".join(batch.lines).encode(), 1) for batch in self.batches]

    def told(self, number: int, origin_ns: int) -> Json:
        """A batch as a worker's plugin sends it, with its origin at that instant."""

        def at_ns(us: int | None) -> int | None:
            return None if us is None else origin_ns + us * 1000

        batch, lines = self.batches[number], self.deflated[number]
        if number == 0:
            hello, *rest = batch.lines
            told = json.dumps({**json.loads(hello), "origin_ns": origin_ns})
            lines = zlib.compress("\n".join([told, *rest]).encode(), 1)
        tasks = [[*row[:3], *map(at_ns, row[3:])] for row in batch.tasks]
        return {"lines": lines, "tasks": tasks, "own_s": batch.own_s}

    @property
    def gap_us(self) -> int:
        """From one batch to the next, about."""
        return self.recorded.end_us // len(self.recorded.batches)


def suits(recorded: RecordedWorker, sampling: Sampling, slice_us: int) -> bool:
    """Whether its observer was asked for that."""
    return bool(recorded.hello["sampling"] == asdict(sampling) and recorded.hello["slice_us"] == slice_us)


class ReplayedWorker:
    """One worker: its place in the cluster, and what it has said so far."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.number = number
        self.name = f"worker-{number}"
        self.host = f"host-{number // A_HOST}"
        self._dice = dice
        self._part: RecordedPart
        self.ahead_ns = random.Random(self.host).randrange(int(AHEAD_S * 1e9))
        self.address = ""
        self._stream: Any = None
        self._plugin: Any = None
        self._saying: asyncio.Task[None] | None = None
        self._origin_ns = 0  # of what it says, by this machine's clock
        self._said_us = 0
        self.batches = self.bytes = self.late = 0

    async def register(self, scheduler: str) -> None:
        """Become a worker of the cluster."""
        comm = await connect(scheduler)  # type: ignore[no-untyped-call]
        now_s = time.time()
        await comm.write(
            {
                "op": "register-worker",
                "reply": False,
                "address": self.address,
                "status": "running",
                "nthreads": 0,  # so that it is given no task
                "name": self.name,
                "now": now_s,
                "resources": {},
                "memory_limit": None,
                "local_directory": "",
                "services": {},
                "nanny": None,
                "pid": self.number,
                "versions": versions(),
                "metrics": NOTHING_DONE,
                "extra": {},
                "stimulus_id": f"worker-connect-{now_s}",
                "server_id": self.name,
            },
            serializers=["msgpack"],
        )
        answer = await comm.read(deserializers=["msgpack"])
        if answer["status"] != "OK":
            raise SystemExit(f"The scheduler does not take a worker: {answer}")
        self._stream = BatchedSend(interval="2ms")  # type: ignore[no-untyped-call]
        self._stream.start(comm)
        self._reading = asyncio.create_task(self._read(comm))

    async def _read(self, comm: Any) -> None:
        """What the scheduler tells its workers by the way is not for these."""
        try:
            while True:
                await comm.read()
        except OSError:
            return

    def begin(self, plugin: Any, part: RecordedPart) -> None:
        """An observer would be started now, and say that."""
        self._plugin, self._part = plugin, part
        self._saying = asyncio.create_task(self._say())

    async def end(self) -> None:
        """It would be asked to end now, and say the last that it has."""
        if self._saying is None:
            return
        self._saying.cancel()
        await asyncio.wait({self._saying})
        self._saying = None
        end = encode(End(self._said_us, "stopped"), 0)
        for told in ({"lines": zlib.compress(end.encode(), 1)}, {"lines": None, "status": 0, "said": ""}):
            self._send({**told, "tasks": [], "own_s": None})

    async def _say(self) -> None:
        batches = self._part.batches
        # From any moment of the time between two batches on: else all would say theirs at once.
        now_ns = time.monotonic_ns() + self._dice.randrange(self._part.gap_us) * 1000
        self._origin_ns = now_ns - batches[0].at_us * 1000
        for number, batch in enumerate(batches):
            await self._when_due(batch)
            self._send(self._part.told(number, self._origin_ns + self.ahead_ns))
            self._said_us = max(self._said_us, batch.seen_us)
        for turn in count(1):
            for batch in self._part.recorded.again(turn):
                await self._when_due(batch)
                lines = zlib.compress("\n".join(batch.lines).encode(), 1)
                self._send({"lines": lines, "tasks": [], "own_s": batch.own_s})
                self._said_us = batch.seen_us

    async def _when_due(self, batch: ToldBatch) -> None:
        due_s = (self._origin_ns + batch.at_us * 1000) / 1e9 + self._dice.uniform(0, JITTER_S)
        await asyncio.sleep(due_s - time.monotonic())
        self.late += time.monotonic() > due_s + worker.EVERY_S

    def _send(self, told: Json) -> None:
        self.batches += 1
        self.bytes += len(told["lines"] or b"")
        about = {"pid": self._part.recorded.pid, "host": self.host, "clock": [self.host, ""]}
        about |= {"worker": self.name, "now_ns": time.monotonic_ns() + self.ahead_ns}
        plugin = self._plugin
        message = {"op": OPERATION, "client": plugin._client, "topic": plugin.name, "told": {**about, **told}}
        self._stream.send(message)

    def told(self, from_ns: int, to_ns: int) -> Json:
        """What its slices of that time, up to what was said, come to."""
        from_us, to_us = ((ns - self._origin_ns) // 1000 for ns in (from_ns, to_ns))
        of = self._part.recorded.told(max(from_us, self._part.start_us), min(to_us, self._said_us))
        return {"switches": of.switches, "held_us": of.held_us, "seen_us": of.seen_us}


@cache
def versions() -> Json:
    """What each says of its Python."""
    return dict(get_versions())


class ReplayedCluster:
    """All of them, and what the scheduler asks of each at its address."""

    def __init__(self, recorded: Sequence[RecordedWorker], number: int, seed: int) -> None:
        dice = random.Random(seed)
        self._parts = [RecordedPart(each, int(start * each.end_us)) for start in STARTS for each in recorded]
        self._all = [ReplayedWorker(at, random.Random(dice.random())) for at in range(number)]
        self._by_address: dict[str, ReplayedWorker] = {}
        self._asked: dict[bytes, tuple[Any, list[RecordedPart]]] = {}  # a plugin, and what is as it asks for
        self._server = Server(  # type: ignore[no-untyped-call]
            {
                "plugin-add": self._plugin_add,
                "plugin-remove": self._plugin_remove,
                "versions": self._versions,
                "run": self._run,
            },
            needs_workdir=False,
        )

    async def register(self, scheduler: str) -> None:
        """Register all with a scheduler."""
        await self._server
        for each in self._all:
            await self._server.listen("tcp://127.0.0.1:0")  # type: ignore[no-untyped-call]
            each.address = self._server.listeners[-1].contact_address
            self._by_address[each.address] = each
            await each.register(scheduler)

    def told(self, from_ns: int, to_ns: int) -> Json:
        """What all have said of that time."""
        sums: Json = {}
        for each in self._all:
            for name, value in each.told(from_ns, to_ns).items():
                sums[name] = sums.get(name, 0) + value
        return sums

    def sent(self) -> Json:
        """How much all have said so far, and how many batches of it late."""
        return {name: sum(getattr(each, name) for each in self._all) for name in ("batches", "bytes", "late")}

    def _of(self, comm: Any) -> ReplayedWorker:
        return self._by_address[comm.local_address]

    async def _plugin_add(self, comm: Any, plugin: bytes, name: str | None = None, **more: Any) -> Json:
        if plugin not in self._asked:
            self._asked = {plugin: self._suiting(pickle.loads(plugin))}
        asked, parts = self._asked[plugin]
        each = self._of(comm)
        each.begin(asked, parts[each.number % len(parts)])
        return {"status": "OK"}

    def _suiting(self, plugin: Any) -> tuple[Any, list[RecordedPart]]:
        """A plugin, and what observers have said whom the same was asked of."""
        spec = {"slice_us": SLICE_US, **plugin._spec}
        sampling = Sampling(**spec["sampling"])
        suiting = [part for part in self._parts if suits(part.recorded, sampling, spec["slice_us"])]
        if not suiting:
            raise SystemExit(
                f"No recording is of what {len(self._all)} workers are asked for, {spec['sampling']} in "
                f"slices of {spec['slice_us']} us: make some by tools/scale_record.py --of {len(self._all)}"
            )
        return plugin, suiting

    async def _plugin_remove(self, comm: Any, name: str, **more: Any) -> Json:
        await self._of(comm).end()
        return {"status": "OK"}

    async def _versions(self, comm: Any, **more: Any) -> Json:
        return versions()

    async def _run(self, comm: Any, **more: Any) -> Json:
        """A clock is all that is asked for."""
        read_ns = time.monotonic_ns() + self._of(comm).ahead_ns
        return {"status": "OK", "result": to_serialize(read_ns)}  # type: ignore[no-untyped-call]


async def _main(scheduler: str, number: int, seed: int, paths: Sequence[str]) -> None:
    workers = ReplayedCluster([read(Path(path)) for path in paths], number, seed)
    await workers.register(scheduler)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        span = [int(ns) for ns in line.split()]
        print(json.dumps(workers.told(*span) if span else workers.sent()), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
