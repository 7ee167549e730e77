"""The archive: what was recorded outlives its recorder, and a fault of one file costs no other."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support import recorded

from app.model.errors import ArchiveFailed, BadRequest, Conflict, NotFound, NotReadable
from app.runs.archive import Archive, Query
from app.runs.archive import index as index_module
from app.runs.manager import Manager
from app.runs.request import RunRequest
from app.runs.settings import Settings

FAKE = [sys.executable, str(Path(__file__).parents[2] / "fakes" / "observer.py")]
GIGABYTE = 1 << 30


def run_async(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


async def observed(home: Path, how: str = "brief", **request: Any) -> tuple[str, dict, dict]:
    """Runs once: its id, its JSON and its summary as the live run told them, parsed back from text."""
    manager = Manager(Settings(data_dir=str(home)), [*FAKE, how])
    run = await manager.start(RunRequest(command=["target", "--colour"], **request))
    await run.wait()
    told = json.loads(json.dumps([run.to_json(), run.summary()]))
    await manager.close()
    return run.id, *told


def archive(home: Path, budget: int = GIGABYTE) -> Archive:
    return Archive(home, budget)


@pytest.mark.parametrize("how", ["brief", "crash", "failed", "garbage"])
def test_a_stored_run_says_what_the_live_one_said(tmp_path: Path, how: str):
    async def scenario() -> None:
        run_id, run, summary = await observed(tmp_path, how)
        stored = await archive(tmp_path).get(run_id)
        assert json.dumps(stored.summary()) == json.dumps(summary)
        again = stored.to_json()
        assert {name: again[name] for name in run if name != "unrecorded"} == {
            name: value for name, value in run.items() if name != "unrecorded"
        }

    run_async(scenario)


@pytest.mark.parametrize("how", ["brief", "crash", "failed", "garbage"])
def test_the_file_alone_gives_the_same_run(tmp_path: Path, how: str):
    async def scenario() -> None:
        run_id, _, summary = await observed(tmp_path / "here", how)
        file = tmp_path / "here" / "recordings" / f"{run_id}.jsonl.gz"
        imported = await archive(tmp_path / "there").import_file(str(file))
        assert imported.id == run_id
        assert imported.summary() == summary

    run_async(scenario)


def test_the_first_act_of_an_archive_may_be_to_take_in_a_run_whose_id_cannot_be_kept(tmp_path: Path):
    file = recorded.write(tmp_path / "sent.jsonl", seconds=1, run={"id": "not an id"})

    async def scenario() -> None:
        there = archive(tmp_path / "there")
        imported = await there.import_file(str(file))
        assert (await there.get(imported.id)).id == imported.id

    run_async(scenario)


def test_a_viewer_of_a_stored_run_gets_all_of_it(tmp_path: Path):
    async def scenario() -> None:
        run_id, _, summary = await observed(tmp_path)
        stored = await archive(tmp_path).get(run_id)
        viewed = [json.loads(text) async for packet in stored.view() for text in packet.texts]
        types = [message["type"] for message in viewed]
        assert types[0] == "header"
        assert types.count("frame") == 5
        assert types[-2:] == ["run", "summary"]
        assert viewed[-1]["summary"] == summary
        messages = [json.loads(text) async for text in stored.messages()]
        assert [message["seq"] for message in messages] == list(range(len(messages)))
        assert messages[-1]["type"] == "end"

    run_async(scenario)


RECORD = """
import asyncio, json, sys
from app.model import frames
from app.runs.archive import Archive
from pathlib import Path

