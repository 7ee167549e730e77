"""Runs from start to end, against an observer that speaks the protocol and fails on demand."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.analysis.ledger import Ledger
from app.model.errors import BadRequest, Conflict, GilscopeError
from app.model.spec import Start
from app.runs.catalogue import ActionSpec
from app.runs.live import LiveRun
from app.runs.manager import Manager
from app.runs.plan import Plan
from app.runs.recording import Recording, read
from app.runs.request import RunRequest
from app.runs.settings import Settings
from app.runs.supervision import Patience

FAKE = str(Path(__file__).parents[2] / "fakes" / "observer.py")
REQUEST = RunRequest(command=["target"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@asynccontextmanager
async def manager(how: str, patience: Patience | None = None, **settings: int) -> AsyncIterator[Manager]:
    manager = Manager(Settings(**settings), [sys.executable, FAKE, how], patience)
    try:
        yield manager
    finally:
        await manager.close()


async def texts(run: LiveRun) -> AsyncIterator[str]:
    """What a viewer is sent who comes now, without a header."""
    async for _, packet in run.hub.follow():
        for text in packet.texts:
            yield text


async def until(run: LiveRun, kind: str) -> dict:
    """The first message of that type."""
    async for text in texts(run):
        message = json.loads(text)
        if message["type"] == kind:
            return message
    raise AssertionError(f"the run ended without a {kind} message")


def wait_for_recording(path: str, at_us: int) -> None:
    """Until the file tells of that instant."""
    deadline_s = time.monotonic() + 30
    while all(json.loads(line).get("at_us", 0) < at_us for line in read(path)):
        assert time.monotonic() < deadline_s, "it is not written"
        time.sleep(0.05)


def tree() -> set[int]:
    """The live processes below this one."""
    return {child.pid for child in psutil.Process().children(recursive=True) if lives(child.pid)}


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_run_goes_from_starting_to_finished_and_tells_its_viewers():
    async def scenario() -> None:
        async with manager("brief") as runs:
            run = await runs.start(REQUEST)
            assert run.state == "starting"
            types = [json.loads(text)["type"] async for text in texts(run)]
            assert run.state == "finished"
            assert types[:2] == ["hello", "process"]
            assert types.count("frame") == 5
            assert types.count("figures") == 5
            assert types.count("run") == 2
            assert types[-3:] == ["end", "run", "summary"]
            assert run.summary()["run"]["state"] == "finished"
            assert run.exit_code == -9
            assert run.summary()["run"]["duration_s"] == run.to_json()["duration_s"] > 0

    asyncio.run(scenario())


def test_a_run_that_is_being_stored_is_read_whole():
    async def scenario() -> None:
        async with manager("brief") as runs:
            run = await runs.start(REQUEST)
            finish = runs.archive.finish
            read: list[list[str]] = []

            async def closed_first(recording: Recording, *rest: Any) -> None:
                recording.close()
                read.append([json.loads(line)["type"] async for line in run.messages()])
                await finish(recording, *rest)

            runs.archive.finish = closed_first  # type: ignore[method-assign]
            await runs.stop(run.id)
            [types] = read
            assert (types[0], types[-1]) == ("hello", "end")

    asyncio.run(scenario())


def test_findings_come_with_the_figures_once_a_second_and_in_the_header(monkeypatch: pytest.MonkeyPatch):
    judged = []

    def judging(ledger: Ledger, run: dict) -> Generator[None, None, list[dict]]:
        judged.append(run["state"])
        yield
        return [{"code": "of-the-test", "number": len(judged)}]

    monkeypatch.setattr("app.runs.feed.judging", judging)

    async def scenario() -> None:
        async with manager("steady") as runs:
            run = await runs.start(REQUEST)
            told = []
            async for text in texts(run):
                message = json.loads(text)
                if message["type"] == "figures":
                    told.append(message.get("findings"))
                    if told[-1] == [{"code": "of-the-test", "number": 2}]:  # it comes later than it is made
                        break
            assert told[0] == [{"code": "of-the-test", "number": 1}]
            assert set(map(str, told[1:-1])) == {"None"}
            assert run.header()["figures"]["findings"] == told[-1]

    asyncio.run(scenario())
    assert judged == ["running", "running"]


def test_figures_and_findings_are_made_while_somebody_looks(monkeypatch: pytest.MonkeyPatch):
    judged = []

    def judging(ledger: Ledger, run: dict) -> Generator[None, None, list[dict]]:
        judged.append(run)
        yield
        return []

    monkeypatch.setattr("app.runs.feed.judging", judging)

    async def scenario() -> None:
        async with manager("brief") as runs:
            run = await runs.start(REQUEST)
            await run.wait()
            assert not judged
            types = [json.loads(text)["type"] async for text in texts(run)]
            assert "figures" not in types
            assert run.header()["figures"]["findings"] == []
            assert len(judged) == 1

    asyncio.run(scenario())


def test_a_viewer_of_an_ended_run_gets_the_tail_and_the_summary():
    async def scenario() -> None:
        async with manager("brief") as runs:
            run = await runs.start(REQUEST)
            await run.wait()
            types = [json.loads(text)["type"] async for text in texts(run)]
            assert types.count("frame") == 5
            assert "figures" not in types
            assert types[-1] == "summary"
            header = run.header()
            assert header["type"] == "header"
            assert header["run"]["state"] == "finished"
            assert header["hello"]["run"]["id"] == run.id

    asyncio.run(scenario())


def test_what_comes_is_on_disk_though_its_figures_are_behind():
    async def scenario() -> None:
        async with manager("steady") as runs:
            run = await runs.start(REQUEST)
            await until(run, "figures")  # by then it was taken
            assert run.recording is not None
            run.recording.flush()
            async with runs._shared.turn:
                behind_us = run.ledger.at_us
                await asyncio.to_thread(wait_for_recording, run.recording.path, behind_us + 1_500_000)
                assert run.ledger.at_us == behind_us

    asyncio.run(scenario())


def test_stop_ends_the_target_once_however_often_it_is_called():
    async def scenario() -> None:
        async with manager("steady") as runs:
            run = await runs.start(REQUEST)
            pid = (await until(run, "process"))["pid"]
            await until(run, "figures")  # by then it was taken
            assert run.state == "running"
            await asyncio.gather(run.stop(), run.stop())
            assert run.state == "stopped"
            assert not lives(pid)
            await run.stop()
            assert run.state == "stopped"
            assert run.error is None

    asyncio.run(scenario())


def test_a_stop_before_the_observer_has_said_anything_counts():
    async def scenario() -> None:
        async with manager("steady") as runs:
            run = await runs.start(REQUEST)
            await run.stop()
            assert run.state == "stopped"

    asyncio.run(scenario())


def test_an_observer_that_hears_nothing_is_killed_and_its_target_with_it():
    async def scenario() -> None:
        async with manager("deaf", Patience(stop_s=0.2)) as runs:
            run = await runs.start(REQUEST)
            pid = (await until(run, "process"))["pid"]
            below = psutil.Process(pid).children(recursive=True)
            await run.stop()
            assert run.state == "stopped"
            assert not lives(pid)
            assert len(below) == 1
            assert not lives(below[0].pid)

    asyncio.run(scenario())


def test_a_command_that_outlasts_its_seconds_is_timed_out():
    async def scenario() -> None:
        async with manager("steady") as runs:
            run = await runs.start(RunRequest(command=["target"], seconds=0.2))
            await run.wait()
            assert run.state == "timed_out"
            assert run.error is None

    asyncio.run(scenario())


def test_an_observer_that_names_no_target_in_time_is_ended_with_the_reason():
    async def scenario() -> None:
        patience = Patience(start_s=0.1, stop_s=0.1)
        runs = Manager(Settings(), [sys.executable, "-c", "import signal; signal.pause()"], patience)
        run = await runs.start(REQUEST)
        await run.wait()
        assert run.state == "timed_out"
        assert run.error is not None
        assert "named no target" in run.error["detail"]
        await runs.close()

    asyncio.run(scenario())


def test_an_observer_that_dies_fails_the_run_and_leaves_nothing_behind():
    async def scenario() -> None:
        before = tree()
        async with manager("crash") as runs:
            run = await runs.start(REQUEST)
            pid = (await until(run, "process"))["pid"]
            await run.wait()
            assert run.state == "failed"
            assert run.error is not None
            assert "status 3" in run.error["detail"]
            assert "the observer's last words" in run.error["detail"]
            assert run.error["remedy"]
            assert not lives(pid)
        # Only now: the server's own keeper, which the run has it start, may still be on its way before.
        assert tree() == before

    asyncio.run(scenario())


def test_what_is_no_message_fails_the_run():
    async def scenario() -> None:
        async with manager("garbage") as runs:
            run = await runs.start(REQUEST)
            pid = (await until(run, "process"))["pid"]
            await run.wait()
            assert run.state == "failed"
            assert run.error is not None
            assert "cannot be read" in run.error["detail"]
            assert not lives(pid)

    asyncio.run(scenario())


def test_the_targets_failure_is_the_runs():
    async def scenario() -> None:
        async with manager("failed") as runs:
            run = await runs.start(REQUEST)
            await run.wait()
            assert run.state == "failed"
            assert run.error == {
                "code": "target-failed",
                "title": "T",
                "detail": "It fell over",
                "remedy": "R",
            }
            assert run.summary()["run"]["error"] == run.error

    asyncio.run(scenario())


def test_an_observer_that_cannot_be_started_is_said_so():
    async def scenario() -> None:
        runs = Manager(Settings(), ["/no/such/program"])
        with pytest.raises(GilscopeError, match="could not be started"):
            await runs.start(REQUEST)
        assert (await runs.page(10)).runs[0]["state"] == "failed"
        await runs.close()

    asyncio.run(scenario())


def test_one_run_too_many_is_refused_and_names_the_others():
    async def scenario() -> None:
        async with manager("steady", max_runs=2) as runs:
            first, second = await asyncio.gather(runs.start(REQUEST), runs.start(REQUEST))
            with pytest.raises(Conflict) as caught:
                await runs.start(REQUEST)
            assert first.id in caught.value.detail
            assert second.id in caught.value.detail
            await first.stop()
            third = await runs.start(REQUEST)
            assert runs.active() == [second, third]

    asyncio.run(scenario())


def test_ended_runs_are_listed_in_pages_until_they_are_forgotten():
    async def scenario() -> None:
        async with manager("brief") as runs:
            started = []
            for _ in range(4):
                run = await runs.start(REQUEST)
                await run.wait()
                started.append(run.id)
            newest = await runs.page(2)
            assert [run["id"] for run in newest.runs] == [started[3], started[2]]
            await runs.forget(started[2])
            rest = await runs.page(2, newest.next)
            assert [run["id"] for run in rest.runs] == [started[1], started[0]]
            assert rest.next is None
            assert [run["id"] for run in (await runs.page(9)).runs] == [started[3], started[1], started[0]]
            with pytest.raises(BadRequest):
                await runs.page(2, "x")

    asyncio.run(scenario())


def test_forgetting_a_run_ends_it():
    async def scenario() -> None:
        async with manager("steady") as runs:
            run = await runs.start(REQUEST)
            pid = (await until(run, "process"))["pid"]
            await runs.forget(run.id)
            assert run.state == "stopped"
            assert not lives(pid)
            assert (await runs.page(9)).runs == []

    asyncio.run(scenario())


def test_closing_ends_every_run_and_refuses_further_ones():
    async def scenario() -> None:
        before = tree()
        async with manager("steady") as runs:
            started = [await runs.start(REQUEST) for _ in range(3)]
            await asyncio.gather(*(until(run, "process") for run in started))
            await runs.close()
            assert {run.state for run in started} == {"stopped"}
            assert tree() == before
            with pytest.raises(Conflict):
                await runs.start(REQUEST)

    asyncio.run(scenario())


def test_closing_waits_less_than_a_stop_for_an_observer_that_does_not_hear():
    async def scenario() -> None:
        patience = Patience(stop_s=600, close_s=0.1)
        runs = Manager(Settings(), [sys.executable, "-c", "import signal; signal.pause()"], patience)
        run = await runs.start(REQUEST)
        stopping = asyncio.create_task(run.stop())
        await asyncio.wait_for(runs.close(), 60)
        await stopping
        assert run.state == "stopped"

    asyncio.run(scenario())


def test_the_token_reaches_no_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GILSCOPE_TOKEN", "hush")

    async def scenario() -> None:
        others = tree()  # a server that tests in a browser had, in the same process
        async with manager("steady") as runs:
            run = await runs.start(REQUEST)
            await until(run, "process")
            assert "GILSCOPE_TOKEN" not in run.plan.start.env
            mine = tree() - others
            [observer] = [child for child in psutil.Process().children() if FAKE in child.cmdline()]
            assert observer.pid in mine
            assert "GILSCOPE_TOKEN" not in observer.environ()
            for pid in mine:
                with suppress(psutil.NoSuchProcess):  # a compiler that the browser's server had, say
                    assert "GILSCOPE_TOKEN" not in psutil.Process(pid).environ()
            assert os.environ["GILSCOPE_TOKEN"] == "hush"

    asyncio.run(scenario())


def test_an_observer_that_somebody_else_killed_has_failed_though_a_stop_was_asked_for_since():
    async def scenario() -> None:
        async with manager("steady") as runs:
            run = await runs.start(REQUEST)
            await until(run, "figures")  # by then it was taken
            [observer] = [child for child in psutil.Process().children() if FAKE in child.cmdline()]
            observer.kill()
            await run.stop()  # before the loop has heard of its end
            assert run.state == "failed"
            assert "without a last word, by signal 9" in run.error["detail"]

    asyncio.run(scenario())


def test_an_action_is_passed_on_to_a_workload_that_runs_and_has_it():
    actions = (ActionSpec("fill", "Fill", ""), ActionSpec("free", "Free", ""))
    plan = Plan("workload", "ladder", RunRequest(seconds=9.0), None, Start(["target"], {}), actions=actions)

    async def scenario() -> None:
        run = LiveRun("r1", plan, Patience())
        with pytest.raises(Conflict, match="is starting"):
            run.act("free")
        await run.start([sys.executable, FAKE, "steady"])
        await until(run, "process")
        with pytest.raises(BadRequest, match="no action 'melt'") as caught:
            run.act("melt")
        assert caught.value.remedy == "It has: fill, free."
        assert caught.value.field == "name"
        run.act("free")
        report = await until(run, "report")
        assert report["data"]["told"] == {"command": "action", "name": "free"}
        await run.stop()
        with pytest.raises(Conflict, match="is stopped"):
            run.act("free")

    asyncio.run(scenario())


def test_a_look_at_the_heap_before_the_observer_is_there_is_told_to_it():
    async def scenario() -> None:
        plan = Plan("command", "target", RunRequest(), None, Start(["target"], {}))
        run = LiveRun("r1", plan, Patience())
        with run.looked_at_heap():
            await run.start([sys.executable, FAKE, "steady"])
            report = await until(run, "report")
            assert report["data"]["told"] == {"command": "heap", "look": True}
        await run.stop()
        with run.looked_at_heap():  # nobody is there to be told
            pass

    asyncio.run(scenario())
