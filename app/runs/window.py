"""The figures of a span of a run: of its pieces that lie within, and the messages before and after them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.analysis.excerpt import Excerpt
from app.model import frames
from app.model.errors import BadRequest
from app.model.summary import Summary
from app.runs.playback import Recorded
from app.runs.standing import LEAD_US

Json = dict[str, Any]


def figures_of(recorded: Recorded, run: Json, from_us: int, to_us: int) -> Summary:
    """The summary of a span; BadRequest names the bound that is at fault."""
    if to_us <= from_us:
        raise BadRequest(f"to_us must be greater than from_us, {from_us}; it was {to_us}", field="to_us")
    timeline = recorded.timeline()
    excerpt = Excerpt(from_us, to_us)
    number, last = timeline.numbers(max(0, from_us - LEAD_US), to_us)
    named = timeline.named()[::-1]  # the last one first
    if number:
        for line in recorded.numbered(0, 1):
            excerpt.feed(frames.decode(line))
        for message in _before(named, number):
            excerpt.feed(message)
        for message in timeline.standing(number):
            excerpt.feed(message)
    for extent, state in timeline.pieces(from_us, to_us):
        if number < extent.first:
            _feed(excerpt, recorded, number, extent.first)
        _before(named, extent.first)
        excerpt.absorb(state, _before(named, extent.after))
        number = extent.after
    _feed(excerpt, recorded, number, last)
    return excerpt.summary(run)


def _feed(excerpt: Excerpt, recorded: Recorded, first: int, after: int | None) -> None:
    for line in recorded.numbered(first, after):
        excerpt.feed_line(line)


def _before(named: list[tuple[int, frames.Message]], number: int) -> Iterator[frames.Message]:
    """Those before a message, taken out."""
    taken = []
    while named and named[-1][0] < number:
        taken.append(named.pop()[1])
    return iter(taken)
