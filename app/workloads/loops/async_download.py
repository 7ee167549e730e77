"""Files fetched at once from a local server, with one deadline for all, and written to a slow disk."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic_ns, sleep
from typing import NamedTuple

from app.workloads.catalogue import Companion, Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.latencies import Latencies
from app.workloads.loops import lag
from app.workloads.measured import Shown, of_latencies
from app.workloads.picture import COLOURS, Axis, Line, chart
from app.workloads.sockets import STOP_POLL_S, listen

BINS = 25  # of a batch's time: so many points has the curve

_CHUNK = bytes(range(256)) * 128  # 32 KiB
_CHUNKS = 8
_NS_A_MS = 1_000_000
_PAUSE_S = 0.02  # between two batches


class Prepared(NamedTuple):
    """Where the files come from and go to, and who writes them in the loop's place."""

    listening: socket.socket
    folder: Path
    writers: Executor | None


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    listening = listen(resources)
    folder = resources.enter_context(TemporaryDirectory(prefix="gilscope-downloads-"))
    writers: Executor | None = None
    if setting.params["write"] == "to_thread":
        files = int(setting.params["files"])
        writers = resources.enter_context(ThreadPoolExecutor(files, thread_name_prefix="writer"))
    return Prepared(listening, Path(folder), writers)


def _serve(ctx: Context) -> None:
    """The server: it sends each file in chunks, with a pause before each of them."""
    asyncio.run(_serving(ctx))


async def _serving(ctx: Context) -> None:
    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for _ in range(_CHUNKS):
                await asyncio.sleep(ctx.params["fetch_ms"] / _CHUNKS / 1000)
                writer.write(_CHUNK)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass  # who asked has had enough, or the run is over
        finally:
            writer.close()

    listening: socket.socket = ctx.prepared.listening
    listening.setblocking(False)
    server = await asyncio.start_server(send, sock=listening)
    while not ctx.stopping:  # noqa: ASYNC110 - another process says so, in shared memory
        await asyncio.sleep(STOP_POLL_S)
    server.close()


