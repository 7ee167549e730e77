"""How soon an audience sees what a teacher shows: guests who came in by one link, all at once.

    python tools/audience.py [--guests 200] [--seconds 10]

Each guest opens the link, follows what is shown, and reads the stream of the run that is on view, as its page
does. The teacher runs cpu-bound, turns pages while it goes on, and shows the answer at its end. Told are how
long a change took from the teacher's request to each guest, how much of a CPU the server took while the run
went on, and its memory. The guests are one process of this machine, and take CPU beside the server.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import statistics
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import psutil
from lab import Lab, lab
from websockets.asyncio.client import ClientConnection, connect

STEPS = ("cpu-bound", "convoy", "native-release", "native-hold")
TURN_EVERY_S = 0.5
AT_ONCE = 32


class Guest:
    """Somebody who looks: when each change of what is shown came."""

    def __init__(self, cookie: str) -> None:
        self.headers = {"Cookie": cookie}
        self.heard: list[float] = []
        self.bytes = 0

    async def follow(self, following: ClientConnection) -> None:
        """Until the connection is closed."""
        async for _ in following:
            self.heard.append(time.monotonic())

    async def read(self, stream: ClientConnection) -> None:
        """The run, until it ends."""
        async for message in stream:
            self.bytes += len(message)


async def lesson(server: Lab, number: int, seconds: float) -> None:
    """Print what an audience of so many saw of it."""
    http, sockets = f"http://{server.host}", f"ws://{server.host}/api/v1"
    async with (
        httpx.AsyncClient(base_url=f"{http}/api/v1", headers=server.bearer, timeout=60) as teacher,
        AsyncExitStack() as room,
    ):
        code = (await teacher.post("/codes?audience=true")).json()["code"]
        begun = time.monotonic()
        guests = await _come_in(f"{http}/teach/follow?code={code}", number)
        print(f"{number} guests came in by one link in {time.monotonic() - begun:.1f} s")
        gate = asyncio.Semaphore(AT_ONCE)
        tasks: list[asyncio.Task[None]] = []

        async def open_(path: str, guest: Guest, reads: Callable[[ClientConnection], Any]) -> None:
            async with gate:
                headers = guest.headers
                opened = connect(sockets + path, additional_headers=headers, proxy=None, max_size=None)
                connection = await room.enter_async_context(opened)
            tasks.append(asyncio.create_task(reads(connection)))

        await asyncio.gather(*(open_("/teaching/stream", each, each.follow) for each in guests))
        run = (await teacher.post("/runs", json={"workload": "cpu-bound", "seconds": seconds})).json()["id"]
        await asyncio.gather(*(open_(f"/runs/{run}/stream", each, each.read) for each in guests))
        process = psutil.Process(server.pid)
        before, since = _cpu_s(process), time.monotonic()
        asked: list[float] = []
        while (await teacher.get(f"/runs/{run}")).json()["state"] in ("starting", "running"):
            asked.append(await _show(teacher, STEPS[len(asked) % len(STEPS)], run, False))
            await asyncio.sleep(TURN_EVERY_S)
        took = (_cpu_s(process) - before) / (time.monotonic() - since)
        asked.append(await _show(teacher, "cpu-bound", run, True))
        until = time.monotonic() + 30
        while not all(guest.heard and guest.heard[-1] > asked[-1] for guest in guests):
            assert time.monotonic() < until, "a guest was not told what was shown last"
            await asyncio.sleep(0.05)
        _tell([guest.heard for guest in guests], asked)
        print(f"server: {took:.2f} of a CPU, {process.memory_info().rss / 1e6:.0f} MB")
        print(f"a guest read {statistics.median(guest.bytes for guest in guests) / 1e6:.2f} MB of the run")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _come_in(link: str, number: int) -> list[Guest]:
    gate = asyncio.Semaphore(AT_ONCE)
    tls = ssl.create_default_context()  # which takes longer than the request

    async def one() -> Guest:
        async with gate, httpx.AsyncClient(timeout=60, verify=tls) as browser:
            answer = await browser.get(link)
            return Guest(answer.headers["set-cookie"].split(";")[0])

    return list(await asyncio.gather(*(one() for _ in range(number))))


async def _show(teacher: httpx.AsyncClient, workload: str, run: str, revealed: bool) -> float:
    """Show that; when it was asked for."""
    asked = time.monotonic()
    body: dict[str, Any] = {"chapter": 15, "workload": workload, "run": run, "revealed": revealed}
    (await teacher.put("/teaching", json=body)).raise_for_status()
    return asked


def _tell(heard: list[list[float]], asked: list[float]) -> None:
    """Each change that came within the time until the next; who came to the stream first is told of none."""
    took = []
    for at, after in zip(asked, [*asked[1:], float("inf")], strict=True):
        took += [1000 * (each - at) for times in heard for each in times if at <= each < after]
    took.sort()
    told = f"{len(asked)} changes to {len(heard)} guests: {len(took)} of {len(asked) * len(heard)} came"
    print(f"{told}; median {statistics.median(took):.0f} ms, p99 {took[len(took) * 99 // 100]:.0f}", end="")
    print(f", at the most {took[-1]:.0f}")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--guests", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    with lab() as server:
        asyncio.run(lesson(server, chosen.guests, chosen.seconds))


if __name__ == "__main__":
    main()
