"""Record what observers say beside workers of a real Dask cluster, for scale.py.

    python tools/scale_record.py DIR [--seconds 40] [--kinds compute,fetch,mixed,idle] [--of 64,256]

Each kind is a cluster of one worker with four threads, observed for so long as `gilscope dask` does, one kind
after the other: `compute` has more Python than it can do, `fetch` waits for answers and reads them, `mixed`
lets go of the GIL for half of its time, `idle` has little to do. Each is observed as in a cluster of its own,
and then as the workers of larger clusters are (`--of`). Writes DIR/KIND-NUMBER.gz.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import time
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster
from scale_recorded import Json, read, write

from app.model.spec import ObserverSpec
from app.runs.cluster.__main__ import ClusterObserver
from app.runs.cluster.detail import Detail

THREADS = 4


def _python(seconds: float) -> int:
    until_s, found = time.monotonic() + seconds, 0
    while time.monotonic() < until_s:
        found += sum(each * each for each in range(300))
    return found


def compute(number: int) -> int:
    """Computes in Python alone."""
    return _python(0.4)


def fetch(number: int) -> int:
    """Waits for answers, and reads them."""
    found = 0
    for _ in range(10):
        time.sleep(0.02)
        found += _python(0.002)
    return found


def mixed(number: int) -> int:
    """Computes in C without the GIL, and in Python."""
    for _ in range(10):
        hashlib.pbkdf2_hmac("sha256", b"gilscope", b"salt", 20_000)
        _python(0.01)
    return number


def idle(number: int) -> None:
    """Does nothing, as a worker without work but for this."""
    time.sleep(0.5)


KINDS: dict[str, Callable[[int], object]] = {
    "compute": compute,
    "fetch": fetch,
    "mixed": mixed,
    "idle": idle,
}


class ClusterRecorder(ClusterObserver):
    """A cluster's observer that keeps what it hears, for so long from the first message on."""

    def __init__(self, scheduler: str, workers: int, seconds: float, output: int) -> None:
        super().__init__(scheduler, ObserverSpec({"id": "scale"}), output)
        self.heard: list[tuple[Json, list[str]]] = []
        self._of, self._seconds = workers, seconds

    def _detail_of(self, workers: int) -> Detail:
        return super()._detail_of(self._of)

    def _hear(self, told: Json) -> None:
        if told.get("lines"):
            if not self.heard:
                asyncio.get_running_loop().call_later(self._seconds, self.ask, "stopped")
            self.heard.append((told, zlib.decompress(told["lines"]).decode().split("\n")))
        super()._hear(told)


def record(kind: str, seconds: float, path: Path, workers: int) -> None:
    """Have a cluster do that, and write what its worker's observer says, as if there were so many."""
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=1, threads_per_worker=THREADS, dashboard_address=None, worker_dashboard_address=None
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        work = KINDS[kind]
        tasks = client.map(work, range(int(seconds * 200)), pure=False, key=f"{kind}-tasks")
        heard = asyncio.run(_heard(cluster.scheduler_address, seconds, workers))
        client.cancel(tasks)
    write(path, kind, heard)


async def _heard(scheduler: str, seconds: float, workers: int) -> list[tuple[Json, list[str]]]:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        recorder = ClusterRecorder(scheduler, workers, seconds, nowhere)
        await recorder.run()
    finally:
        os.close(nowhere)
    return recorder.heard


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--of", default="1", help="workers that a cluster has, as each is asked for less (1)")
    asked: Any = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    for workers, kind in product(map(int, asked.of.split(",")), asked.kinds.split(",")):
        path = asked.folder / f"{kind}-{workers}.gz"
        record(kind, asked.seconds, path, workers)
        told = read(path)
        lines = sum(len(line) for batch in told.batches for line in batch.lines)
        print(
            f"{kind} of {workers}: {told.end_us / 1e6:.1f} s, {len(told.batches)} batches, "
            f"{lines / told.end_us * 1e3:.1f} kB/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
