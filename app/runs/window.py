"""The figures of a span of a run, made of the messages of that span."""

from __future__ import annotations

from typing import Any

from app.analysis.excerpt import Excerpt
from app.model import frames
from app.model.errors import BadRequest
from app.model.summary import Summary
from app.runs.playback import Recorded

# Counters come four times a second: the last before the span are among the messages of so long before it.
LEAD_US = 2_000_000
MOST_MEMBERS = 24  # of a mebibyte of messages: they are read in a thread, beside everything else

Json = dict[str, Any]


def figures_of(recorded: Recorded, run: Json, from_us: int, to_us: int) -> Summary:
    """The summary of a span; BadRequest names the bound that is at fault."""
    if to_us <= from_us:
        raise BadRequest(f"to_us must be greater than from_us, {from_us}; it was {to_us}", field="to_us")
    if recorded.members_in(from_us, to_us) > MOST_MEMBERS:
        raise BadRequest(
            f"The messages of those {(to_us - from_us) / 1e6:.1f} s are more than {MOST_MEMBERS} MiB",
            "Ask for a shorter one; the summary tells of the whole run.",
            field="to_us",
        )
    excerpt = Excerpt(from_us, to_us)
    for line in recorded.span(max(0, from_us - LEAD_US), to_us):
        excerpt.feed(frames.decode(line))
    return excerpt.summary(run)
