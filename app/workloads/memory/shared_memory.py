"""The same data handed to another process in two ways: pickled through a socket, and in shared memory."""

from __future__ import annotations

import mmap
import pickle
import socket
import struct
from array import array
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from time import monotonic_ns
from typing import Any, NamedTuple
from zlib import crc32

from app.workloads.catalogue import Companion, Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.latencies import Latencies
from app.workloads.measured import Shown
from app.workloads.memory.measures import MEGABYTE, sized

SHARED_FROM = 0.5  # of the time: until then the data is pickled

_HEADER = struct.Struct("=q")  # the length of the pickle that follows, or one of these:
_IS_SHARED, _IS_OVER = -1, -2
_ANSWER = struct.Struct("=I")  # the checksum of what arrived


class Prepared(NamedTuple):
    """Both ends of a socket pair, and memory that both processes map: none of it has a name."""

    client: socket.socket
    server: socket.socket
    memory: mmap.mmap


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    client, server = map(resources.enter_context, socket.socketpair())
    memory = mmap.mmap(-1, int(setting.params["megabytes"]) * MEGABYTE // 8 * 8)
    return Prepared(client, server, resources.enter_context(memory))


def _work(ctx: Context) -> Json:
    """Hand over the data again and again, changed each time, and have its checksum sent back."""
    prepared: Prepared = ctx.prepared
    prepared.server.close()  # the companion's: so that its end is seen here
    numbers = array("d", bytes(len(prepared.memory)))
    start_ns, deadline_ns = ctx.span
    turn_ns = start_ns + int(SHARED_FROM * (deadline_ns - start_ns))
    pickled, shared = Transfers(_pickle), Transfers(_share)
    try:
        while not ctx.stopping:
            way = pickled if monotonic_ns() < turn_ns else shared
            if not way.lengths.count:
                ctx.report({"phase": "pickled" if way is pickled else "shared"})
            numbers[0] += 1
            way.carry(prepared, numbers)
            ctx.count(1)
    finally:
        with suppress(BrokenPipeError):
            prepared.client.sendall(_HEADER.pack(_IS_OVER))
    return {"pickled": pickled.to_json(), "shared": shared.to_json()}


Send = Callable[[Prepared, "array[float]"], int]


class Transfers:
    """What one way of handing over took, from the data in this process to its checksum in the other."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.lengths = Latencies()
        self._bytes = 0
        self._total_ns = 0

    def carry(self, prepared: Prepared, numbers: array[float]) -> None:
        """Hand the numbers over once."""
        begin_ns = monotonic_ns()
        self._bytes += self._send(prepared, numbers)
        [checksum] = _ANSWER.unpack(_receive(prepared.client, _ANSWER.size))
        length_ns = monotonic_ns() - begin_ns
        if checksum != crc32(numbers):
            raise ValueError("the other process got other data than was sent")
        self.lengths.add(length_ns)
        self._total_ns += length_ns

    def to_json(self) -> Json:
        """How many, how long, and how many bytes went through the kernel."""
        return {
            **self.lengths.summary_ms(),
            "bytes_sent": self._bytes,
            "mean": self._total_ns / self.lengths.count / 1e6 if self.lengths.count else None,
        }


def _pickle(prepared: Prepared, numbers: array[float]) -> int:
    message = pickle.dumps(numbers, pickle.HIGHEST_PROTOCOL)
    prepared.client.sendall(_HEADER.pack(len(message)))
    prepared.client.sendall(message)
    return _HEADER.size + len(message)


def _share(prepared: Prepared, numbers: array[float]) -> int:
    # A program that shares has its data there from the start; this one counts the copy against itself.
    prepared.memory[:] = memoryview(numbers).cast("B")
    prepared.client.sendall(_HEADER.pack(_IS_SHARED))
    return _HEADER.size


def _serve(ctx: Context) -> Json:
    """The other process: the checksum of everything that comes, until it is told that nothing more will."""
    prepared: Prepared = ctx.prepared
    prepared.client.close()
    served = 0
    while True:
        [length] = _HEADER.unpack(_receive(prepared.server, _HEADER.size))
        if length == _IS_OVER:
            return {"served": served}
        data: Any = (
            prepared.memory if length == _IS_SHARED else pickle.loads(_receive(prepared.server, length))
        )
        prepared.server.sendall(_ANSWER.pack(crc32(data)))
        served += 1


def _receive(end: socket.socket, length: int) -> bytearray:
    """Exactly so many bytes. EOFError if the other process is gone."""
    data = bytearray(length)
    rest = memoryview(data)
    while rest:
        received = end.recv_into(rest)
        if not received:
            raise EOFError("the other process ended")
        rest = rest[received:]
    return data


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    pickled, shared = found[0]["pickled"], found[0]["shared"]
    both = pickled["mean"] and shared["mean"]
    return {
        "data_bytes": len(prepared.memory),
        "pickled": pickled,
        "shared": shared,
        "faster": pickled["mean"] / shared["mean"] if both else None,
    }


def _showed(result: Json) -> list[str]:
    pickled, shared = result["pickled"], result["shared"]
    if result["faster"] is None:
        return []
    return [
        f"{sized(result['data_bytes'])} of numbers, pickled and sent: {pickled['mean']:.1f} ms each "
        f"time, {sized(pickled['bytes_sent'])} through the kernel for {pickled['count']:,} of them.",
        f"In shared memory: {shared['mean']:.1f} ms, {shared['bytes_sent']:,} bytes for "
        f"{shared['count']:,} of them; {result['faster']:.1f} times as fast.",
    ]


SHARED_MEMORY = Workload(
    name="shared-memory",
    family="memory",
    title="Pickled, or shared",
    sentence="Hands the same numbers to another process: through pickle and a socket, then in shared memory.",
    op="one hand-over, with the checksum sent back",
    look_for=(
        "In the first half both processes work at moving bytes: they are pickled, written, read and built "
        "anew. In the second the data stays where it is, and what is sent is eight bytes.",
        "In the memory of both processes the shared part is counted in each RSS, and by halves in PSS.",
    ),
    why=(
        "Processes share nothing: what multiprocessing sends is pickled, copied into the kernel, copied out, "
        "and made into new objects: four times through memory, and each process holds its GIL while it "
        "pickles or builds.",
        "A mapping that is shared is the same page in both. Only its meaning has to be agreed on, and who "
        "may write when: here the socket says whose turn it is.",
    ),
    helps=(
        "multiprocessing.shared_memory, mmap and RawArray for buffers; send names, not contents.",
        "Pickle protocol 5 with out-of-band buffers, where objects have to be sent.",
    ),
    subject="Processes: what crosses between them, and what it costs (chapter 6).",
    roles=("sender",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    companion=Companion("receiver", _serve),
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("data_bytes", "Numbers handed over", "bytes"),
        Shown("pickled.mean", "Pickled and sent, mean", "ms"),
        Shown("pickled.bytes_sent", "Through the kernel, pickled", "bytes"),
        Shown("shared.mean", "In shared memory, mean", "ms"),
        Shown("shared.bytes_sent", "Through the kernel, shared", "bytes"),
        Shown("faster", "Faster by", "times"),
    ),
    params=(Param("megabytes", "int", 16, "How much is handed over each time.", min=1, max=64, unit="MB"),),
)
