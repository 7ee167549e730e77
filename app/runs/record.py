"""What web, cli and lab see of a run, be it live, stored, or being imported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from app.model.summary import Summary
from app.runs.packet import Packet
from app.runs.playback import Recorded

Json = dict[str, Any]


class RunRecord(Protocol):
    """One run. A LiveRun goes on, or has just ended; a StoredRun is read from the archive.

    Of an ImportingRun there is nothing but its JSON and a view: all else is a Conflict.
    """

    @property
    def id(self) -> str: ...

    @property
    def ended(self) -> bool: ...

    def to_json(self) -> Json:
        """The run itself, see run_json.py, and how it is kept.

        `tags`, `notes` (see notes.py), `pinned`; of a stored one `bytes` and its `findings` (code and
        severity), of a live one `unrecorded`: why the archive does not have it, or null.
        """
        ...

    def summary(self) -> Summary:
        """Its result, or that so far."""
        ...

    async def request(self) -> Json:
        """The body of a request that starts the same again; Conflict where there is none: see again.py."""
        ...

    def script(self) -> str | None:
        """The text of the script that it ran; None where it is of none, or that was not kept."""
        ...

    def header(self) -> Json | None:
        """What a viewer needs to draw from the start; None where the observation has not begun."""
        ...

    async def timeline(self, from_us: int, to_us: int | None, bins: int) -> Json:
        """How the time of its lanes and GILs was shared, in at most so many bins: see Timeline.window.

        BadRequest names the field of a range that is none. `to_us` None: its end, or as far as it has come;
        of a run of which nothing was seen there are no lanes.
        """
        ...

    async def figures(self, from_us: int, to_us: int) -> Summary:
        """The summary of a span of time alone; BadRequest as above, and where the span is too long."""
        ...

    def recorded(self) -> Recorded:
        """Its recording as far as it has come; Conflict where it is not recorded."""
        ...

    def messages(self, from_us: int = 0, to_us: int | None = None) -> AsyncIterator[str]:
        """The observer's messages of a span of time, as it encoded them, and all names."""
        ...

    def view(self) -> AsyncIterator[Packet]:
        """What a viewer is sent, from the header to the summary: see docs/architecture.md."""
        ...
