"""Would something help? Of a run, live or stored, or of a span of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from app.analysis.forecast.advice import advice
from app.analysis.forecast.observed import Observed
from app.analysis.forecast.speed_up import mend
from app.model import frames
from app.model.errors import Conflict
from app.model.forecast import Advice, Mend
from app.runs.record import RunRecord

REPLAYED_US = 10_000_000  # the end of the span: a replay of more takes seconds, and tells hardly more
_KINDS = tuple(
    f'{{"type":"{kind.type}"'
    for kind in (frames.Names, frames.Process, frames.Frame, frames.Stacks, frames.Blocked)
)


async def advise(run: RunRecord, from_us: int = 0, to_us: int | None = None) -> Advice:
    """As app/analysis/forecast/advice.py says; of a run that goes on, as far as it has come.

    BadRequest where there is no such span.
    """
    whole = not from_us and to_us is None
    summary = run.summary()
    if not whole:
        until_us = round(summary["run"]["duration_s"] * 1e6) if to_us is None else to_us
        summary = await run.figures(from_us, until_us)
    end_us = to_us if to_us is not None else _end_us(run)
    try:
        lines = [
            line
            async for line in run.messages(max(from_us, end_us - REPLAYED_US), end_us)
            if line.startswith(_KINDS)
        ]
    except Conflict as refusal:
        why = f"It was not recorded: {refusal}"
        mended: Mend = {"from_s": 0.0, "to_s": 0.0, "replay_error": None, "rows": [], "why_not": why}
    else:
        mended = await asyncio.to_thread(replayed, lines)
    return advice(summary, mended)


def replayed(lines: Iterable[str]) -> Mend:
    """What a recording's messages say of the functions to mend."""
    observed = Observed()
    for line in lines:
        if line.startswith(_KINDS):
            observed.feed(frames.decode(line))
    return mend(observed)


def _end_us(run: RunRecord) -> int:
    figures = (run.header() or {}).get("figures")
    return int(figures["at_us"]) if figures else 0
