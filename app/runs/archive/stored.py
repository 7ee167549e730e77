"""A run that has ended, read from the archive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.model.summary import Summary
from app.runs.again import request_of
from app.runs.archive.index import Entry
from app.runs.feed import dump
from app.runs.packet import Packet
from app.runs.playback import Recorded, in_thread, packed
from app.runs.recording import Member, read
from app.runs.timeline import Timeline, beside, is_whole, level_for, opened
from app.runs.window import figures_of

Json = dict[str, Any]


class StoredRun:
    """The RunRecord of a run in the archive.

    `header` gives None where it ended before the observation began; it and `summary` are asked when needed.
    """

    ended = True

    def __init__(
        self,
        entry: Entry,
        header: Callable[[], Json | None],
        summary: Callable[[], Summary],
        members: list[Member],
        path: str,
    ) -> None:
        self.id = entry.id
        self.path = path
        self._entry = entry
        self._header = header
        self._summary = summary
        self._members = members

    def to_json(self) -> Json:
        """As RunRecord says."""
        return self._entry.to_json()

    def summary(self) -> Summary:
        """As RunRecord says; the run has the name that it was given last."""
        summary = self._summary()
        return {**summary, "run": {**summary["run"], "name": self._entry.run["name"]}}

    async def request(self) -> Json:
        """As RunRecord says."""
        return request_of(await asyncio.to_thread(self._planned))

    def script(self) -> str | None:
        """As RunRecord says."""
        script = self._planned().get("script")
        return None if script is None else str(script)

    async def messages(self, from_us: int = 0, to_us: int | None = None) -> AsyncIterator[str]:
        """As RunRecord says."""
        async for line in in_thread(self.recorded().span(from_us, to_us)):
            yield line

    def recorded(self) -> Recorded:
        """As RunRecord says."""
        return Recorded(self.path, self._members, self._timeline)

    def header(self) -> Json | None:
        """As RunRecord says."""
        header = self._header()
        return None if header is None else {**header, "run": self.to_json()}

    async def timeline(self, from_us: int, to_us: int | None, bins: int) -> Json:
        """As RunRecord says."""
        timeline = await asyncio.to_thread(self._timeline)
        to_us = max(timeline.end_us, from_us + 1) if to_us is None else to_us
        level = level_for(from_us, to_us, bins)
        return await asyncio.to_thread(timeline.window, level, from_us, to_us)

    async def figures(self, from_us: int, to_us: int) -> Summary:
        """As RunRecord says."""
        return await asyncio.to_thread(figures_of, self.recorded(), self._entry.run, from_us, to_us)

    @property
    def indexed(self) -> bool:
        """Whether its timeline is there, as this version writes it; else it has to be made first."""
        return is_whole(beside(self.path))

    async def view(self) -> AsyncIterator[Packet]:
        """As RunRecord says."""
        header = self.header()
        if header is not None:
            yield Packet.of(dump(header))
            async for packet in packed(self.recorded().tail()):
                yield packet
        yield Packet.of(
            dump({"type": "run", "run": self.to_json()}),
            dump({"type": "summary", "summary": self.summary()}),
        )

    def _planned(self) -> Json:
        """What the hello says of the run, a script's text too; without a recording, the archive's entry."""
        hello = next(read(self.path), None)
        return dict(json.loads(hello)["run"] if hello else self._entry.run)

    def _timeline(self) -> Timeline:
        return opened(beside(self.path), lambda: read(self.path))
