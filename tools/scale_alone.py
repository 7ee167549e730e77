"""What CPU the parts of a cluster's way take for many workers, one after the other and nothing beside them.

    python tools/scale_alone.py DIR [--workers 1,8,64] [--seconds 10] [--full] [--repeats 3]

DIR has what scale_record.py wrote. On a machine that others use, a measurement of all parts at once
(scale.py) says little of what each would take. Here the same messages are handed, in the order of their
times, to what stands for a cluster's observers, and what that says to what a server does with it: ledger,
recording and timeline. Told are CPU seconds for a second of the run, from SETTLE_S after its beginning on,
and those to make the figures for viewers once. With `--full` all workers say all, however many they are.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scale_recorded import Json, RecordedWorker, all_of
from scale_workers import STARTS, RecordedPart, suits

from app.analysis.figures import figures_of
from app.analysis.summary import judge
from app.model.frames import decode
from app.model.spec import ObserverSpec
from app.runs.cluster import __main__ as cluster
from app.runs.cluster.detail import Detail
from app.runs.cluster.worker import clock_identity
from app.runs.feed import Feed
from app.runs.garbage import collect_seldom
from app.runs.recording import Recording
from app.runs.timeline import TimelineWriter
from bench.spread import spread

SETTLE_S = 3.0
ADVANCE_NS = 50_000_000  # so often is told what can be


class AloneObserver(cluster.ClusterObserver):
    """Stands for a cluster's observers, with its clock in the hands of this program."""

    def __init__(self, detail: Detail, output: int) -> None:
        super().__init__("tcp://nowhere", ObserverSpec({"id": "scale"}), output)
        self._detail, self._joining.slice_us = detail, detail.slice_us
        self.now_ns = self.begun_ns = self._origin_ns

    def _now_us(self) -> int:
        return (self.now_ns - self._origin_ns) // 1000

    def take_all(self, told: Iterator[tuple[int, Json]]) -> tuple[float, float]:
        """What workers say, in order: CPU seconds for a second, from SETTLE_S on; the run's length."""
        advanced_ns, since = self.now_ns, (0.0, 0)
        for at_ns, message in told:
            self.now_ns = at_ns
            self._hear(message)
            if at_ns - advanced_ns < ADVANCE_NS:
                continue
            advanced_ns = at_ns
            if self._joining.at_us is not None:
                self._joining.advance(self._now_us())
            elif at_ns - self.begun_ns > SETTLE_S * 1e9:
                self._begin(at_once=True)
                since = time.process_time(), at_ns
        return (time.process_time() - since[0]) / ((self.now_ns - since[1]) / 1e9), self._now_us() / 1e6


def said(
    parts: Sequence[RecordedPart], number: int, seconds: float, begun_ns: int
) -> Iterator[tuple[int, Json]]:
    """What so many workers say, in the order of time, all on one clock."""
    dice, due = random.Random(0), []
    clock = clock_identity()
    for at in range(number):
        part = parts[at % len(parts)]
        origin_ns = begun_ns + dice.randrange(part.gap_us) * 1000 - part.start_us * 1000
        due += [(origin_ns + batch.at_us * 1000, at, n, origin_ns) for n, batch in enumerate(part.batches)]
    for at_ns, at, n, origin_ns in sorted(due):
        if at_ns > begun_ns + seconds * 1e9:
            return
        part = parts[at % len(parts)]
        about = {
            "address": f"worker-{at}",
            "worker": f"worker-{at}",
            "host": f"host-{at // 8}",
            "clock": clock,
        }
        told = part.told(n, origin_ns) | {"pid": part.recorded.pid, "now_ns": at_ns}
        yield at_ns, {**about, **told}


async def joined(
    parts: Sequence[RecordedPart], detail: Detail, number: int, seconds: float, out: Path
) -> float:
    """CPU seconds for a second, of what stands for so many; what it says goes to `out`."""
    fd = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        observer = AloneObserver(detail, fd)
        return observer.take_all(said(parts, number, seconds + SETTLE_S, observer.begun_ns))[0]
    finally:
        os.close(fd)


def served(told: Path) -> tuple[float, float]:
    """CPU seconds for a second of the run, of a server without viewers; and for figures, once."""
    lines = told.read_text().splitlines()
    feed = Feed(dict)
    feed.recordings.append(Recording(told.with_suffix(".gz")))
    feed.timeline = TimelineWriter(told.with_suffix(".timeline"))
    since: tuple[float, int] | None = None
    for line in lines:
        if since is None and feed.ledger.at_us > SETTLE_S * 1e6:
            since = time.process_time(), feed.ledger.at_us
        feed.hear([line])
        feed.take(decode(line), line)
    assert since is not None, "the run is too short"
    cpu_s, length_s = time.process_time() - since[0], (feed.ledger.at_us - since[1]) / 1e6
    begun_s = time.process_time()
    feed.say(figures_of(feed.ledger) | {"findings": judge(feed.ledger)})
    return cpu_s / length_s, time.process_time() - begun_s


def measure(recorded: Sequence[RecordedWorker], number: int, seconds: float, full: bool) -> tuple[float, ...]:
    """CPU for a second of the run, of both parts; that of figures; bytes a second between the two."""
    detail = Detail.of(ObserverSpec({}).sampling, 1 if full else number)
    parts = [
        RecordedPart(each, int(start * each.end_us))
        for start in STARTS
        for each in recorded
        if suits(each, detail.sampling, detail.slice_us)
    ]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "told"
        joiner = asyncio.run(joined(parts, detail, number, seconds, out))
        server, figures_s = served(out)
        return joiner, server, figures_s, out.stat().st_size / (seconds + SETTLE_S)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", default="1,8,64")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--full", action="store_true")
    asked: Any = parser.parse_args()
    recorded = list(all_of(asked.folder))
    collect_seldom()
    for number in map(int, asked.workers.split(",")):
        found = [measure(recorded, number, asked.seconds, asked.full) for _ in range(asked.repeats)]
        joiner, server, figures_s, bytes_s = (spread(each) for each in zip(*found, strict=True))
        print(
            f"{number} workers: joiner {joiner.text('{:.2f}')}, server {server.text('{:.2f}')} CPUs; "
            f"figures {figures_s.text('{:.2f}')} s; {bytes_s.median / 1e3:.0f} kB/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
