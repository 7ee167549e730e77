"""Every workload of the catalogue, run for real: what is stored of it tells the same as the live run did."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from support.interpreters import FOUND

from app.runs import catalogue
from app.runs.archive import Archive, of_file
from app.runs.catalogue import WorkloadSpec
from app.runs.manager import Manager
from app.runs.request import RunRequest
from app.runs.settings import Settings

WORKLOADS = catalogue.load().workloads
AT_ONCE = 3


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, Path]]:
    """By workload: the summary of the live run and that of the stored one, as text; and the recording."""
    home = tmp_path_factory.mktemp("archive")
    found: dict[str, tuple[str, str, Path]] = {}

    async def live(manager: Manager, turns: asyncio.Semaphore, workload: WorkloadSpec) -> tuple[str, str]:
        async with turns:
            run = await manager.start(RunRequest(workload=workload.name, seconds=0.3, python=FOUND[0].path))
            await run.wait()
            return run.id, json.dumps(run.summary())

    async def scenario() -> None:
        manager = Manager(Settings(data_dir=str(home), max_runs=AT_ONCE))
        turns = asyncio.Semaphore(AT_ONCE)
        try:
            runs = await asyncio.gather(*(live(manager, turns, workload) for workload in WORKLOADS))
        finally:
            await manager.close()  # once all is stored
        archive = Archive(home, 1 << 30)
        for workload, (run_id, summary) in zip(WORKLOADS, runs, strict=True):
            stored = json.dumps((await archive.get(run_id)).summary())
            found[workload.name] = (summary, stored, home / "recordings" / f"{run_id}.jsonl.gz")
        await archive.close()

    asyncio.run(scenario())
    return found


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_what_is_stored_tells_the_same_as_the_live_run(
    told: dict[str, tuple[str, str, Path]], workload: WorkloadSpec, tmp_path: Path
) -> None:
    live, stored, recording = told[workload.name]
    assert json.loads(live)["run"]["state"] in ("finished", "timed_out"), live[:500]
    assert stored == live
    assert json.dumps(of_file(str(recording), tmp_path).summary()) == live
