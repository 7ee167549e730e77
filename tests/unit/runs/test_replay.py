"""A recording played again: what a viewer is told is what the ledger knew at that moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support import recorded

from app.runs import archive
from app.runs.replay import Replay


class Clock:
    """A clock that a test moves on: each look at it is so many seconds later."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


@pytest.fixture
def run(tmp_path: Path) -> archive.StoredRun:
    path = recorded.write(tmp_path / "made.jsonl", seconds=6, held=0.5)
    return archive.of_file(str(path), tmp_path)


async def until_it_stands(texts: AsyncIterator[str]) -> list[dict[str, Any]]:
    told = []
    async for text in texts:
        told.append(json.loads(text))
        if told[-1]["type"] == "playhead" and told[-1]["speed"] == 0:
            break
    return told


def told_of(
    run: archive.StoredRun, *orders: tuple[int | None, float], step_s: float = 0.5
) -> list[list[dict]]:
    """What is told after each order, until the playhead stands."""

    async def scenario() -> list[list[dict]]:
        replay = Replay(run, Clock(step_s))
        texts = replay.view()
        answers = []
        for at_us, speed in orders:
            replay.go(at_us, speed)
            answers.append(await until_it_stands(texts))
        return answers

    return asyncio.run(scenario())


def test_the_playhead_shows_what_was_known_then_forward_and_back(run: archive.StoredRun) -> None:
    for told, at_us in zip(told_of(run, (4_000_000, 0), (1_500_000, 0)), (4_000_000, 1_500_000), strict=True):
        header, where, playhead = told
        assert [part["type"] for part in told] == ["header", "where", "playhead"]
        assert playhead == {"type": "playhead", "at_us": at_us, "speed": 0.0}
        assert header["figures"]["at_us"] == at_us
        assert header["run"]["state"] == "running"
        assert header["figures"]["totals"]["rss"] == (10 << 20) + at_us * (1 << 20) // 1_000_000
        assert header["figures"]["findings_at_s"] == at_us / 1e6
        assert [row[0] for row in header["series"]["rows"]][-1] == at_us
        assert len(where["threads"]) == 2


def test_it_plays_to_the_end_and_each_figure_once(run: archive.StoredRun) -> None:
    [told] = told_of(run, (2_000_000, 0.5))
    times = [part["at_us"] for part in told if part["type"] == "figures"]
    assert times == list(range(2_250_000, 6_000_001, 250_000))
    assert told[-1] == {"type": "playhead", "at_us": 6_000_000, "speed": 0.0}
    assert [part["type"] for part in told[-4:]] == ["header", "report", "where", "playhead"]
    assert told[-4]["figures"] | {"findings": 0, "findings_at_s": 0} == (
        figures_at_the_end(run) | {"findings": 0, "findings_at_s": 0}
    )


def test_played_fast_it_tells_the_whole_of_a_moment_at_once(run: archive.StoredRun) -> None:
    [told] = told_of(run, (0, 100))
    kinds = [part["type"] for part in told]
    assert kinds.count("figures") == 0
    assert kinds.count("header") == 3  # where it began, after all that was passed in one go, and at the end


def test_the_map_of_the_heap_is_that_of_the_moment(run: archive.StoredRun) -> None:
    before, after = told_of(run, (4_900_000, 0), (5_100_000, 0))
    assert [told[0]["heaps"][0]["pools"] for told in (before, after)] == [1, 2]
    assert all(told[0]["heaps"][0]["changed"] for told in (before, after))


def figures_at_the_end(run: archive.StoredRun) -> dict[str, Any]:
    async def header() -> dict[str, Any]:
        async for packet in run.view():
            return json.loads(packet.texts[0])["figures"]
        raise AssertionError

    return asyncio.run(header())
