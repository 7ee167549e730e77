"""A run that has just ended, the same run stored, and its recording's file: one export."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from app.exporters import EXPORTERS
from app.lab.export import export
from app.runs.archive import of_file
from app.runs.manager import Manager
from app.runs.request import RunRequest
from app.runs.settings import Settings

FAKE = [sys.executable, str(Path(__file__).parents[2] / "fakes" / "observer.py")]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """What each exporter made: of the live run, the stored one, and the file."""
    home = tmp_path_factory.mktemp("home")

    def all_of(run) -> dict[str, bytes]:
        return {exporter.name: b"".join(export(run, exporter)) for exporter in EXPORTERS}

    async def scenario() -> list[dict[str, bytes]]:
        manager = Manager(Settings(data_dir=str(home)), [*FAKE, "brief"])
        run = await manager.start(RunRequest(command=["target"]))
        await run.wait()
        live = all_of(run)
        stored = await manager.stop(run.id)
        assert stored is not run
        (home / "file").mkdir()
        again = of_file(stored.path, home / "file")
        made = [live, all_of(stored), all_of(again)]
        await manager.close()
        return made

    return asyncio.run(scenario())


@pytest.mark.parametrize("name", [exporter.name for exporter in EXPORTERS])
def test_live_stored_and_from_a_file_are_the_same(exports, name: str):
    live, stored, file = (made[name] for made in exports)
    assert live
    assert live == stored
    assert live == file
