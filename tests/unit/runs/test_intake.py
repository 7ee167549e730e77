"""What an observer says on its way in: recorded as it comes, decoded in turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from app.runs import intake
from app.runs.intake import Intake


class Source:
    """Batches that a test sends."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[list[str] | Exception | None] = asyncio.Queue()
        self.taken_up = 0

    async def batches(self) -> AsyncIterator[list[str]]:
        while (batch := await self.sent.get()) is not None:
            if isinstance(batch, Exception):
                raise batch
            self.taken_up += 1
            yield batch


async def settle() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


def test_what_comes_is_recorded_while_another_run_is_decoded():
    async def scenario() -> None:
        source, turn = Source(), asyncio.Lock()
        recorded: list[str] = []
        taken: list[str] = []
        async with turn:
            run = asyncio.create_task(Intake(recorded.extend, taken.append, turn).run(source.batches()))
            source.sent.put_nowait(["a", "b"])
            source.sent.put_nowait(["c"])
            source.sent.put_nowait(None)
            await settle()
            assert (recorded, taken) == (["a", "b", "c"], [])
        await run
        assert taken == ["a", "b", "c"]

    asyncio.run(scenario())


def test_runs_that_are_behind_are_decoded_in_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intake, "TURN_S", 0.0)

    async def scenario() -> None:
        turn = asyncio.Lock()
        taken: list[str] = []
        runs = []
        for name in "ab":
            source = Source()
            source.sent.put_nowait([name] * 50)
            source.sent.put_nowait(None)
            runs.append(Intake(lambda batch: None, taken.append, turn).run(source.batches()))
        await asyncio.gather(*runs)
        assert taken == ["a", "b"] * 50

    asyncio.run(scenario())


def test_between_two_turns_the_loop_reads_what_has_come(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intake, "TURN_S", 0.0)

    async def scenario() -> None:
        rounds = 0
        turn = asyncio.Lock()
        taken: list[int] = []

        async def count() -> None:
            nonlocal rounds
            while True:
                rounds += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        runs = []
        for _ in range(5):
            source = Source()
            source.sent.put_nowait(["x"] * 5)
            source.sent.put_nowait(None)
            runs.append(
                Intake(lambda batch: None, lambda line: taken.append(rounds), turn).run(source.batches())
            )
        await asyncio.gather(*runs)
        counting.cancel()
        assert len(taken) == len(set(taken)) == 25, "each in a round of the loop of its own"

    asyncio.run(scenario())


def test_between_two_steps_of_what_is_due_the_loop_reads_and_no_line_is_taken():
    async def scenario() -> None:
        source, turn = Source(), asyncio.Lock()
        happened: list[str] = []

        def take(line: str) -> Iterator[None]:
            happened.append(line)
            for step in "12":
                happened.append(line + step)
                source.sent.put_nowait(["read"] if step == "1" and line == "a" else [])
                yield

        intake = Intake(lambda batch: happened.extend(f"heard {line}" for line in batch), take, turn)
        run = asyncio.create_task(intake.run(source.batches()))
        source.sent.put_nowait(["a", "b"])
        await settle()
        assert happened[-1] == "read2"
        source.sent.put_nowait(None)
        await run
        assert happened == [
            *("heard a", "heard b"),
            *("a", "a1", "heard read", "a2", "b", "b1", "b2"),
            *("read", "read1", "read2"),
        ]

    asyncio.run(scenario())


def test_what_comes_goes_all_its_way_before_the_next_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intake, "TURN_S", 0.0)

    async def scenario() -> None:
        loop, source = asyncio.get_running_loop(), Source()
        seen: list[str] = []

        def take(line: str) -> None:
            seen.append(line)
            # Each asks for the next, as a pipe's reader does for a task, and that for a write.
            loop.call_soon(lambda: (seen.append("read"), loop.call_soon(recorded)))

        def recorded() -> None:
            seen.append("recorded")
            loop.call_soon(seen.append, "written")

        source.sent.put_nowait(["a", "b"])
        source.sent.put_nowait(None)
        await Intake(lambda batch: None, take, asyncio.Lock()).run(source.batches())
        assert seen[:5] == ["a", "read", "recorded", "written", "b"]

    asyncio.run(scenario())


def test_an_observer_that_is_far_ahead_has_to_wait(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intake, "MOST_WAITING", 16)

    async def scenario() -> None:
        source, turn = Source(), asyncio.Lock()
        taken: list[str] = []
        for _ in range(3 * intake.MOST_WAITING):
            source.sent.put_nowait(["x"])
        source.sent.put_nowait(None)
        async with turn:
            run = asyncio.create_task(Intake(lambda batch: None, taken.append, turn).run(source.batches()))
            await settle()
            assert source.taken_up == intake.MOST_WAITING + 1, "of a character each"
        await run
        assert len(taken) == 3 * intake.MOST_WAITING

    asyncio.run(scenario())


@pytest.mark.parametrize("at_fault", ["source", "take", "record"])
def test_what_goes_wrong_ends_it_and_lets_the_others_go_on(at_fault: str):
    async def scenario() -> None:
        source, turn = Source(), asyncio.Lock()
        taken: list[str] = []

        def refuse(come: str | list[str]) -> None:
            if come in ("bad", ["bad"]):
                raise ValueError("of the test")
            taken.extend(come if isinstance(come, list) else [come])

        hands = {"take": taken.append, "record": lambda batch: None, at_fault: refuse}
        source.sent.put_nowait(["good"])
        source.sent.put_nowait(ValueError("of the test") if at_fault == "source" else ["bad"])
        with pytest.raises(ValueError, match="of the test"):
            await Intake(hands["record"], hands["take"], turn).run(source.batches())
        assert taken[0] == "good"
        assert not turn.locked()
        assert len(asyncio.all_tasks()) == 1, "nothing reads on"

    asyncio.run(scenario())