async def main():
    archive = Archive(Path(sys.argv[1]), 1 << 30)
    run = {"id": "cut1", "kind": "command", "name": "x", "state": "starting", "started_at": 1.0}
    recording = await archive.begin(run)
    hello = frames.Hello(0, 1.0, run, {"gil_hz": 1000.0})
    recording.write(frames.encode(hello, 0))
    for n in range(1, 40):
        recording.write(frames.encode(frames.Frame((n - 1) * 50_000, n * 50_000, 50, 0, 0), n))
    recording.flush()
    print("written", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def recorder(tmp_path: Path):
    """A process that records, and has written 39 frames."""
    process = subprocess.Popen(
        [sys.executable, "-c", RECORD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    yield process
    process.kill()
    process.communicate()


def test_a_run_whose_recorder_was_killed_ends_where_its_recording_does(
    tmp_path: Path, recorder: subprocess.Popen
):
    async def scenario() -> None:
        with pytest.raises(Conflict):
            await archive(tmp_path).get("cut1")
        [listed] = await archive(tmp_path).page(Query(state="running"), 9)
        assert (listed.id, listed.run["state"]) == ("cut1", "running"), "whatever it was when it began"
        assert await archive(tmp_path).page(Query(state="starting"), 9) == []
        os.kill(recorder.pid, signal.SIGKILL)
        recorder.wait()
        there = archive(tmp_path)
        [listed] = await there.page(Query(), 9)
        assert (listed.run["state"], listed.run["error"]["code"]) == ("failed", "interrupted")
        assert await there.recover() == ["cut1"]
        run = (await there.get("cut1")).to_json()
        assert (run["state"], run["error"]["code"]) == ("failed", "interrupted")
        assert "1.9 s after the start" in run["error"]["detail"] or "2.0 s after" in run["error"]["detail"]
        assert run["duration_s"] == pytest.approx(1.95)
        assert await there.recover() == []

    run_async(scenario)


def test_a_run_that_another_process_records_is_left_alone(tmp_path: Path, recorder: subprocess.Popen):
    async def scenario() -> None:
        there = archive(tmp_path, budget=0)
        assert await there.recover() == []
        with pytest.raises(Conflict, match="still being recorded"):
            await there.remove("cut1")
        assert [(entry.id, entry.run["state"]) for entry in await there.page(Query(), 9)] == [
            ("cut1", "running")
        ]

    run_async(scenario)


def test_the_oldest_make_room_and_what_is_pinned_stays(tmp_path: Path):
    async def scenario() -> None:
        ids = [(await observed(tmp_path))[0] for _ in range(4)]
        there = archive(tmp_path)
        await there.change(ids[0], pinned=True)
        size = await there.used_bytes()
        assert size > 0
        small = archive(tmp_path, budget=size * 5 // 8)
        await small.recover()
        assert [entry.id for entry in await small.page(Query(), 9)] == [ids[3], ids[0]]
        assert {path.name.split(".")[0] for path in (tmp_path / "recordings").iterdir()} == {ids[0], ids[3]}

    run_async(scenario)


def test_a_removed_run_can_be_had_back_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def scenario() -> None:
        run_id, _, _ = await observed(tmp_path)
        there = archive(tmp_path)
        await there.remove(run_id)
        assert await there.page(Query(), 9) == []
        assert [entry.id for entry in await there.page(Query(removed=True), 9)] == [run_id]
        await there.restore(run_id)
        assert [entry.id for entry in await there.page(Query(), 9)] == [run_id]
        await there.remove(run_id)
        copy = str(tmp_path / "recordings" / f"{run_id}.jsonl.gz")
        assert (await there.import_file(copy)).id == run_id, "who imports it wants it back"
        assert [entry.id for entry in await there.page(Query(), 9)] == [run_id]
        await there.remove(run_id)
        assert (await there.import_file(copy, known=True)).id == run_id
        await there.remove(run_id)
        monkeypatch.setattr("app.runs.archive.UNDO_S", -1.0)
        await there.recover()
        with pytest.raises(NotFound):
            await there.restore(run_id)

    run_async(scenario)


def test_runs_are_found_by_name_command_tag_kind_state_and_time(tmp_path: Path):
    async def scenario() -> None:
        first, _, _ = await observed(tmp_path, name="50%_done")
        second, run, _ = await observed(tmp_path, "failed", name="other")
        there = archive(tmp_path)
        await there.change(first, tags=["slow", "größer"])
        for query, ids in {
            Query(text="50%_D"): [first],
            Query(text="%"): [first],
            Query(text="--colour"): [second, first],
            Query(text="größ"): [first],
            Query(tag="slow"): [first],
            Query(tag="slo"): [],
            Query(state="failed"): [second],
            Query(kind="workload"): [],
            Query(since=run["started_at"]): [second],
            Query(until=run["started_at"] - 0.001): [first],
        }.items():
            assert [entry.id for entry in await there.page(query, 9)] == ids, query
            assert await there.count(query) == len(ids)
        await there.change(first, name="renamed")
        assert (await there.get(first)).summary()["run"]["name"] == "renamed"
        assert [entry.id for entry in await there.page(Query(text="renam"), 9)] == [first]

    run_async(scenario)


def test_two_that_make_the_database_at_once_both_can_use_it(tmp_path: Path):
    opened: list[Exception | None] = []

    def open_it() -> None:
        try:
            index_module.Index(str(tmp_path / "index.db")).close()
            opened.append(None)
        except ArchiveFailed as error:
            opened.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [None] * 8


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (
            lambda path: path.write_bytes(b"this is no database at all, but it is long enough" * 40),
            "not a database",
        ),
        (lambda path: _sql(path, "CREATE TABLE other (x)"), "another program"),
        (
            lambda path: _sql(
                path, "PRAGMA user_version = 99", f"PRAGMA application_id = {index_module.APPLICATION_ID}"
            ),
            "newer GILScope",
        ),
    ],
)
def test_a_database_that_cannot_be_used_costs_nothing_but_the_archive(
    tmp_path: Path, spoil: Callable[[Path], None], why: str
):
    spoil(tmp_path / "index.db")
    before = (tmp_path / "index.db").read_bytes()

    async def scenario() -> None:
        manager = Manager(Settings(data_dir=str(tmp_path)), [*FAKE, "brief"])
        run = await manager.start(RunRequest(command=["target"]))
        await run.wait()
        assert run.state == "finished"
        assert why in run.to_json()["unrecorded"]["detail"]
        assert await manager.get(run.id) is run
        with pytest.raises(ArchiveFailed, match=why):
            await archive(tmp_path).page(Query(), 9)
        await manager.close()

    run_async(scenario)
    assert (tmp_path / "index.db").read_bytes() == before


def test_a_locked_database_is_said_to_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(index_module, "BUSY_S", 0.05)
    index_module.Index(str(tmp_path / "index.db")).close()
    other = sqlite3.connect(tmp_path / "index.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    async def scenario() -> None:
        with pytest.raises(ArchiveFailed, match="locked"):
            await archive(tmp_path).begin(
                {"id": "a", "kind": "k", "name": "n", "state": "s", "started_at": 0.0}
            )
        assert list((tmp_path / "recordings").iterdir()) == []

    run_async(scenario)
    other.close()


def test_what_cannot_be_imported_is_refused_and_leaves_nothing(tmp_path: Path):
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "empty").write_text("")

    async def scenario() -> None:
        run_id, _, _ = await observed(tmp_path)
        there = archive(tmp_path)
        for name in ("text", "empty", "none"):
            with pytest.raises(NotReadable):
                await there.import_file(str(tmp_path / name))
        with pytest.raises(BadRequest, match="already"):
            await there.import_file(str(tmp_path / "recordings" / f"{run_id}.jsonl.gz"))
        left = {path.name for path in (tmp_path / "recordings").iterdir()}
        assert left == {f"{run_id}.jsonl.gz", f"{run_id}.timeline"}

    run_async(scenario)


def test_a_hundred_thousand_characters_and_lone_surrogates_can_be_kept(tmp_path: Path):
    async def scenario() -> None:
        there = archive(tmp_path)
        run = {"id": "odd", "kind": "command", "name": "\udcff", "state": "running", "started_at": 0.0}
        recording = await there.begin({**run, "command": ["\udcff" * 100_000]})
        await there.finish(
            recording,
            {**run, "state": "failed", "duration_s": 0.0},
            None,
            {"run": run, "findings": [], "text": "\udcff"},
        )
        assert (await there.get("odd")).summary()["text"] == "\udcff"

    run_async(scenario)


def _sql(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
        database.execute("CREATE TABLE IF NOT EXISTS runs (x)")
    database.close()


BEFORE_A_MESSAGE = RECORD.replace(
    "await archive.begin(run)", "await archive.begin(run); print('written', flush=True)"
)
BEFORE_A_MESSAGE = BEFORE_A_MESSAGE.replace("    hello =", "    await asyncio.Event().wait()\n    hello =")


def test_a_run_that_was_killed_before_its_first_message_is_ended_too_and_holds_up_no_other(tmp_path: Path):
    # GIVEN two runs that nobody records any more: the older without a message, the other with some
    for program in (BEFORE_A_MESSAGE, RECORD.replace("cut1", "cut2")):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "written\n"
            process.kill()

    async def scenario() -> None:
        there = archive(tmp_path)
        assert await there.recover() == ["cut1", "cut2"]
        stored = await there.get("cut1")
        run = stored.to_json()
        assert (run["state"], run["error"]["code"], run["duration_s"]) == ("failed", "interrupted", 0.0)
        assert stored.header() is None
        assert stored.summary()["run"]["state"] == "failed"
        assert [entry.run["state"] for entry in await there.page(Query(), 9)] == ["failed", "failed"]
        await there.remove("cut1")

    run_async(scenario)


def test_a_run_whose_recording_was_deleted_holds_up_no_other(tmp_path: Path, recorder: subprocess.Popen):
    recorder.kill()
    recorder.wait()
    (tmp_path / "recordings" / "cut1.jsonl.gz").unlink()

    async def scenario() -> None:
        there = archive(tmp_path)
        assert await there.recover() == []
        assert await there.page(Query(), 9) == []

    run_async(scenario)


HELLO = {"type": "hello", "seq": 0, "origin_ns": 0, "started_at": 1.0, "sampling": {}}
RUN = {"id": "r1", "kind": "command", "name": "x"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{**HELLO, "run": {}}], "message 0: its hello names no run"),
        ([{**HELLO, "run": [], "started_at": None}], "message 0: "),
        ([{**HELLO, "run": RUN}, {"type": "weather", "seq": 1}], "message 1: not a message"),
        ([{**HELLO, "run": RUN}, {"type": "names", "seq": 1, "at_us": 0, "threads": [[1]]}], "message 1: "),
        ([{**HELLO, "run": RUN}, {"type": "names", "seq": 1, "at_us": 0, "gone": [7]}], "message 1: "),
        ([{**HELLO, "run": RUN}, {"type": "loops", "at_us": 0, "lags": [[7, 1, 2, []]]}], "message 1: "),
        ([{**HELLO, "run": RUN}, {"type": "report", "seq": 1, "at_us": 0, "data": None}], "message 1: "),
    ],
)  # fmt: skip
def test_a_file_whose_messages_are_not_what_they_are_to_be_is_refused(
    tmp_path: Path, lines: list[dict], said: str
):
    file = tmp_path / "file"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    async def scenario() -> None:
        with pytest.raises(NotReadable, match=said):
            await archive(tmp_path / "home").import_file(str(file))
        assert list((tmp_path / "home").glob("recordings/*")) == []

    run_async(scenario)


