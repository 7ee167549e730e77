"""A long recording is taken in beside everything else: nobody waits for it, and its end leaves nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from support import recorded

from app.model.errors import Conflict, GilscopeError, NotFound, NotReadable
from app.runs import archive as archives
from app.runs import manager as managers
from app.runs.archive import Archive, Query, StoredRun
from app.runs.archive.apart import rebuild_apart
from app.runs.archive.rebuild import rebuild
from app.runs.importing import ImportingRun
from app.runs.indexing import IndexingRun
from app.runs.manager import Manager
from app.runs.recording import read
from app.runs.settings import Settings
from app.runs.timeline import beside

ROOT = Path(__file__).parents[3]
LONG_S = 400  # takes a second or two to read through
GIGABYTE = 1 << 30


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """However short it is, it is read through in a process of its own."""
    monkeypatch.setattr(archives, "_SHORT_BYTES", 0)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return recorded.write(tmp_path / "made.jsonl", seconds=4, run={"id": "made"})


@pytest.fixture
def long(tmp_path: Path) -> Path:
    return recorded.write(tmp_path / "long.jsonl", seconds=LONG_S, run={"id": "long"})


def readers() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "app.runs.archive" in child.cmdline()
    ]


def contents(path: Path) -> bytes:
    return path.read_bytes()


async def eventually(holds: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline_s
        await asyncio.to_thread(time.sleep, 0.01)


def test_a_process_of_its_own_finds_what_this_one_finds(made: Path, tmp_path: Path):
    async def scenario() -> None:
        shares: list[float] = []
        there = await rebuild_apart(str(made), None, tmp_path, shares.append)
        here = rebuild(str(made), None, tmp_path)
        assert {**json.loads(json.dumps(there.to_json())), "path": ""} == {
            **json.loads(json.dumps(here.to_json())),
            "path": "",
        }
        # The bytes are not the same where a reading took long: what is written is flushed by the clock.
        assert [*read(str(there.path))] == [*read(str(here.path))]
        assert shares
        assert all(0 < share <= 1 for share in shares)

    asyncio.run(scenario())


def test_nobody_waits_for_a_long_import(long: Path, made: Path, tmp_path: Path):
    async def scenario() -> None:
        manager = Manager(Settings(data_dir=str(tmp_path / "data")))
        run = await manager.take_in(long.open("rb"), 0.0)
        assert isinstance(run, ImportingRun)
        told = run.to_json()
        assert (told["id"], told["state"], told["name"]) == ("long", "importing", "made")
        assert [each["id"] for each in (await manager.page(9)).runs] == ["long"]
        again = await manager.take_in(long.open("rb"), 0.0)
        assert again is run, "who sends the same is told of it"
        with pytest.raises(Conflict, match="still being read"):
            run.summary()
        other = await manager.take_in(made.open("rb"), 30.0)
        assert other.ended
        assert manager._importing == {"long": run}, "another import went by"
        view = [json.loads(text) async for packet in run.view() for text in packet.texts]
        states = [message["run"]["state"] for message in view if message["type"] == "run"]
        shares = [message["run"].get("progress") for message in view if message["type"] == "run"]
        assert states[0] == "importing"
        assert states[-1] == "finished"
        assert shares[:-1] == sorted(shares[:-1])
        assert next(message["type"] for message in view if message["type"] != "run") == "header"
        stored = await manager.get("long")
        assert stored.summary() == archives.of_file(str(long), tmp_path).summary()
        assert (await manager.page(9)).archive["runs"] == 2
        await manager.close()

    asyncio.run(scenario())


def test_what_turns_out_to_be_damaged_says_so_and_leaves_nothing(long: Path, tmp_path: Path):
    nothing = Path("/dev/null").open("rb")  # noqa: SIM115  the manager closes it
    lines = long.read_text().splitlines(keepends=True)
    long.write_text("".join([*lines[:-5], '{"type":"frame","start_us":0}\n', *lines[-5:]]))

    async def scenario() -> None:
        manager = Manager(Settings(data_dir=str(tmp_path / "data")))
        run = await manager.take_in(long.open("rb"), 0.0)
        with pytest.raises(NotReadable, match=f"What was sent is no recording.* message {len(lines) - 5}:"):
            await run.over()
        [listed] = (await manager.page(9)).runs
        assert (listed["state"], listed["error"]["code"]) == ("failed", "not-readable")
        assert [json.loads(text)["run"]["state"] async for packet in run.view() for text in packet.texts] == [
            "failed"
        ]
        assert [*(tmp_path / "data" / "recordings").iterdir()] == []
        await manager.forget("long")
        assert (await manager.page(9)).runs == []
        with pytest.raises(NotReadable):
            await manager.take_in(nothing, 0.0)
        await manager.close()

    asyncio.run(scenario())


def test_an_import_can_be_given_up_and_leaves_nothing(long: Path, tmp_path: Path):
    async def scenario() -> None:
        manager = Manager(Settings(data_dir=str(tmp_path / "data")))
        run = await manager.take_in(long.open("rb"), 0.0)
        await eventually(lambda: run.to_json()["progress"])
        await manager.forget("long")
        with pytest.raises(Conflict, match="given up"):
            await run.over()
        assert readers() == []
        assert [*(tmp_path / "data" / "recordings").iterdir()] == []
        with pytest.raises(NotFound):
            await manager.get("long")
        await manager.close()

    asyncio.run(scenario())


def test_a_reader_that_is_killed_leaves_what_is_cleared_away(
    long: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(archives, "_ABANDONED_S", -1.0)

    async def scenario() -> None:
        there = Archive(tmp_path / "data", GIGABYTE)
        shares: list[float] = []
        importing = asyncio.create_task(there.import_file(str(long), on_share=shares.append))
        await eventually(lambda: shares)
        folder = tmp_path / "data" / "recordings"
        await there.recover()
        assert len([*folder.iterdir()]) == 2, "what goes on is left alone"
        [reader] = readers()
        reader.kill()
        with pytest.raises(GilscopeError, match="ended without a word, with -9"):
            await importing
        await there.recover()
        assert [*folder.iterdir()] == []
        assert await there.page(Query(), 9) == []
        assert (await there.import_file(str(long))).id == "long"
        await there.close()

    asyncio.run(scenario())


KILLED = """
import asyncio, sys
from pathlib import Path
from app.runs.archive import Archive

