"""What a scraper is told of runs that go on and that have ended."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.runs.manager import Manager
from app.runs.metrics import ENDED_S, Metrics
from app.runs.request import RunRequest
from app.runs.settings import Settings

FAKE = str(Path(__file__).parents[2] / "fakes" / "observer.py")
REQUEST = RunRequest(command=["target"])


def test_a_run_that_has_ended_is_told_of_for_a_while_and_its_samples_for_ever(tmp_path: Path) -> None:
    asyncio.run(_ended(tmp_path))


async def _ended(home: Path) -> None:
    now = [0.0]
    manager = Manager(Settings(data_dir=str(home)), [sys.executable, FAKE, "brief"])
    manager._metrics = Metrics(lambda: now[0])
    try:
        run = await manager.start(REQUEST)
        follower = run.hub.follow()
        assert manager.metrics().viewers == 1
        del follower
        await run.wait()
        # Before the run is stored and after: what grows never falls.
        first = manager.metrics()
        await manager.stop(run.id)
        told = manager.metrics()
        assert first.samples == told.samples
        assert told.samples.taken == 100
        assert (told.active, told.started, told.ended["finished"], told.viewers) == (
            {"starting": 0, "running": 0},
            {"command": 1},
            1,
            0,
        )
        (last,) = told.runs
        assert (last.id, last.state, last.gil["held_s"], last.processes) == (run.id, "finished", 0.1, ())
        now[0] = ENDED_S
        later = manager.metrics()
        assert (later.runs, later.samples) == ([], told.samples)
    finally:
        await manager.close()


def test_without_an_archive_a_run_leaves_nothing(tmp_path: Path) -> None:
    asyncio.run(_unarchived(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


async def _unarchived(home: Path) -> None:
    manager = Manager(Settings(data_dir=str(home)), [sys.executable, FAKE, "brief"], archived=False)
    try:
        run = await manager.start(REQUEST)
        await run.wait()
        while manager._storing:
            await asyncio.wait(list(manager._storing.values()))
        assert not manager._runs
        assert [each.id for each in manager.metrics().runs] == [run.id]
    finally:
        await manager.close()
