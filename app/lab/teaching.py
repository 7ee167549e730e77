"""What a teacher shows a room: the chapter, the workload, its run, and whether its answer is on view.

    {"chapter": number, "workload": name, "run": id or null, "answer": answer or null}

`answer` is of app/analysis/answer.py, told of the run so far or of the whole. One state for a server, in
memory alone; null before anything was shown. Whoever follows is told each change, and only how things stand:
one who comes late, or reads slowly, misses what has passed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from app.analysis.answer import answered
from app.model.errors import BadRequest
from app.runs.manager import Manager

Json = dict[str, Any]


class Teaching:
    """What is on view now. One event loop's."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._changed = asyncio.Event()
        self._text = _told(None)
        self.now: Json | None = None
        self.followers = 0

    async def show(self, chapter: int, workload: str, run: str | None, revealed: bool) -> Json:
        """Show that from now on; `revealed` with the answer of the run.

        NotFound where there is no such workload or run; BadRequest where the workload is none of the
        chapter's, or where there is no run that could answer.
        """
        spec = (await self._manager.catalogue()).get(workload)
        if chapter not in spec.chapters:
            raise BadRequest(
                f"{workload} is not of chapter {chapter}",
                f"It is of: {', '.join(map(str, spec.chapters))}.",
                field="chapter",
            )
        if revealed and run is None:
            raise BadRequest("Without a run there is no answer", "Name a run of the workload.", field="run")
        record = None if run is None else await self._manager.get(run)
        answer = answered(spec.question, record.summary()) if record is not None and revealed else None
        self.now = {"chapter": chapter, "workload": workload, "run": run, "answer": answer}
        self._text = _told(self.now)
        self._changed.set()
        self._changed = asyncio.Event()
        return self.now

    async def follow(self) -> AsyncGenerator[str]:
        """What is on view, and then each change of it: JSON, `{"shown": …}`."""
        self.followers += 1
        try:
            while True:
                changed = self._changed
                yield self._text
                await changed.wait()
        finally:
            self.followers -= 1


def _told(shown: Json | None) -> str:
    return json.dumps({"shown": shown}, ensure_ascii=False)
