"""What stands for a cluster's observer: what it makes of messages, without a cluster."""

from __future__ import annotations

import asyncio
import json
import os
import time
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

import pytest

from app.model.errors import GilscopeError, NotReadable
from app.model.frames import Counters, End, Frame, Hello, Message, Names, Process, encode
from app.model.spec import ObserverSpec, Sampling
from app.runs.cluster import __main__ as cluster
from app.runs.cluster import detail as cluster_detail
from app.runs.cluster.__main__ import ClusterObserver

PID = 70
OTHER = ["another boot", ""]


class Client:
    """The part of Dask's that is used while a run goes on."""

    status = "running"

    def __init__(self, read_clock: Callable[[], int] | None = None) -> None:
        self._read_clock = read_clock

    async def run(self, what: object, workers: list[str], on_error: str) -> dict[str, Any]:
        if self._read_clock is None:
            raise OSError("it does not answer")
        return {workers[0]: self._read_clock()}


def told(address: str, messages: list[Message] | None, clock: list[str], **more: Any) -> tuple[float, dict]:
    """A batch, as it comes by Dask's stream."""
    lines = (
        None if messages is None else zlib.compress("\n".join(encode(each, 0) for each in messages).encode())
    )
    news = {"worker": address[-1], "tasks": [], "own_s": None, "now_ns": time.monotonic_ns()}
    about = {"pid": PID, "host": "h", "clock": clock}
    return 0.0, {"address": address, **about, "lines": lines, "status": 1, "said": "", **news, **more}


def seen(origin_ns: int) -> list[Message]:
    """A worker with a thread, of two seconds."""
    return [
        Hello(origin_ns, 1e9, {}, {}),
        Process(0, PID, 1, ["python"], "3.12.1", False, True, 5000),
        Names(0, [[0, PID, PID, "main", 0]], [[0, PID, 0]]),
        Counters(0, [[PID, 1000, 4096, 4096, 1, 0]], [], {"cpu_us": 1, "gil_hz": 1000.0}),
        *(Frame(n * 50_000, (n + 1) * 50_000, 50, 0, 0, [], [[0, [0, 50_000]]]) for n in range(40)),
    ]


def observing(work: Callable[[ClusterObserver], Coroutine[Any, Any, None]]) -> list[dict]:
    """Have an observer beside that; what it said."""
    read, write = os.pipe()

    async def run() -> None:
        await work(
            ClusterObserver("tcp://u:hunter2@10.0.0.5:8786", ObserverSpec({"id": "r"}, Sampling()), write)
        )

    with open(read, "rb") as said:
        try:
            asyncio.run(run())
        finally:
            os.close(write)
        return [json.loads(line) for line in said]


async def told_of(observer: ClusterObserver, us: int) -> None:
    while (observer._joining.at_us or 0) < us:  # noqa: ASYNC110 - there is no event for that
        await asyncio.sleep(0.02)


def test_what_goes_wrong_with_a_message_ends_the_run_and_is_not_lost_in_dasks_log() -> None:
    async def work(observer: ClusterObserver) -> None:
        await observer._heard(told("w:0", [], observer._clock, lines=b"no zip"))
        with pytest.raises(zlib.error):
            await observer._follow(Client())

    observing(work)


def test_a_client_that_reads_too_late_is_told_what_happened() -> None:
    async def work(observer: ClusterObserver) -> None:
        await observer._heard((0.0, {"unheard": True}))
        with pytest.raises(GilscopeError, match="not read for so long"):
            await observer._follow(Client())

    observing(work)


def test_what_is_wrong_with_all_is_said_and_nothing_secret() -> None:
    async def work(observer: ClusterObserver) -> None:
        observer._expected = {"w:0": ("0", "h")}
        await observer._heard(told("w:0", None, observer._clock, said="Permission denied"))
        with pytest.raises(NotReadable, match="No worker can be observed: Permission denied"):
            await observer._follow(Client())
        with pytest.raises(NotReadable) as refused:
            await observer._answered(failing())
        assert "hunter2" not in str(refused.value)

    async def failing() -> None:
        raise OSError("in <TCP tcp://u:hunter2@10.0.0.5:8786>: closed")

    observing(work)


