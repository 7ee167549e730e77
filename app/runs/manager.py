"""All runs of one server or one command: at most so many at once, each recorded from its first message.

A run that has ended leaves memory as soon as the archive has it. One that the archive could not take stays;
of these the last KEPT_UNRECORDED.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import IO, Any

from app.model.errors import (
    ArchiveFailed,
    BadRequest,
    Conflict,
    GilscopeError,
    NotReadable,
    SwitchedOff,
)
from app.model.metrics import ServerMetrics
from app.runs import catalogue, delegated, interpreters, plan
from app.runs.archive import Archive, Query, StoredRun
from app.runs.archive.rebuild import hello_of, id_of
from app.runs.catalogue import Catalogue
from app.runs.feed import Listener
from app.runs.garbage import collect_now
from app.runs.importing import ImportingRun
from app.runs.indexing import IndexingRun
from app.runs.interpreters import Interpreter
from app.runs.keeper import Keeper
from app.runs.live import LiveRun
from app.runs.malloc import give_back
from app.runs.metrics import Metrics
from app.runs.notes import Change, Notes
from app.runs.observer import COMMAND
from app.runs.record import RunRecord
from app.runs.recording import Recording
from app.runs.request import RunRequest
from app.runs.settings import Settings
from app.runs.supervision import InCommon, Patience

KEPT_UNRECORDED = 20
INDEXED_AT_ONCE_S = 2.0  # who asks for a run waits so long for its timeline
EVERY = Query()

Json = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of runs. `next` is the cursor of the one that follows; `error` is why there is no archive."""

    runs: list[Json]
    next: str | None
    archive: Json | None  # {"bytes", "budget_bytes", "runs"}
    error: ArchiveFailed | None


