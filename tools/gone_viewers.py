"""Let many viewers of a run come and go, and see that they leave the server's memory.

    python tools/gone_viewers.py [--viewers 1000] [--at-once 10] [--workers 8] [--first-s 20]

Each reads its header and the first slice that comes live, then goes. The server's memory (USS), descriptors
and threads are told after each tenth of them. For the first seconds of the run, viewers come and go too, and
are not counted: what a server keeps of a run's last ten seconds is there then. Ends with status 1 where it
grew by more than 5 MiB from the third tenth on, by when its allocator has what it keeps, or where
descriptors are left. A run that nobody looks at grows, too: by 2 MiB in the time that this takes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.request import Request, urlopen

import psutil
from lab import Lab, lab
from websockets.sync.client import connect

SETTLED = 3  # tenths of the viewers
MOST_GROWTH = 5 << 20
MOST_MORE = 1  # descriptors: a file that is read at that moment


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What the server has after so many viewers."""

    viewers: int
    uss: int  # bytes
    descriptors: int
    threads: int

    def __str__(self) -> str:
        return (
            f"after {self.viewers:5} viewers  {self.uss / 2**20:6.1f} MiB  {self.descriptors} descriptors  "
            f"{self.threads} threads"
        )


def look(server: Lab, run: str) -> None:
    """Be a viewer, for as long as it takes to see the run go on."""
    stream = f"ws://{server.host}/api/v1/runs/{run}/stream"
    with connect(
        stream,
        additional_headers=server.bearer,
        proxy=None,
        open_timeout=60,
        max_size=None,
        max_queue=None,  # else it cannot hear the server's farewell behind what it has not read
    ) as viewer:
        kinds = (json.loads(text)["type"] for text in viewer)
        if "header" not in kinds or "frame" not in kinds:  # in this order
            raise SystemExit("The run ended before its viewers had seen it: give it more time.")


def there(server: Lab) -> int:
    """How many viewers it has."""
    with urlopen(Request(f"http://{server.host}/metrics", headers=server.bearer)) as answer:
        [told] = re.findall(rb"^gilscope_viewers (\d+)", answer.read(), re.MULTILINE)
    return int(told)


def come_and_go(
    server: Lab, viewers: int, at_once: int, workers: int, first_s: float
) -> Iterator[LeftBehind]:
    """After the first seconds, and after each tenth of the viewers."""
    run = server.ask("runs", {"workload": "cpu-bound", "workers": workers, "seconds": 3600})["id"]
    process = psutil.Process(server.pid)

    def left(after: int) -> LeftBehind:
        while there(server):
            time.sleep(0.1)
        return LeftBehind(after, process.memory_full_info().uss, process.num_fds(), process.num_threads())

    with ThreadPoolExecutor(at_once) as pool:

        def some(count: int) -> None:
            for _ in pool.map(lambda _: look(server, run), range(count)):
                pass

        until_s = time.monotonic() + first_s
        while time.monotonic() < until_s:
            some(at_once)
        yield left(0)
        for tenth in range(10):
            some(viewers // 10)
            yield left((tenth + 1) * (viewers // 10))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--first-s", type=float, default=20.0)
    chosen = parser.parse_args()
    with lab() as server:
        found = []
        for left in come_and_go(server, chosen.viewers, chosen.at_once, chosen.workers, chosen.first_s):
            print(left, flush=True)
            found.append(left)
    grown = found[-1].uss - found[SETTLED].uss
    more = found[-1].descriptors - found[0].descriptors
    print(f"from viewer {found[SETTLED].viewers} on {grown / 2**20:+.1f} MiB; {more:+} descriptors")
    return 0 if grown <= MOST_GROWTH and more <= MOST_MORE else 1


if __name__ == "__main__":
    sys.exit(main())
