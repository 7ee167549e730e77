"""The way of a message: how often viewers are told figures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from typing import Any

import pytest

from app.model.frames import Counters, Frame, Hello, Message, encode
from app.runs import feed as feeding
from app.runs.feed import FIGURES_SHARE, Feed
from app.runs.hub import Follower

PERIOD_S = 0.25


class Clock:
    """In the hands of a test."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    thread_time = monotonic


def no_findings(ledger: Any, run: Any) -> Generator[None, None, list[Any]]:
    """A judgement in two steps."""
    yield
    return []


def take(feed: Feed, message: Message, line: str | None = None) -> None:
    """A message, and all that is due after it."""
    feed.take(message, line)
    for _ in feed.chores():
        pass


def figures_in(monkeypatch: pytest.MonkeyPatch, seconds: float, takes_s: float, watched: bool = True) -> int:
    """How often viewers are told figures in so long, if it takes so long to make them."""
    clock, made = Clock(), []

    def figures_of(ledger: Any) -> dict[str, Any]:
        made.append(clock.now_s)
        clock.now_s += takes_s
        return {"type": "figures"}

    monkeypatch.setattr(feeding, "time", clock)
    monkeypatch.setattr(feeding, "figures_of", figures_of)
    monkeypatch.setattr(feeding, "judging", no_findings)
    feed = Feed(dict)
    follower = feed.hub.follow() if watched else None
    feed.take(Hello(0, 0.0, {}, {}))
    feed.take(Frame(0, 50_000, 50, 0, 0))
    for number in range(int(seconds / PERIOD_S)):
        clock.now_s = max(clock.now_s, number * PERIOD_S)
        take(feed, Counters(50_000, [], [], {}))
    assert follower is None or feed.hub.watched
    return len(made)


def test_figures_are_told_with_each_reading_of_the_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert figures_in(monkeypatch, 10.0, takes_s=0.04) == 40


def test_figures_that_take_long_to_make_are_told_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    takes_s = 0.4
    assert figures_in(monkeypatch, 10.0, takes_s) == pytest.approx(10.0 * FIGURES_SHARE / takes_s, abs=1)


def test_nobody_looks_and_none_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert figures_in(monkeypatch, 10.0, takes_s=0.04, watched=False) == 0


def test_figures_are_kept_for_all_who_have_yet_to_get_them_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, numbers = Clock(), iter(range(100))
    monkeypatch.setattr(feeding, "time", clock)
    monkeypatch.setattr(feeding, "figures_of", lambda ledger: {"type": "figures", "number": next(numbers)})
    monkeypatch.setattr(feeding, "judging", no_findings)

    def header_of(ledger: Any) -> dict[str, Any]:
        clock.now_s += 0.01  # so it is shared for half a second
        return {"figures": None}

    monkeypatch.setattr(feeding, "header_of", header_of)

    async def figures_had(follower: Follower) -> list[int]:
        texts = (await anext(follower)).packet.texts
        return [message["number"] for message in map(json.loads, texts) if message["type"] == "figures"]

    async def scenario() -> None:
        feed = Feed(dict)
        quick, slow = feed.hub.follow(), feed.hub.follow()
        feed.take(Hello(0, 0.0, {}, {}))

        def told() -> None:
            feed.take(Frame(0, 50_000, 50, 0, 0))
            take(feed, Counters(50_000, [], [], {}))

        told(), told()
        assert await figures_had(quick) == [0, 1]
        told()
        assert len(feed._figures_said) == 3, "the slow viewer has none yet"
        assert await figures_had(slow) == [0, 1, 2]
        assert await figures_had(quick) == [2]
        told()
        assert len(feed._figures_said) == 1

        _, at = feed.opening(feed.hub.first)
        told()
        assert await figures_had(quick) == await figures_had(slow) == [3, 4]
        told()
        clock.now_s += 0.1
        assert feed.opening(feed.hub.first)[1] == at, "the same header"
        late = feed.hub.follow(at)
        assert await figures_had(late) == [4, 5], "the two of which that header does not tell"
        assert await figures_had(quick) == await figures_had(slow) == [5]
        clock.now_s += 1.0
        told()
        assert len(feed._figures_said) == 1

    asyncio.run(scenario())


def test_what_comes_while_figures_are_made_comes_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "judging", no_findings)

    async def scenario() -> list[str]:
        feed = Feed(dict)
        viewer = feed.hub.follow()
        take(feed, Hello(0, 0.0, {}, {}))
        feed.go_ahead()
        take(feed, Frame(0, 50_000, 50, 0, 0))
        feed.take(Counters(50_000, [], [], {}))
        steps = 0
        for _ in feed.chores():
            steps += 1
            feed.hear([encode(Frame(50_000, 100_000, 50, 0, 0), 3)])
        assert steps >= 3, "findings, figures and their text"
        for _ in range(steps):
            take(feed, Frame(50_000, 100_000, 50, 0, 0), encode(Frame(50_000, 100_000, 50, 0, 0), 3))
        feed.close([])
        return [json.loads(text)["type"] async for _, packet in viewer for text in packet.texts]

    types = asyncio.run(scenario())
    at = types.index("figures")
    assert types[:at].count("frame") >= 4
    assert types[at:] == ["figures"]
