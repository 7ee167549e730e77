"""The stacks of one slice of a run's timeline, read from its recording."""

from __future__ import annotations

from typing import Any

from app.analysis.slices import Slice
from app.model import frames
from app.runs.record import RunRecord

# What a thread does that does not run is found out soon after it has begun, if ever; of one that runs, or
# waits, this much is enough to tell what it was at.
FIRST_US = 2_000_000

_KINDS = tuple(f'{{"type":"{kind.type}"' for kind in (frames.Names, frames.Stacks, frames.Blocked))


async def stacks_in(run: RunRecord, lane: int, from_us: int, to_us: int) -> dict[str, Any]:
    """What a thread was executing between two times, of which the first FIRST_US are read."""
    found = Slice(lane, from_us, to_us)
    until_us = min(to_us, from_us + FIRST_US)
    # Messages tell of looks by the time of their first one, at the end of a slice.
    longest_us = frames.LONGEST_SLICE_US
    async for line in run.messages(max(0, from_us - 2 * longest_us), until_us + longest_us):
        if line.startswith(_KINDS):
            found.feed(frames.decode(line))
    return found.to_json()