class Batch:
    """Files that are fetched at once, again and again, and what became of them by the deadline."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._begin_ns = 0
        self._written_ms: list[float] = []  # of this batch: when, since it began
        self.batches = self.in_time = self.too_late = self.cut_off = self.received = 0
        self.over = Latencies()  # how long after its deadline a batch was over, if it was
        self.bins = [0] * BINS  # files that were written in time, by when

    async def run(self) -> None:
        """Fetch them, and give up those that have not been written when the deadline comes."""
        params = self._ctx.params
        self._begin_ns = monotonic_ns()
        self._written_ms.clear()
        tasks = [
            asyncio.create_task(self._download(number), name=f"file-{number}")
            for number in range(1, params["files"] + 1)
        ]
        _, late = await asyncio.wait(tasks, timeout=params["deadline_ms"] / 1000)
        over_ns = monotonic_ns() - self._begin_ns - int(params["deadline_ms"] * _NS_A_MS)
        for task in late:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                raise outcome
        if self._ctx.stopping:
            return  # what was cut off then was not by the deadline
        self.batches += 1
        self.cut_off += len(late)
        for written_ms in self._written_ms:
            if written_ms < params["deadline_ms"]:
                self.in_time += 1
                self.bins[int(written_ms / params["deadline_ms"] * BINS)] += 1
            else:
                self.too_late += 1
        if over_ns > 0:
            self.over.add(over_ns)

    async def _download(self, number: int) -> None:
        prepared: Prepared = self._ctx.prepared
        host, port = prepared.listening.getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        try:
            content = await reader.read(-1)
        finally:
            writer.close()
        if len(content) < _CHUNKS * len(_CHUNK):
            raise ConnectionError("the server ended first")
        self.received += len(content)
        path = prepared.folder / f"file-{number}"
        if prepared.writers is None:
            self._write(path, content)
        else:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(prepared.writers, self._write, path, content)
        written_ms = (monotonic_ns() - self._begin_ns) / _NS_A_MS
        self._written_ms.append(written_ms)
        if written_ms < self._ctx.params["deadline_ms"]:
            self._ctx.count(1)

    def _write(self, path: Path, content: bytes) -> None:
        """Blocking, as writing to a file is."""
        if not self._ctx.stopping:
            path.write_bytes(content)
            sleep(self._ctx.params["disk_ms"] / 1000)


async def _coroutine(ctx: Context) -> Json:
    if ctx.role == "watch":
        return await lag.watch(ctx)
    batch = Batch(ctx)
    while not ctx.stopping:
        await batch.run()
        await asyncio.sleep(_PAUSE_S)
    kept = ("batches", "in_time", "too_late", "cut_off", "received", "over", "bins")
    found = {key: getattr(batch, key) for key in kept}
    return {**found, "files": ctx.params["files"], "deadline_ms": ctx.params["deadline_ms"]}


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    watched, batch = found
    return {
        **watched,
        **{key: batch[key] for key in ("batches", "in_time", "too_late", "cut_off")},
        "received_bytes": batch["received"],
        "over_ms": batch["over"].summary_ms(),
        "pictures": pictures(batch["bins"], batch["batches"], batch["files"], batch["deadline_ms"]),
    }


def pictures(bins: Sequence[int], batches: int, files: int, deadline_ms: float) -> list[Json]:
    """The curve: how many files of a batch were written by when, on average. None before the first batch."""
    if not batches:
        return []
    ends_ms = [(at + 1) * deadline_ms / BINS for at in range(BINS)]
    points = [(0.0, 0.0), *zip(ends_ms, (total / batches for total in accumulate(bins)))]
    asked = [(0.0, float(files)), (deadline_ms, float(files))]
    return [
        {
            "title": "Files of a batch that were written, until the deadline",
            "svg": chart(
                Axis("ms since the batch began", "{:g}".format),
                Axis("files", "{:g}".format),
                [
                    Line("written", COLOURS[2], points),
                    Line("asked for", COLOURS[0], asked, dashed=True),
                ],
            ),
            "alt": f"By the deadline, {deadline_ms:g} ms, {points[-1][1]:.1f} of {files} files were written.",
        }
    ]


def _showed(result: Json) -> Sequence[str]:
    batches, over = result["batches"], result["over_ms"]
    if not batches:
        return ("The run ended before a batch did.",)
    asked = result["in_time"] + result["too_late"] + result["cut_off"]
    said = [
        f"{batches:,} batches: of {asked:,} files {result['in_time']:,} were written by the deadline, "
        f"{result['too_late']:,} after it, and {result['cut_off']:,} were given up.",
    ]
    if over["count"]:
        said.append(
            f"{over['count']:,} batches were over after their deadline, by a median of {over['p50']:,.0f} ms "
            f"and {over['max']:,.0f} ms at most."
        )
    return (*said, lag.showed(result))


ASYNC_DOWNLOAD = Workload(
    name="async-download",
    family="asyncio",
    title="Downloads with a deadline",
    sentence="Files are fetched at once and written to a slow disk; a write that blocks breaks the deadline.",
    op="one file fetched and written by the deadline",
    look_for=(
        "All files of a batch arrive together, for waiting costs a loop nothing. Then the lane is asleep: "
        "one write after the other, in the loop's thread, and the deadline of the batch passes meanwhile.",
        "In the curve the files come one by one, and the line has not reached what was asked for when the "
        "deadline comes. Nor is the batch over then: the timer is a callback of the loop that is blocked.",
        "Set write to to_thread: all are written at once, by threads, and long before the deadline.",
    ),
    why=(
        "Writing to a file blocks: the kernel has no way to say that a file is ready, as it has for sockets. "
        "Nothing about `async` changes that.",
        "A time-out of asyncio ends an await. A function that does not await cannot be ended by it, nor can "
        "the time-out be noticed before that function returns.",
    ),
    helps=(
        "`await asyncio.to_thread(path.write_bytes, content)`; aiofiles does the same.",
        "One deadline for the whole, with asyncio.wait or asyncio.timeout (3.11), and a look at what was cut "
        "off; asyncio.Semaphore or as many workers as the disk can bear, where there are many files.",
    ),
    subject="Communication with asyncio: many downloads, files, and one deadline (chapters 5 and 11).",
    finding="event-loop-blocked",
    mended=Variant("Files written in threads", params={"write": "to_thread"}),
    roles=("watch", "batch"),
    counting="batch",
    coroutine=_coroutine,
    executors=("asyncio",),
    executor="asyncio",
    workers=2,
    min_workers=2,
    max_workers=2,
    companion=Companion("server", _serve),
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("batches", "Batches"),
        Shown("in_time", "Files written by the deadline"),
        Shown("too_late", "Files written after it"),
        Shown("cut_off", "Files given up"),
        Shown("received_bytes", "Received", "bytes"),
        *of_latencies("over_ms", "After the deadline"),
        *of_latencies("loop_lag_ms", "Loop lag"),
    ),
    params=(
        Param(
            "write",
            "choice",
            "loop",
            "Where a file is written: in the loop's own thread, or in a thread for each.",
            choices=("loop", "to_thread"),
        ),
        Param("files", "int", 6, "How many files a batch has.", min=1, max=32),
        Param("fetch_ms", "float", 100.0, "How long a file takes to arrive.", min=0.0, max=400.0, unit="ms"),
        Param(
            "disk_ms",
            "float",
            80.0,
            "How long the disk keeps the writer waiting for each file, as one on a network does.",
            min=0.0,
            max=300.0,
            unit="ms",
        ),
        Param("deadline_ms", "float", 350.0, "The deadline of a batch.", min=10.0, max=500.0, unit="ms"),
    ),
)
