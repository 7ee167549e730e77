"""The experiments of the archive: each its journal in experiments/ID.jsonl, and its row in the index.

What was measured is in the journal at once, so that nothing of it is lost however the process ends. Results
are small and cost hours: they have a share of the budget to themselves, in which the oldest make room.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.analysis.experiment import described, result
from app.analysis.experiment_trials import ExperimentTally
from app.model.errors import ArchiveFailed, Conflict, GilscopeError, Interrupted, NotFound
from app.runs.archive.experiment_rows import ExperimentRow
from app.runs.archive.index import Index
from app.runs.archive.journal import Journal, read_journal
from app.runs.locks import is_locked

_DAMAGED = (ValueError, LookupError, TypeError, AttributeError)

Json = dict[str, Any]


def listed(tally: ExperimentTally, found: Json | None) -> Json:
    """An experiment as a list shows it: the first fields of its result, and the verdict's sentence.

    With them is what came of the forecast that it is to prove; both are of `found`, its result, None while it
    goes on. A script's text is not among them.
    """
    shown = described(tally)
    return {
        **shown,
        "asked": {**shown["asked"], "script": None},
        "sentence": found["verdict"]["sentence"] if found else None,
        "forecast": found["forecast"] if found else None,
    }


class ExperimentShelf:
    """Where experiments are kept. Every call may raise GilscopeError, and then nothing else is lost.

    `do` runs something in the archive's thread, `index` opens the index there.
    """

    def __init__(self, home: Path, do: Callable[..., Awaitable[Any]], index: Callable[[], Index]) -> None:
        self._folder = home / "experiments"
        self._do = do
        self._index = index
        self._mine: set[str] = set()  # those that this process carries out

    async def begin(self, header: Json) -> Journal:
        """Enter one that begins, and open its journal with the first line."""
        journal: Journal = await self._do(self._begin, header)
        return journal

    async def write(self, journal: Journal, line: Json) -> None:
        """Add a line to a journal."""
        await self._do(journal.write, line)

    async def finish(self, journal: Journal, tally: ExperimentTally, found: Json) -> None:
        """Enter how one ended, and close its journal; `found` is its result."""
        await self._do(self._finish, journal, tally, found)

    async def get(self, experiment_id: str) -> Json:
        """The result of one; of one that another process carries out, as far as it has come. NotFound."""
        found: Json = await self._do(self._get, experiment_id)
        return found

    async def page(self, limit: int, before: int | None = None) -> list[ExperimentRow]:
        """Up to `limit` that were numbered before `before`, newest first."""
        rows: list[ExperimentRow] = await self._do(self._page, limit, before)
        return rows

    async def proofs(self) -> list[Json]:
        """Of those that have ended and were to prove a forecast: as a list shows them, newest first."""
        rows: list[Json] = await self._do(self._proofs)
        return rows

    async def remove(self, experiment_id: str) -> None:
        """Take one out of every list; it can be had back for a while. NotFound, Conflict."""
        await self._do(self._remove, experiment_id)

    async def restore(self, experiment_id: str) -> None:
        """Put a removed one back; NotFound."""
        await self._do(self._restore, experiment_id)

    # ---- in the archive's thread

    def sweep(self, removed_before: float, budget_bytes: int) -> None:
        """Delete those that were removed before that time, and the oldest of those over the budget."""
        rows = self._index().experiments
        excess = rows.total_bytes() - budget_bytes
        for experiment_id in (*rows.removed_before(removed_before), *rows.oldest(excess)):
            self._path(experiment_id).unlink(missing_ok=True)
            rows.forget(experiment_id)

    def _path(self, experiment_id: str) -> Path:
        return self._folder / f"{experiment_id}.jsonl"

    def _begin(self, header: Json) -> Journal:
        index = self._index()
        self._folder.mkdir(exist_ok=True)
        journal = Journal(self._path(header["id"]))
        try:
            journal.write(header)
            index.experiments.begin(listed(ExperimentTally.of([header]), None))
        except (GilscopeError, OSError):
            journal.close()
            journal.path.unlink(missing_ok=True)
            raise
        self._mine.add(header["id"])
        return journal

    def _finish(self, journal: Journal, tally: ExperimentTally, found: Json) -> None:
        self._mine.discard(tally.header["id"])
        try:
            self._enter(tally, found, journal.path.stat().st_size)
        finally:
            journal.close()

    def _enter(self, tally: ExperimentTally, found: Json, size: int) -> None:
        self._index().experiments.finish(listed(tally, found), found, size)

    def _get(self, experiment_id: str) -> Json:
        row = self._row(experiment_id)
        if not row.open:
            found = self._index().experiments.result(experiment_id)
            if found is None:
                raise ArchiveFailed(
                    f"The experiment {experiment_id} has no result in the index", "Measure it again."
                )
            return found
        tally = self._read(row)
        if self._is_carried_out(experiment_id):
            return result(tally)
        return self._end(tally)

    def _read(self, row: ExperimentRow) -> ExperimentTally:
        try:
            return ExperimentTally.of(read_journal(self._path(row.id)))
        except FileNotFoundError:
            self._index().experiments.forget(row.id)
            raise NotFound(
                f"The journal of experiment {row.id!r} is gone", "It was deleted from the data directory."
            ) from None
        except _DAMAGED as error:
            raise ArchiveFailed(
                f"The journal of experiment {row.id!r} is damaged: {error}",
                "Remove it, and measure it again.",
            ) from None

    def _end(self, tally: ExperimentTally) -> Json:
        """End one whose process was killed: what was measured until then is its result."""
        failure = Interrupted(
            f"What carried out this experiment was killed, after {tally.runs_done} runs",
            "All that was measured until then is here.",
        )
        end = {"type": "end", "at_s": tally.took_s, "state": "failed", "error": failure.to_json()}
        path = self._path(tally.header["id"])
        _cut_to_whole_lines(path)
        with path.open("ab") as file:
            file.write(json.dumps(end).encode() + b"\n")
        tally.feed(end)
        found = result(tally)
        self._enter(tally, found, path.stat().st_size)
        return found

    def _is_carried_out(self, experiment_id: str) -> bool:
        """Whether this process, or another, does so now."""
        if experiment_id in self._mine:
            return True
        try:
            return is_locked(self._path(experiment_id))
        except FileNotFoundError:
            return False

    def _page(self, limit: int, before: int | None) -> list[ExperimentRow]:
        rows = self._index().experiments.page(limit, before)
        for row in rows:
            if row.open and not self._is_carried_out(row.id):
                with contextlib.suppress(NotFound, ArchiveFailed):  # its row says how it began
                    self._end(self._read(row))
        return self._index().experiments.page(limit, before)

    def _proofs(self) -> list[Json]:
        return self._index().experiments.proofs()

    def _row(self, experiment_id: str, removed: bool = False) -> ExperimentRow:
        row = self._index().experiments.row(experiment_id)
        if row is None or (row.removed and not removed):
            raise NotFound(
                f"There is no experiment {experiment_id!r}", "The page Experiments lists those there are."
            )
        return row

    def _remove(self, experiment_id: str) -> None:
        row = self._row(experiment_id)
        if row.open and self._is_carried_out(experiment_id):
            raise Conflict("That experiment still goes on", "Stop it, or wait until it has ended.")
        self._index().experiments.remove(experiment_id, time.time())

    def _restore(self, experiment_id: str) -> None:
        self._row(experiment_id, removed=True)
        self._index().experiments.remove(experiment_id, None)


def _cut_to_whole_lines(path: Path) -> None:
    """Drop the beginning of a line that was not written to its end."""
    with path.open("rb+") as file:
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
