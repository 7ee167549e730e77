"""A stored run whose timeline is made anew: another version wrote it, or it was lost.

That takes a process of its own a minute and more of an hour's run. Meanwhile there is all of the run that
does not need it.
"""

from __future__ import annotations

from typing import Any

from app.model.summary import Summary
from app.runs.archive import StoredRun
from app.runs.importing import ImportingRun

Json = dict[str, Any]


class IndexingRun(ImportingRun):
    """A RunRecord. Whoever views it is told how far it has come, and then sees the run itself."""

    waits_for = "The run is being indexed"

    def __init__(self, stored: StoredRun) -> None:
        super().__init__({**stored.to_json(), "state": "indexing"})
        self._known = stored

    def to_json(self) -> Json:
        """As RunRecord says, with `progress`: what share of the recording was read."""
        kept = {name: self._run[name] for name in ("tags", "notes", "pinned", "bytes")}
        return {**super().to_json(), **kept}

    def summary(self) -> Summary:
        """As RunRecord says."""
        return self._known.summary()

    async def request(self) -> Json:
        """As RunRecord says."""
        return await self._known.request()

    def script(self) -> str | None:
        """As RunRecord says."""
        return self._known.script()

    def header(self) -> Json | None:
        """As RunRecord says."""
        return self._known.header()
