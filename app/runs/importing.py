"""A recording that is being taken in: a run of which nothing can be seen yet but how far it was read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, NoReturn

from app.analysis.ledger import Ledger
from app.model.errors import Conflict, GilscopeError
from app.model.frames import Hello
from app.model.summary import Summary
from app.runs.archive import StoredRun
from app.runs.feed import dump
from app.runs.packet import Packet
from app.runs.playback import Recorded
from app.runs.run_json import run_json

TELL_S = 0.5  # from one time that viewers are told how far it was read to the next

Json = dict[str, Any]


class ImportingRun:
    """A RunRecord. Whoever views it is told how far it has come, and then sees the run itself."""

    waits_for = "The recording is still being read"

    def __init__(self, run: Json) -> None:
        self.id: str = run["id"]
        self._run = run
        self._share = 0.0
        self._stored: StoredRun | None = None
        self._failure: GilscopeError | None = None
        self._over = asyncio.Event()

    @classmethod
    def of(cls, run_id: str, hello: Hello) -> ImportingRun:
        """The run of that hello."""
        run = run_json(hello.run, Ledger(), "importing")
        return cls({**run, "id": run_id, "started_at": hello.started_at})

    @property
    def ended(self) -> bool:
        return self._failure is not None

    def read(self, share: float) -> None:
        """So much of the file was read, from 0 to 1."""
        self._share = share

    def finish(self, stored: StoredRun | None, failure: GilscopeError | None) -> None:
        """It is in the archive, or cannot be."""
        self._stored, self._failure = stored, failure
        self._over.set()

    async def over(self, within_s: float | None = None) -> StoredRun | None:
        """The run, once it is there; None where that takes longer. What keeps it from that is raised."""
        try:
            await asyncio.wait_for(self._over.wait(), within_s)
        except TimeoutError:
            return None
        if self._failure is not None:
            raise self._failure
        return self._stored

    def to_json(self) -> Json:
        """As RunRecord says, and `progress`: what share of the file was read."""
        kept = {"tags": [], "notes": [], "pinned": False, "unrecorded": None}
        run = {**self._run, "progress": self._share, **kept}
        if self._failure is not None:
            run |= {"state": "failed", "error": self._failure.to_json()}
        return run

    def summary(self) -> Summary:
        """As RunRecord says: there is none."""
        self._not_yet()

    async def request(self) -> Json:
        """As RunRecord says: there is none."""
        self._not_yet()

    def script(self) -> str | None:
        """As RunRecord says: there is none."""
        self._not_yet()

    def header(self) -> Json | None:
        """As RunRecord says."""
        return None

    async def timeline(self, from_us: int, to_us: int | None, bins: int) -> Json:
        """As RunRecord says: there is none."""
        self._not_yet()

    async def figures(self, from_us: int, to_us: int) -> Summary:
        """As RunRecord says: there are none."""
        self._not_yet()

    def recorded(self) -> Recorded:
        """As RunRecord says: it is not."""
        self._not_yet()

    def messages(self, from_us: int = 0, to_us: int | None = None) -> AsyncIterator[str]:
        """As RunRecord says: there are none."""
        self._not_yet()

    async def view(self) -> AsyncIterator[Packet]:
        """As RunRecord says."""
        while not self._over.is_set():
            yield Packet.of(dump({"type": "run", "run": self.to_json()}))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), TELL_S)
        if self._stored is None:
            yield Packet.of(dump({"type": "run", "run": self.to_json()}))
            return
        async for packet in self._stored.view():
            yield packet

    def _not_yet(self) -> NoReturn:
        if self._failure is not None:
            raise self._failure
        raise Conflict(f"{self.waits_for}: {self._share:.0%} so far", "Ask again in a while.")