def test_a_data_directory_that_is_deleted_under_a_run_is_said_and_the_run_is_kept(tmp_path: Path):
    async def scenario() -> None:
        manager = Manager(Settings(data_dir=str(tmp_path / "home")), [*FAKE, "brief"])
        finish = manager.archive.finish

        async def deleted(*args: Any) -> None:
            shutil.rmtree(tmp_path / "home")
            await finish(*args)

        manager.archive.finish = deleted  # type: ignore[method-assign]
        run = await manager.start(RunRequest(command=["target"]))
        await manager.stop(run.id)
        [kept] = (await manager.page(9)).runs or [(await manager.get(run.id)).to_json()]
        assert "cannot be used: No such file or directory" in kept["unrecorded"]["detail"]
        await manager.close()

    run_async(scenario)


def test_what_a_killed_import_left_half_written_goes_and_what_another_writes_now_stays(tmp_path: Path):
    async def scenario() -> None:
        run_id, _, _ = await observed(tmp_path)
        recordings = tmp_path / "recordings"
        kept = {*recordings.iterdir(), recordings / ".now.jsonl.gz", recordings / ".now.timeline"}
        for path in (*kept, recordings / ".left.jsonl.gz", recordings / ".left.timeline"):
            path.touch()
            if "left" in path.name or run_id in path.name:
                os.utime(path, (0, 0))
        await archive(tmp_path).recover()
        assert set(recordings.iterdir()) == kept

    run_async(scenario)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_file_is_imported_or_refused_and_nothing_else(tmp_path: Path, seed: int, compressed: bool):
    chance = random.Random(seed)

    async def scenario() -> None:
        run_id, _, _ = await observed(tmp_path / "made")
        data = (tmp_path / "made" / "recordings" / f"{run_id}.jsonl.gz").read_bytes()
        damaged = bytearray(data if compressed else gzip.decompress(data))
        there = archive(tmp_path / "home")
        for number in range(5):
            copy = (
                damaged[: chance.randrange(1, len(damaged))] if chance.random() < 0.3 else bytearray(damaged)
            )
            for _ in range(chance.randrange(1, 6)):
                copy[chance.randrange(len(copy))] ^= 1 << chance.randrange(8)
            file = tmp_path / f"damaged-{number}"
            file.write_bytes(copy)
            with suppress(NotReadable, BadRequest):  # each says what is wrong
                imported = await there.import_file(str(file), known=True)
                json.dumps(imported.summary())

    run_async(scenario)