async def main():
    await Archive(Path(sys.argv[1]), 1 << 30).import_file(
        sys.argv[2], on_share=lambda share: print(share, flush=True)
    )

asyncio.run(main())
"""


def test_a_server_that_is_killed_meanwhile_leaves_nothing_either(long: Path, tmp_path: Path):
    home = tmp_path / "data"
    server = subprocess.Popen(
        [sys.executable, "-c", KILLED, home, long], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    assert server.stdout.readline(), "it reads"
    [reader] = psutil.Process(server.pid).children()
    os.kill(server.pid, signal.SIGKILL)
    server.communicate()
    reader.wait(30)
    assert [*(home / "recordings").iterdir()] == []


def test_a_timeline_of_another_form_is_made_anew_beside_everything_else(
    long: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(managers, "INDEXED_AT_ONCE_S", 0.0)

    async def scenario() -> None:
        manager = Manager(Settings(data_dir=str(tmp_path / "data")))
        stored = await manager.archive.import_file(str(long))
        summary, figures = stored.summary(), await stored.figures(0, 2_000_000)
        side = Path(beside(stored.path))
        made, size = contents(side), stored.to_json()["bytes"]
        os.truncate(side, len(made) - 1)  # GIVEN one that this version did not write
        await manager.archive._do(manager.archive._weigh, "long")
        assert (await manager.archive.used_bytes()) == size - 1
        # WHEN the run is asked for
        run = await manager.get("long")
        # THEN there is its summary at once, and of the rest it is told how far it is
        assert isinstance(run, IndexingRun)
        assert (await manager.get("long")) is run, "it is made once"
        assert run.summary() == summary
        assert (run.to_json()["state"], run.to_json()["bytes"]) == ("indexing", size - 1)
        with pytest.raises(Conflict, match=r"being indexed: \d+%"):
            await run.figures(0, 2_000_000)
        view = [json.loads(text) async for packet in run.view() for text in packet.texts]
        told = [message["run"] for message in view if message["type"] == "run"]
        assert [each["state"] for each in told[:-1]] == ["indexing"] * (len(told) - 1)
        assert told[-1]["state"] == "finished"
        assert [each["progress"] for each in told[:-1]] == sorted(each["progress"] for each in told[:-1])
        again = await manager.get("long")
        assert isinstance(again, StoredRun)
        assert await again.figures(0, 2_000_000) == figures
        assert contents(side) == made
        assert again.to_json()["bytes"] == (await manager.archive.used_bytes()) == size, "it counts as it is"
        await manager.close()

    asyncio.run(scenario())


def test_a_server_that_ends_leaves_no_half_made_timeline(
    long: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(managers, "INDEXED_AT_ONCE_S", 0.0)

    async def scenario() -> None:
        manager = Manager(Settings(data_dir=str(tmp_path / "data")))
        side = Path(beside((await manager.archive.import_file(str(long))).path))
        os.truncate(side, 0)
        run = await manager.get("long")
        await eventually(readers)
        await manager.close()
        assert not readers()
        assert [name for name in os.listdir(side.parent) if side.name in name] == [side.name]
        with pytest.raises(Conflict, match="shutting down"):
            await run.timeline(0, None, 64)

    asyncio.run(scenario())


def test_a_timeline_that_was_half_made_by_one_that_was_killed_is_cleared_away(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def scenario() -> None:
        archive = Archive(tmp_path / "data", GIGABYTE)
        side = Path(beside((await archive.import_file(str(made))).path))
        left = side.with_name(f"{side.name}.1.2")
        left.write_bytes(b"half")
        await archive.recover()
        assert left.exists(), "it may still be written"
        monkeypatch.setattr(archives, "_ABANDONED_S", -1.0)
        await archive.recover()
        assert not left.exists()
        assert contents(side)
        await archive.close()

    asyncio.run(scenario())
