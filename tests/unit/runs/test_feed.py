"""The way of a message: how often viewers are told figures."""

from __future__ import annotations

from typing import Any

import pytest

from app.model.frames import Counters, Frame, Hello
from app.runs import feed as feeding
from app.runs.feed import FIGURES_SHARE, Feed

PERIOD_S = 0.25


class Clock:
    """In the hands of a test."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    thread_time = monotonic


def figures_in(monkeypatch: pytest.MonkeyPatch, seconds: float, takes_s: float, watched: bool = True) -> int:
    """How often viewers are told figures in so long, if it takes so long to make them."""
    clock, made = Clock(), []

    def figures_of(ledger: Any) -> dict[str, Any]:
        made.append(clock.now_s)
        clock.now_s += takes_s
        return {"type": "figures"}

    monkeypatch.setattr(feeding, "time", clock)
    monkeypatch.setattr(feeding, "figures_of", figures_of)
    monkeypatch.setattr(feeding, "judge", lambda ledger, run: [])
    feed = Feed(dict)
    follower = feed.hub.follow() if watched else None
    feed.take(Hello(0, 0.0, {}, {}))
    feed.take(Frame(0, 50_000, 50, 0, 0))
    for number in range(int(seconds / PERIOD_S)):
        clock.now_s = max(clock.now_s, number * PERIOD_S)
        feed.take(Counters(50_000, [], [], {}))
    assert follower is None or feed.hub.watched
    return len(made)


def test_figures_are_told_with_each_reading_of_the_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert figures_in(monkeypatch, 10.0, takes_s=0.04) == 40


def test_figures_that_take_long_to_make_are_told_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    takes_s = 0.4
    assert figures_in(monkeypatch, 10.0, takes_s) == pytest.approx(10.0 * FIGURES_SHARE / takes_s, abs=1)


def test_nobody_looks_and_none_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert figures_in(monkeypatch, 10.0, takes_s=0.04, watched=False) == 0
