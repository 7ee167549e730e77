"""Every run, from its first message, in the data directory: it outlives the server, and whatever ends it.

    index.db                SQLite: one row a run (index.py)
    recordings/ID.jsonl.gz  the messages of one run (app/runs/recording.py)
    recordings/ID.timeline  their timeline at resolutions (app/runs/timeline.py); made anew if missing
    experiments/ID.jsonl    the journal of an experiment (experiments.py)

Whoever records a run holds a lock on its file. A file that nobody locks, of a run whose row says that it goes
on, was left by a process that was killed: it is read, and the run ends where its recording does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.errors import (
    ArchiveFailed,
    BadRequest,
    Conflict,
    GilscopeError,
    Interrupted,
    NotFound,
    NotReadable,
)
from app.model.summary import Summary
from app.runs.archive.apart import rebuild_apart, rebuild_timeline_apart
from app.runs.archive.experiments import ExperimentShelf
from app.runs.archive.index import Entry, Final, Index, Query
from app.runs.archive.rebuild import (
    UNFINISHED,
    OnShare,
    Rebuilt,
    hello_of,
    id_of,
    notes_of,
    rebuild,
    rebuild_timeline,
)
from app.runs.archive.stored import StoredRun
from app.runs.locks import is_locked, lock
from app.runs.notes import Change, Notes, joined
from app.runs.recording import Member, Recording
from app.runs.timeline import beside

_ABANDONED_S = 60.0  # what nobody locks, and is half written for so long, was left by one that was killed
_SHORT_BYTES = 1 << 18  # a recording that is read through in less time than a process takes to start
_OF_EXPERIMENTS = 10  # of the budget a tenth at the most is theirs
UNDO_S = 600.0  # a removed run can be had back for so long

Json = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["Archive", "Entry", "Query", "StoredRun", "of_file"]


class Archive:
    """The data directory. Every call may raise GilscopeError, and then nothing else is lost.

    Its work is done in one thread: SQLite's connection is that thread's, and the event loop never waits. Long
    recordings are read through elsewhere, so that nobody else waits for them.
    """

    def __init__(self, home: Path, budget_bytes: int) -> None:
        self._home = home
        self._budget_bytes = budget_bytes
        self._thread = ThreadPoolExecutor(1, "archive")
        self._index: Index | None = None
        self._mine: set[str] = set()  # the runs that this process records
        self._ending: dict[str, asyncio.Task[None]] = {}  # those cut off that are being read through
        self.experiments = ExperimentShelf(home, self._do, self._open)

    async def close(self) -> None:
        """Give the files back, once all that was asked for is done; a further call opens them again."""
        await self._do(self._close)

    async def begin(self, run: Json) -> Recording:
        """Enter a run that begins, and open its recording."""
        return await self._do(self._begin, run)

    async def finish(self, recording: Recording, run: Json, header: Json | None, summary: Summary) -> None:
        """Enter how a run ended, close its recording, and drop what is over the budget."""
        await self._do(self._finish, recording, run, header, summary)

    async def abandon(self, recording: Recording, run_id: str) -> None:
        """A run that began came to nothing: forget it."""
        await self._do(self._abandon, recording, run_id)

    async def get(self, run_id: str) -> StoredRun:
        """A run that has ended; NotFound, or Conflict while another process records it."""
        await self._end_if_left(run_id)
        return await self._do(self._get, run_id)

    async def index(self, run: StoredRun, on_share: OnShare) -> None:
        """Make the timeline of a run anew, of a long one in a process of its own; GilscopeError."""
        with self._usable():
            if await asyncio.to_thread(os.path.getsize, run.path) <= _SHORT_BYTES:
                await asyncio.to_thread(rebuild_timeline, run.path, on_share)
            else:
                await rebuild_timeline_apart(run.path, on_share)
        await self._do(self._weigh, run.id)

    async def resolve(self, name: str, removed: bool = False) -> str:
        """The id that a person means: an id, the beginning of one, or `last`; NotFound, BadRequest."""
        return await self._do(self._resolve, name, removed)

    async def page(self, query: Query, limit: int, before: int | None = None) -> list[Entry]:
        """Up to `limit` runs that were numbered before `before`, newest first."""
        return await self._do(self._page, query, limit, before)

    async def count(self, query: Query) -> int:
        """How many runs there are."""
        return await self._do(lambda: self._open().count(query))

    async def change(
        self, run_id: str, name: str | None = None, tags: list[str] | None = None, pinned: bool | None = None
    ) -> Entry:
        """Give a run another name, other tags, or pin it so that the budget leaves it; NotFound."""
        return await self._do(self._change, run_id, name, tags, pinned)

    async def change_notes(self, run_id: str, change: Change) -> Notes:
        """Add, change or remove a note of a run: its notes then. NotFound, and what `change` raises."""
        return await self._do(self._change_notes, run_id, change)

    async def remove(self, run_id: str) -> None:
        """Take a run out of every list; it can be had back for UNDO_S. NotFound."""
        await self._end_if_left(run_id)
        await self._do(self._remove, run_id)

    async def restore(self, run_id: str) -> Entry:
        """Put a removed run back; NotFound."""
        return await self._do(self._restore, run_id)

    async def import_file(
        self,
        path: str,
        known: bool = False,
        on_share: OnShare = lambda share: None,
        run_id: str | None = None,
    ) -> StoredRun:
        """Take in a recording that somebody wrote elsewhere; NotReadable where it is none.

        One that is there already gets the notes that it lacks; where it lacks none it is refused with
        BadRequest, or with `known` given as it is. One that was removed is put back. `on_share` is told what
        share was read so far; `run_id` is for one that names none. Where it would have too many notes it is
        refused with Conflict, or with `known` given without those of the recording.
        """
        own_id = id_of(await asyncio.to_thread(hello_of, path))
        there = await self._do(self._known, own_id)
        if there is None:
            rebuilt = await self._read_through(path, own_id or run_id, on_share)
            there = await self._do(self._take_in, rebuilt, known)
        else:
            with self._usable():
                written = await asyncio.to_thread(notes_of, path, on_share)
            await self._do(self._join, there, written, known)
        return await self.get(there)

    async def recover(self) -> list[str]:
        """End the runs whose recorders were killed; their ids."""
        ended = []
        for run_id in await self._do(lambda: self._open().open_runs()):
            with contextlib.suppress(NotFound):  # its recording is gone, and its row now too
                ended += [run_id] if await self._end_if_left(run_id) else []
        await self._do(self._sweep)
        await self._do(self._clear_away)
        return ended

    async def used_bytes(self) -> int:
        """What all recordings and experiments take."""
        return await self._do(lambda: self._open().total_bytes() + self._open().experiments.total_bytes())

    @property
    def budget_bytes(self) -> int:
        """What they may take together; the oldest that are not pinned make room."""
        return self._budget_bytes

    async def _end_if_left(self, run_id: str) -> bool:
        """End a run that nobody records any more; False where it has ended, or somebody does."""
        if not await self._do(self._is_left, run_id):
            return False
        ending = self._ending.get(run_id)
        if ending is None:
            ending = self._ending[run_id] = asyncio.create_task(self._end(run_id))
            ending.add_done_callback(lambda _: self._ending.pop(run_id))
        await asyncio.shield(ending)
        return True

    async def _end(self, run_id: str) -> None:
        try:
            rebuilt = await self._read_through(str(self._path(run_id)), run_id)
        except NotReadable as error:
            await self._do(self._end_unread, run_id, error)
        else:
            await self._do(self._place, rebuilt)

    async def _read_through(
        self, path: str, run_id: str | None, on_share: OnShare = lambda share: None
    ) -> Rebuilt:
        await self._do(self._open)  # a server's first act may be an import: its folder is not there yet
        folder = self._home / "recordings"
        with self._usable():
            if await asyncio.to_thread(os.path.getsize, path) <= _SHORT_BYTES:
                return await asyncio.to_thread(rebuild, path, run_id, folder, on_share)
            return await rebuild_apart(path, run_id, folder, on_share)

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        """Turns the system's errors into one that says what to do."""
        try:
            yield
        except OSError as error:
            raise ArchiveFailed(
                f"The data directory {self._home} cannot be used: {error.strerror}",
                "See whether it is there and can be written, or name another one in GILSCOPE_DATA_DIR.",
            ) from error

    # ---- in the archive's thread

    async def _do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        with self._usable():
            return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def _open(self) -> Index:
        """Opened when it is first needed, so that an archive that cannot be used spoils nothing else."""
        if self._index is None:
            try:
                self._home.mkdir(
                    mode=0o700, parents=True, exist_ok=True
                )  # what was run is nobody else's business
                (self._home / "recordings").mkdir(exist_ok=True)
            except OSError as error:
                raise ArchiveFailed(
                    f"The data directory {self._home} cannot be made: {error.strerror}",
                    "Name another one in GILSCOPE_DATA_DIR.",
                ) from error
            self._index = Index(str(self._home / "index.db"))
        return self._index

    def _close(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def _path(self, run_id: str) -> Path:
        return self._home / "recordings" / f"{run_id}.jsonl.gz"

    def _unlink(self, run_id: str) -> None:
        path = self._path(run_id)
        path.unlink(missing_ok=True)
        Path(beside(path)).unlink(missing_ok=True)

    def _begin(self, run: Json) -> Recording:
        index = self._open()
        try:
            recording = Recording(self._path(run["id"]))
        except BadRequest as error:
            raise ArchiveFailed(error.detail, "Name another folder in GILSCOPE_DATA_DIR.") from error
        try:
            lock(recording.fileno())
            index.begin(run)
        except (GilscopeError, OSError):
            with contextlib.suppress(GilscopeError):
                recording.close()
            self._unlink(run["id"])
            raise
        self._mine.add(run["id"])
        return recording

    def _finish(self, recording: Recording, run: Json, header: Json | None, summary: Summary) -> None:
        try:
            recording.close()
        finally:
            self._enter(run, header, summary, recording.members)
            self._mine.discard(run["id"])
        self._sweep()

    def _abandon(self, recording: Recording, run_id: str) -> None:
        with contextlib.suppress(GilscopeError):  # what could not be written is not wanted either
            recording.close()
        self._mine.discard(run_id)
        self._unlink(run_id)
        self._open().forget(run_id)

    def _enter(self, run: Json, header: Json | None, summary: Summary, members: list[Member]) -> None:
        self._open().finish(run["id"], Final(run, header, summary, self._size(run["id"]), members))

    def _weigh(self, run_id: str) -> None:
        """Enter what a run's files take now, and drop what is over the budget."""
        with contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
            self._open().weigh(run_id, self._size(run_id))
        self._sweep()

    def _size(self, run_id: str) -> int:
        path = self._path(run_id)
        size = path.stat().st_size
        with contextlib.suppress(FileNotFoundError):  # it is made when it is first asked for
            size += os.stat(beside(path)).st_size
        return size

    def _get(self, run_id: str) -> StoredRun:
        entry = self._ended(run_id)
        told = self._open().told(run_id)
        if told is None:
            raise ArchiveFailed(f"The run {run_id} has no result in the index", "Import its recording again.")
        members = [Member(*member) for member in told.members]
        return StoredRun(entry, told.header, told.summary, members, str(self._path(run_id)))

    def _page(self, query: Query, limit: int, before: int | None) -> list[Entry]:
        entries = self._open().page(query, limit, before)
        return [
            self._as_left(entry) if entry.open and entry.id not in self._mine else entry for entry in entries
        ]

    def _as_left(self, entry: Entry) -> Entry:
        """A run that nobody records any more has ended, though it is not read through before it is opened."""
        if self._is_recorded(entry.id):
            return replace(entry, run={**entry.run, "state": "running"})
        error = Interrupted("What recorded this run was killed", "Open it: all that was recorded is there.")
        return replace(entry, run={**entry.run, "state": "failed", "error": error.to_json()})

    def _is_recorded(self, run_id: str) -> bool:
        """Whether another process records it now."""
        try:
            return is_locked(self._path(run_id))
        except FileNotFoundError:
            return False

    def _entry(self, run_id: str, removed: bool = False) -> Entry:
        """The row of a run that is there; with `removed`, of one that may have been removed."""
        entry = self._open().entry(run_id)
        if entry is None or (entry.removed and not removed):
            raise NotFound(
                f"There is no run {run_id!r}", "`gilscope runs` and the page History list those there are."
            )
        return entry

    def _resolve(self, name: str, removed: bool) -> str:
        found = self._open().called(None if name == "last" else name, removed)
        if not found:
            raise NotFound(f"No run is called {name!r}", "`gilscope runs` lists those there are.")
        if len(found) > 1 and name != "last":
            raise BadRequest(
                f"{name!r} is the beginning of several runs: {', '.join(found)}", "Give more of the id."
            )
        return found[0]

    def _ended(self, run_id: str) -> Entry:
        """The row of a run that nobody records; Conflict where somebody does."""
        entry = self._entry(run_id)
        if not entry.open:
            return entry
        raise Conflict("That run is still being recorded", "Stop it, or wait until it has ended.")

    def _change(self, run_id: str, name: str | None, tags: list[str] | None, pinned: bool | None) -> Entry:
        self._entry(run_id)
        self._open().change(run_id, name, tags, pinned)
        return self._entry(run_id)

    def _change_notes(self, run_id: str, change: Change) -> Notes:
        self._entry(run_id)
        notes = self._open().change_notes(run_id, change)
        return self._entry(run_id).notes if notes is None else notes

    def _remove(self, run_id: str) -> None:
        self._ended(run_id)
        self._open().remove(run_id, time.time())

    def _restore(self, run_id: str) -> Entry:
        self._entry(run_id, removed=True)
        self._open().remove(run_id, None)
        return self._entry(run_id)

    def _clear_away(self) -> None:
        """Delete what was half written where reading through was killed. One that goes on holds a
        lock, or writes."""
        for path in (self._home / "recordings").glob(f"{UNFINISHED}*.jsonl.gz"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _ABANDONED_S and not is_locked(path):
                    path.unlink()
                    Path(beside(path)).unlink(missing_ok=True)
        for path in (self._home / "recordings").glob("*.timeline.*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _ABANDONED_S:
                    path.unlink()

    def _is_left(self, run_id: str) -> bool:
        """Whether a run has not ended though nobody records it any more; NotFound where its file is gone."""
        entry = self._open().entry(run_id)
        if entry is None or not entry.open or run_id in self._mine or self._is_recorded(run_id):
            return False
        if not self._path(run_id).exists():
            self._open().forget(run_id)
            raise NotFound(
                f"The recording of run {run_id!r} is gone", "It was deleted from the data directory."
            )
        return True

    def _end_unread(self, run_id: str, why: NotReadable) -> None:
        """End a run of which nothing can be read, such as one that was killed before its first message."""
        failure = Interrupted("What recorded this run was killed", f"Nothing of it is left: {why.detail}.")
        entry = self._entry(run_id, removed=True)
        run = {**entry.run, "state": "failed", "duration_s": 0.0, "error": failure.to_json()}
        self._enter(run, None, summarise(Ledger(), run), [])

    def _known(self, run_id: str | None) -> str | None:
        """The id of a run that is there already, or was removed; None where it is not."""
        entry = None if run_id is None else self._open().entry(run_id)
        return None if entry is None else entry.id

    def _join(self, run_id: str, written: Notes, known: bool) -> None:
        """A copy of a run that is there already, and has these notes; see `import_file`."""
        entry = self._entry(run_id, removed=True)
        notes: Notes | None = entry.notes
        try:
            # One that goes on is no copy's, and whoever opens it is told so.
            notes = notes if entry.open else self._open().change_notes(run_id, joined(written))
        except Conflict:
            if not known:
                raise
            # Whoever only wants to see it finds it as it is.
        if entry.removed:
            self._restore(run_id)
        elif notes == entry.notes and not known:
            raise BadRequest(f"The run {run_id} is in the archive already", field="file")

    def _take_in(self, rebuilt: Rebuilt, known: bool) -> str:
        """Enter a run that was read through; its id."""
        try:
            # Somebody else may have taken it in meanwhile.
            if there := self._known(rebuilt.run["id"]):
                rebuilt.discard()
                self._join(there, rebuilt.notes, known)
                return there
            self._open().begin(rebuilt.run)
        except GilscopeError:
            rebuilt.discard()
            raise
        self._place(rebuilt)
        if rebuilt.notes:
            self._open().change_notes(rebuilt.run["id"], lambda _: rebuilt.notes)
        return str(rebuilt.run["id"])

    def _place(self, rebuilt: Rebuilt) -> None:
        """Put what was read through where a run's files are, and enter how it ended."""
        kept = self._path(rebuilt.run["id"])
        os.replace(rebuilt.path, kept)
        os.replace(beside(rebuilt.path), beside(kept))
        self._enter(rebuilt.run, rebuilt.header, rebuilt.summary, rebuilt.members)

    def _sweep(self) -> None:
        index, forgotten = self._open(), time.time() - UNDO_S
        self.experiments.sweep(forgotten, self._budget_bytes // _OF_EXPERIMENTS)
        left_bytes = self._budget_bytes - index.experiments.total_bytes()
        for run_id in (*index.removed_before(forgotten), *index.over(left_bytes)):
            self._unlink(run_id)
            index.forget(run_id)


def of_file(path: str, folder: Path) -> StoredRun:
    """The run that a recording is of, read through into `folder`, which has to last as long; NotReadable."""
    rebuilt = rebuild(path, None, folder)
    size = os.path.getsize(path)
    entry = Entry(0, rebuilt.run["id"], rebuilt.run, [], [], rebuilt.notes, False, False, size, False)
    return StoredRun(
        entry, lambda: rebuilt.header, lambda: rebuilt.summary, rebuilt.members, str(rebuilt.path)
    )