def test_the_run_begins_with_those_that_are_seen_and_tells_of_the_others() -> None:
    async def work(observer: ClusterObserver) -> None:
        observer._expected = {f"w:{name}": (str(name), "h") for name in range(4)}
        observer._silent = {"w:2"}
        origin_ns = time.monotonic_ns() - 2_000_000_000
        await observer._heard(told("w:0", seen(origin_ns), observer._clock))
        await observer._heard(told("w:1", None, observer._clock, said="Permission denied"))
        following = asyncio.ensure_future(observer._follow(Client()))
        await asyncio.sleep(0.2)
        assert observer._joining.at_us is None, "it waits for the last one"
        await observer._heard((0.0, {"address": "w:3", "pid": PID, "also": True}))
        await told_of(observer, 50_000)
        observer.ask("stopped")
        assert await following == "stopped"

    unseen = [row for each in observing(work) if each["type"] == "cluster" for row in each["unseen"]]
    assert [(row[1], row[3]) for row in unseen] == [("2", "it did not answer"), ("1", "Permission denied")]


def test_a_clock_that_cannot_be_read_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "RETRY_S", 0.05)
    ahead_ns, tried = 5_000_000_000, []

    def read_clock() -> int:
        tried.append(1)
        if len(tried) < 3:
            raise OSError("it does not answer now")
        return time.monotonic_ns() + ahead_ns

    async def work(observer: ClusterObserver) -> None:
        observer._client = client = Client(read_clock)
        observer._expected = {"w:0": ("0", "h")}
        origin_ns = time.monotonic_ns() + ahead_ns - 2_000_000_000
        await observer._heard(told("w:0", seen(origin_ns), OTHER, now_ns=origin_ns + 2_000_000_000))
        following = asyncio.ensure_future(observer._follow(client))
        await told_of(observer, 50_000)
        observer.ask("stopped")
        await following

    clocks = [row for each in observing(work) if each["type"] == "cluster" for row in each["clocks"]]
    assert clocks[0][:3] == ["h", "0", PID]
    assert clocks[0][3] > 0
    assert len(tried) > cluster.TRIPS


def test_of_one_whose_clock_is_never_known_no_more_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "MOST_WAITING", 3)

    async def work(observer: ClusterObserver) -> None:
        for _ in range(6):
            await observer._heard(told("w:0", [End(0, "stopped")], OTHER))
        [each] = observer._workers.values()
        assert not each.waiting
        assert each.joined is not None
        assert each.joined.why == "its clock could not be set beside the run's: it did not answer"

    observing(work)


def test_workers_of_one_machine_have_one_clock_which_is_read_of_one_of_them() -> None:
    ahead_ns, asked = 5_000_000_000, []

    class Cluster(Client):
        async def run(self, what: object, workers: list[str], on_error: str) -> dict[str, Any]:
            asked.append(workers[0])
            return {workers[0]: time.monotonic_ns() + ahead_ns}

    async def work(observer: ClusterObserver) -> None:
        observer._client = client = Cluster()
        observer._expected = {f"w:{name}": (str(name), "h") for name in range(3)}
        origin_ns = time.monotonic_ns() + ahead_ns - 2_000_000_000
        for name in range(3):
            batch = told(f"w:{name}", seen(origin_ns), OTHER, now_ns=origin_ns + 2_000_000_000)
            await observer._heard(batch)
        following = asyncio.ensure_future(observer._follow(client))
        await told_of(observer, 50_000)
        observer.ask("stopped")
        await following

    clocks = [row for each in observing(work) if each["type"] == "cluster" for row in each["clocks"]]
    assert asked == ["w:0"] * cluster.TRIPS or asked == ["w:2"] * cluster.TRIPS
    assert [row[1] for row in clocks] == ["0", "1", "2"]
    assert len({row[3] for row in clocks}) == 1, "they are off by the same"


def test_many_are_told_of_in_longer_slices_and_that_is_said() -> None:
    async def work(observer: ClusterObserver) -> None:
        observer._detail = observer._detail_of(cluster_detail.FULL * 2)
        observer._joining.slice_us = observer._detail.slice_us
        observer._expected = {"w:0": ("0", "h")}
        await observer._heard(told("w:0", seen(time.monotonic_ns() - 2_000_000_000), observer._clock))
        following = asyncio.ensure_future(observer._follow(Client()))
        await told_of(observer, 200_000)
        observer.ask("stopped")
        await following

    said = observing(work)
    frames = [each for each in said if each["type"] == "frame"]
    assert {each["end_us"] - each["start_us"] for each in frames} == {100_000}
    assert {sum(length for length in track[1::2]) for each in frames for _, track in each["lanes"]} == {
        100_000
    }
    assert said[0]["slice_us"] == 100_000
    assert said[0]["sampling"] == {
        **asdict(Sampling()),
        "less": "there are 64 workers: each is sampled 354 times a second, and told of in slices of 100 ms",
    }
