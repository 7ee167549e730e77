"""What is sent into a cluster: what the scheduler keeps for a client, and clocks."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from app.runs.cluster import plugins
from app.runs.cluster.plugins import SchedulerSide

CLIENT, RUN, WORKER = "client", "gilscope-r", "tcp://w"


class Scheduler:
    """The part of Dask's that the plugin uses."""

    def __init__(self) -> None:
        self.stream_handlers: dict[str, Any] = {}
        self.plugins: dict[str, Any] = {}
        self.worker_plugins: dict[str, bytes] = {RUN: b""}
        self.sent: list[dict] = []
        self.asked: list[tuple[dict, list[str]]] = []

    def send_all(self, to_clients: dict[str, list[dict]], to_workers: dict) -> None:
        self.sent += [message["event"][1] for message in to_clients[CLIENT]]

    async def broadcast(self, msg: dict, workers: list[str], on_error: str) -> None:
        self.asked.append((msg, workers))

    async def unregister_worker_plugin(self, comm: None, name: str) -> None:
        del self.worker_plugins[name]

    async def unregister_scheduler_plugin(self, name: str) -> None:
        del self.plugins[name]


def tell(scheduler: Scheduler, size: int) -> None:
    told = {"lines": b"x" * size}
    scheduler.stream_handlers[plugins.OPERATION](worker=WORKER, client=CLIENT, topic=RUN, told=told)


async def begun() -> Scheduler:
    scheduler = Scheduler()
    scheduler.plugins[RUN] = side = SchedulerSide(RUN, CLIENT)
    await side.start(scheduler)
    return scheduler


def test_a_client_that_does_not_keep_up_is_told_so_and_no_more() -> None:
    async def run() -> None:
        scheduler, piece = await begun(), plugins.WINDOW_BYTES // 4
        for _ in range(8):  # one that says what it has heard gets all
            tell(scheduler, piece)
            scheduler.stream_handlers[plugins.HEARD](client=CLIENT, topic=RUN, size=piece)
        assert [len(each["lines"]) for each in scheduler.sent] == [piece] * 8
        for _ in range(7):
            tell(scheduler, piece)
        assert scheduler.sent[8:12] == scheduler.sent[:4]
        assert scheduler.sent[12:] == [{"unheard": True}]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not scheduler.worker_plugins, "the observers are ended"

    asyncio.run(run())


def test_an_observer_that_began_when_the_run_was_over_is_ended_once() -> None:
    async def run() -> None:
        scheduler = await begun()
        del scheduler.plugins[RUN]
        tell(scheduler, 1)
        tell(scheduler, 1)
        await asyncio.sleep(0)
        assert scheduler.asked == [({"op": "plugin-remove", "name": RUN}, [WORKER])]
        assert scheduler.sent == []

    asyncio.run(run())


def test_the_wall_is_set_beside_the_other_clock() -> None:
    beside_ns = plugins._wall_beside()
    assert abs(time.time_ns() - time.monotonic_ns() - beside_ns) < 50_000_000