class Manager:
    """Starts runs and keeps them. One event loop's; `close` leaves no process behind.

    `observer` is the command that starts an observer. With `archived` off, runs leave nothing when they end.
    """

    def __init__(
        self,
        settings: Settings,
        observer: Sequence[str] = COMMAND,
        patience: Patience | None = None,
        archived: bool = True,
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._patience = patience or Patience()
        self._archived = archived
        self.archive = Archive(settings.home, settings.keep_bytes)
        self._runs: dict[str, LiveRun] = {}
        self._closing = False
        self._finding = asyncio.Lock()
        self._importing: dict[str, ImportingRun] = {}
        self._indexing: dict[str, IndexingRun] = {}
        self._imports: dict[str, asyncio.Task[None]] = {}  # those that go on, by the run's id
        self._keeper = Keeper()
        self._shared = InCommon(keeper=self._keeper)
        self._storing: dict[str, asyncio.Task[None]] = {}  # by the run's id
        self._metrics = Metrics()

    async def catalogue(self) -> Catalogue:
        """The workloads and executors that there are."""
        return await asyncio.to_thread(catalogue.load)

    async def interpreters(self) -> list[Interpreter]:
        """The interpreters found on this machine, newest first."""
        # Who asks while others ask waits for their answers, instead of asking every interpreter once more.
        async with self._finding:
            return await asyncio.to_thread(
                interpreters.find, self._settings.pythons, self._settings.interpreters_file
            )

    async def start(
        self, request: RunRequest, recording: Recording | None = None, listener: Listener | None = None
    ) -> LiveRun:
        """Check a request and start it; BadRequest, NotFound, Conflict or SwitchedOff: nothing was started.

        A process that cannot be attached to is refused with NotPermitted, NoSuchProcess or NotReadable. The
        messages go into `recording` too, which is the caller's, and `listener` is told them as they come.
        """
        await self.allow(request)
        planned = await self._plan(request)
        limits = replace(self._settings.limits, group=delegated.folder())
        run = self._admit(planned.limited(limits, self._settings.target_seconds))
        if recording is not None:
            run.record(recording)
        if listener is not None:
            run.listen(listener)
        if self._archived:
            await self._record(run)
        refusal = None
        try:
            await run.start(run.plan.observer or self._observer)
            if run.plan.kind == "attach":
                refusal = await run.admitted()
        finally:
            if refusal is None:
                task = self._storing[run.id] = asyncio.create_task(self._store(run))
                task.add_done_callback(lambda _: self._storing.pop(run.id))
        if refusal is not None:
            self._metrics.refused(refusal)
            await self._abandon(run)
            raise refusal
        self._metrics.started(run.plan.kind)
        return run

    async def allow(self, request: RunRequest) -> None:
        """SwitchedOff where the settings do not let it run."""
        if not self._settings.commands and plan.brings_a_program(request, await self.catalogue()):
            raise SwitchedOff(
                "Commands, scripts and attaching are switched off here: only workloads of the catalogue run",
                "Start the server without --no-commands, and with GILSCOPE_COMMANDS unset.",
            )

    def metrics(self) -> ServerMetrics:
        """What a scraper is told."""
        return self._metrics.read(self._runs.values())

    async def take_in(self, file: IO[bytes], within_s: float) -> RunRecord:
        """Take a recording into the archive; NotReadable where it is none.

        Given is the stored run, or after `within_s` the one that is being imported still. The file is closed
        once it was read.
        """
        path = f"/proc/self/fd/{file.fileno()}"
        try:
            hello = await asyncio.to_thread(hello_of, path)
        except NotReadable as error:
            file.close()
            raise _as_sent(error) from None
        if self._closing:
            file.close()
            raise Conflict("The server is shutting down", "Start it again, and then import the recording.")
        run = self._importing.get(id_of(hello) or "")
        if run is None or run.ended:
            run = ImportingRun.of(id_of(hello) or secrets.token_hex(5), hello)
            self._importing[run.id] = run
            task = self._imports[run.id] = asyncio.create_task(self._import(run, path))
            task.add_done_callback(lambda ended: self._imported(run.id, ended))
            task.add_done_callback(lambda _: file.close())
        else:
            file.close()
        try:
            return await run.over(within_s) or run
        except GilscopeError:
            self._importing.pop(run.id, None)  # who asked is told at once
            raise

    def _imported(self, run_id: str, ended: asyncio.Task[None]) -> None:
        """An import is over; one that was given up may have been begun anew."""
        if self._imports.get(run_id) is ended:
            del self._imports[run_id]

    async def _import(self, run: ImportingRun, path: str) -> None:
        """Nothing of one that could not be imported stays but why, of the last KEPT_UNRECORDED."""
        try:
            stored = await self.archive.import_file(path, known=True, on_share=run.read, run_id=run.id)
        except GilscopeError as error:
            run.finish(None, _as_sent(error))
            failed = [run.id for run in self._importing.values() if run.ended]
            for run_id in failed[:-KEPT_UNRECORDED]:
                del self._importing[run_id]
        except asyncio.CancelledError:
            run.finish(None, Conflict("The import was given up", "Import the recording again."))
            raise
        else:
            self._importing.pop(run.id, None)
            run.finish(stored, None)

    async def _record(self, run: LiveRun) -> None:
        """Have the archive record the run. Where it cannot, the run goes on, and says why it is not kept."""
        recording = None
        try:
            recording = await self.archive.begin(run.described())
        except GilscopeError as error:
            self._unrecorded(run, error)
        run.keep(recording)

    async def _store(self, run: LiveRun) -> None:
        """Once it has ended, it is the archive's."""
        await run.wait()
        self._metrics.ended(run)
        if not self._archived:
            self._drop(run.id)
        if run.recording is not None:
            run.close()
            try:
                await self.archive.finish(run.recording, run.described(), run.header(), run.summary())
            except GilscopeError as error:
                self._unrecorded(run, error)
            else:
                self._metrics.forget(run.id)
                self._runs.pop(run.id, None)
        kept = [left for left in self._runs.values() if left.ended and left.unrecorded]
        for left in kept[:-KEPT_UNRECORDED]:
            self._drop(left.id)
        del run, kept  # what they held is free by then, unless a viewer still reads
        if not self._closing:
            collect_now()
        await asyncio.to_thread(give_back)

    def _drop(self, run_id: str) -> None:
        """A run that has ended leaves memory."""
        self._metrics.forget(run_id)
        run = self._runs.pop(run_id, None)
        if run is not None:
            run.close()

    async def _abandon(self, run: LiveRun) -> None:
        """A run that was refused leaves nothing."""
        self._drop(run.id)
        if run.recording is not None:
            try:
                await self.archive.abandon(run.recording, run.id)
            except GilscopeError as error:
                logger.warning("run %s: %s", run.id, error)

    def _unrecorded(self, run: LiveRun, error: GilscopeError) -> None:
        run.unrecorded = error
        logger.warning("run %s is not recorded, or not all of it: %s", run.id, error)

    async def _plan(self, request: RunRequest) -> plan.Plan:
        match plan.kind_of(request):
            case "workload":
                known = await self.catalogue()
                plan.check_workload(request, known)  # at once: to ask the interpreters takes a while
                return plan.of_workload(request, known, await self.interpreters())
            case "command":
                return await asyncio.to_thread(plan.of_command, request)
            case "script":
                return plan.of_script(request, await self.catalogue(), await self.interpreters())
            case "attach" if request.scheduler is not None:
                return plan.of_cluster(request)
            case "attach":
                return await asyncio.to_thread(plan.of_attach, request)

    async def get(self, run_id: str) -> RunRecord:
        """The run of that id, live or stored; NotFound."""
        return self._runs.get(run_id) or self._importing.get(run_id) or await self._stored(run_id)

    async def _stored(self, run_id: str) -> RunRecord:
        """A run of the archive; or, while its timeline is made anew, what can be had of it meanwhile."""
        stored = await self.archive.get(run_id)
        if run_id in self._indexing:
            return self._indexing[run_id]
        if stored.indexed:
            return stored
        run = self._indexing[run_id] = IndexingRun(stored)
        task = self._imports[run_id] = asyncio.create_task(self._index(run, stored))
        task.add_done_callback(lambda ended: self._imported(run_id, ended))
        return await run.over(INDEXED_AT_ONCE_S) or run

    async def _index(self, run: IndexingRun, stored: StoredRun) -> None:
        try:
            await self.archive.index(stored, run.read)
        except GilscopeError as error:
            run.finish(None, error)
        except asyncio.CancelledError:
            run.finish(None, Conflict("The server is shutting down", "Start it again."))
            raise
        else:
            run.finish(stored, None)
        finally:
            del self._indexing[run.id]

    async def live(self, run_id: str) -> LiveRun:
        """The run of that id while it goes on; NotFound, or Conflict where it has ended."""
        run = self._runs.get(run_id)
        if run is None:
            await self.archive.get(run_id)
            raise Conflict("The run has ended", "Start it again.")
        return run

    async def change_notes(self, run_id: str, change: Change) -> Notes:
        """Add, change or remove a note of a run, live or stored: the notes that it has then.

        NotFound, and what `change` raises. Of a run that the archive does not have they end with the server.
        """
        run = self._runs.get(run_id)
        if run is None:
            return await self.archive.change_notes(run_id, change)
        kept = run.recording is not None
        notes = await self.archive.change_notes(run_id, change) if kept else change(run.notes)
        run.noted(notes)
        return notes

    async def page(self, limit: int, cursor: str | None = None, query: Query = EVERY) -> Listing:
        """Up to `limit` runs, newest first, from `cursor` on.

        Those that the archive does not have, or not yet, stand first on the first page, unless something is
        searched for.
        Where the archive cannot be used they are all there is, and the listing says why.
        """
        before = None if cursor is None else _number(cursor)
        live = dict(self._runs)  # one that is stored meanwhile may still be open in the rows that are read
        mine = [run.to_json() for run in reversed(self._importing.values())]
        mine += [run.to_json() for run in reversed(live.values()) if run.recording is None]
        unrecorded = mine if cursor is None and query == EVERY else []
        try:
            entries = await self.archive.page(query, limit + 1, before)
            kept = {
                "bytes": await self.archive.used_bytes(),
                "budget_bytes": self.archive.budget_bytes,
                "runs": await self.archive.count(query),
            }
        except ArchiveFailed as error:
            return Listing(unrecorded, None, None, error)
        shown = [
            live[entry.id].to_json() if entry.id in live else entry.to_json() for entry in entries[:limit]
        ]
        following = str(entries[limit - 1].number) if len(entries) > limit else None
        return Listing([*unrecorded, *shown], following, kept, None)

    def active(self) -> list[LiveRun]:
        """The runs that have not ended, oldest first."""
        return [run for run in self._runs.values() if not run.ended]

    async def stop(self, run_id: str) -> RunRecord:
        """End a run, and wait until it is stored; one that has ended stays as it is. NotFound."""
        run = self._runs.get(run_id)
        if run is not None:
            await run.stop()
            if run_id in self._storing:
                await self._storing[run_id]
        return await self.get(run_id)

    async def forget(self, run_id: str) -> None:
        """End a run, and take it out of every list; it can be restored for a while. NotFound."""
        await self.stop(run_id)
        left = self._runs.get(run_id)
        self._drop(run_id)
        if await self._give_up(run_id):
            return
        if left is None or left.recording is not None:
            await self.archive.remove(run_id)

    async def close(self) -> None:
        """Refuse further runs, and end those that there are: within some seconds, see Patience."""
        self._closing = True
        for run_id in (*self._importing, *self._indexing):
            await self._give_up(run_id)
        await asyncio.gather(*(run.hurry() for run in self.active()))
        await asyncio.gather(*self._storing.values())
        for run_id in list(self._runs):
            self._drop(run_id)
        await self._keeper.close()
        await self.archive.close()

    async def _give_up(self, run_id: str) -> bool:
        """Import a run no further, and forget that it could not be; False where it is not being imported."""
        importing = self._importing.pop(run_id, None)
        task = self._imports.get(run_id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        return importing is not None

    def _admit(self, checked: plan.Plan) -> LiveRun:
        """A new run. No await from the count to the entry: two requests must not take the same place."""
        active = self.active()
        if self._closing:
            raise Conflict("The server is shutting down", "Start it again, and then the run.")
        if len(active) >= self._settings.max_runs:
            names = ", ".join(f"{run.id} ({run.plan.name}, {run.state})" for run in active)
            raise Conflict(
                f"{len(active)} runs are going on, and no more are allowed at once: {names}",
                "Stop one of them, or start the server with a greater GILSCOPE_MAX_RUNS.",
            )
        run = LiveRun(secrets.token_hex(5), checked, self._patience, self._shared)
        self._runs[run.id] = run
        return run


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise BadRequest(f"cursor must come from a page before; it was {cursor!r}", field="cursor")
    return int(cursor)


def _as_sent(error: GilscopeError) -> GilscopeError:
    """Without the name of the file in which this process keeps what was sent."""
    _, what, why = error.detail.partition(" is no recording of GILScope")
    return type(error)(f"What was sent{what}{why}", error.remedy) if what else error
