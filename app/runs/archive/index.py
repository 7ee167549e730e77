"""The index of the archive: one row a run in SQLite, with what a list, a search and a reopened page need.

Several processes write it: a server, and each `gilscope run` beside it. Every call is one short transaction;
one that finds the file locked waits for BUSY_S. All calls of one Index come from one thread.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from app.model.errors import ArchiveFailed
from app.model.summary import Summary
from app.runs.archive import experiment_rows
from app.runs.notes import Change, Notes

APPLICATION_ID = 0x47494C53  # "GILS", so that another program's file is known as such
VERSION = 1
BUSY_S = 5.0
_RETRY_S = 0.01

Json = dict[str, Any]

_SCHEMA = (
    """CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  started_at REAL NOT NULL,
  duration_s REAL,
  run TEXT NOT NULL,
  findings TEXT NOT NULL DEFAULT '[]',
  tags TEXT NOT NULL DEFAULT '[]',
  notes TEXT NOT NULL DEFAULT '[]',
  pinned INTEGER NOT NULL DEFAULT 0,
  removed_at REAL,
  bytes INTEGER NOT NULL DEFAULT 0,
  members TEXT NOT NULL DEFAULT '[]',
  open INTEGER NOT NULL DEFAULT 1,
  header BLOB,
  summary BLOB
)""",
    "CREATE INDEX runs_that_go_first ON runs (pinned, number)",
)
_TEXT = (
    "(name LIKE ? ESCAPE '\\' OR json_extract(run, '$.command') LIKE ? ESCAPE '\\'"
    " OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value LIKE ? ESCAPE '\\')"
    " OR EXISTS (SELECT 1 FROM json_each(notes) WHERE json_extract(value, '$.text') LIKE ? ESCAPE '\\'))"
)
# The state of a run that goes on is not followed here: the row says how it began.
_STATE = "CASE WHEN open THEN 'running' ELSE state END = ?"
_LISTED = "number, id, run, name, findings, tags, notes, pinned, removed_at, bytes, open"
_NOTES = "ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT '[]'"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, as lists show it. `run` is the run's own JSON; its name is the one given last."""

    number: int
    id: str
    run: Json
    findings: list[Json]  # code, severity and title of each; one recorded long ago may lack the title
    tags: list[str]
    notes: Notes
    pinned: bool
    removed: bool
    bytes: int
    open: bool  # some process records it, or did when it was killed

    def to_json(self) -> Json:
        """The run as a list shows it."""
        kept = {"tags": self.tags, "notes": self.notes, "pinned": self.pinned, "bytes": self.bytes}
        return {**self.run, "findings": self.findings, **kept, "unrecorded": None}


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is to show. Empty means all."""

    text: str = ""  # in the name, the command, a tag or a note
    kind: str = ""
    state: str = ""
    finding: str = ""
    tag: str = ""
    since: float | None = None  # started at or after, in seconds since the epoch
    until: float | None = None
    pinned: bool = False
    removed: bool = False


@dataclass(slots=True)
class Final:
    """What is known once a run has ended."""

    run: Json
    header: Json | None
    summary: Summary
    bytes: int
    members: Sequence[Sequence[int]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Told:
    """The same, as it is stored: most who open a run need one of it, and to read both takes milliseconds."""

    packed_header: bytes | None
    packed_summary: bytes
    members: list[list[int]]

    def header(self) -> Json | None:
        """What a stream began with."""
        return None if self.packed_header is None else _unpacked(self.packed_header)

    def summary(self) -> Summary:
        """As the version that wrote it knew it."""
        return cast(Summary, _unpacked(self.packed_summary))


class Index:
    """The database. ArchiveFailed where it cannot be used: what happened, and what to do."""

    def __init__(self, path: str) -> None:
        self._path = path
        with self._told():
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            try:
                self._prepare()
                if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
                    self._db.execute(experiment_rows.TABLE)
            except BaseException:
                self._db.close()
                raise
        self.experiments = experiment_rows.ExperimentRows(self._db, self._told)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def begin(self, run: Json) -> None:
        """A run has begun, and is open until `finish`."""
        with self._told():
            self._db.execute(
                "INSERT INTO runs (id, kind, name, state, started_at, run) VALUES (?, ?, ?, ?, ?, ?)",
                (run["id"], run["kind"], _sound(run["name"]), run["state"], run["started_at"], _text(run)),
            )

    def finish(self, run_id: str, final: Final) -> None:
        """The run has ended, or what is left of it was found."""
        run, summary = final.run, final.summary
        findings = [
            {"code": found["code"], "severity": found["severity"], "title": found["title"]}
            for found in summary["findings"]
        ]
        with self._told():
            self._db.execute(
                "UPDATE runs SET state = ?, started_at = ?, duration_s = ?, run = ?, findings = ?, bytes = ?,"
                " members = ?, header = ?, summary = ?, open = 0 WHERE id = ?",
                (
                    *(run["state"], run["started_at"], run["duration_s"], _text(run), _text(findings)),
                    *(final.bytes, _text(final.members)),
                    *(_packed(final.header), _packed({**summary}), run_id),
                ),
            )

    def entry(self, run_id: str) -> Entry | None:
        """The row of a run; None where there is none."""
        with self._told():
            row = self._db.execute(f"SELECT {_LISTED} FROM runs WHERE id = ?", (run_id,)).fetchone()
        return _entry(row) if row else None

    def told(self, run_id: str) -> Told | None:
        """What is known of a run that has ended; None of one that has not."""
        with self._told():
            row = self._db.execute(
                "SELECT header, summary, members FROM runs WHERE id = ?", (run_id,)
            ).fetchone()
        return Told(row[0], row[1], json.loads(row[2])) if row and row[1] is not None else None

    def called(self, beginning: str | None, removed: bool) -> list[str]:
        """The ids that begin so, newest first, up to three; None: the newest of all."""
        where = ["removed_at IS NOT NULL" if removed else "removed_at IS NULL"]
        if beginning is not None:
            where.append("substr(id, 1, length(?)) = ?")
        values = () if beginning is None else (beginning, beginning)
        with self._told():
            rows = self._db.execute(
                f"SELECT id FROM runs WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT 3", values
            ).fetchall()
        return [row[0] for row in rows]

    def page(self, query: Query, limit: int, before: int | None) -> list[Entry]:
        """Up to `limit` rows, newest first, of those with a lower number than `before`."""
        where, values = _where(query)
        if before is not None:
            where.append("number < ?")
            values.append(before)
        with self._told():
            rows = self._db.execute(
                f"SELECT {_LISTED} FROM runs WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [_entry(row) for row in rows]

    def count(self, query: Query) -> int:
        """How many there are."""
        where, values = _where(query)
        with self._told():
            row = self._db.execute(
                f"SELECT count(*) FROM runs WHERE {' AND '.join(where)}", values
            ).fetchone()
        return int(row[0])

    def change(
        self,
        run_id: str,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        pinned: bool | None = None,
    ) -> None:
        """Give a run another name, other tags, or pin it; None leaves what is there."""
        with self._told():
            self._db.execute(
                "UPDATE runs SET name = coalesce(?, name), tags = coalesce(?, tags),"
                " pinned = coalesce(?, pinned) WHERE id = ?",
                (name and _sound(name), None if tags is None else _text(tags), pinned, run_id),
            )

    def change_notes(self, run_id: str, change: Change) -> Notes | None:
        """The notes of a run as they are then, None where there is no run; raises what `change` raises."""
        with self._told(), self._writing():
            row = self._db.execute("SELECT notes FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                return None
            notes = change(json.loads(row[0]))
            self._db.execute("UPDATE runs SET notes = ? WHERE id = ?", (_text(notes), run_id))
            return notes

    def weigh(self, run_id: str, size: int) -> None:
        """Enter how many bytes the files of a run take."""
        with self._told():
            self._db.execute("UPDATE runs SET bytes = ? WHERE id = ?", (size, run_id))

    def remove(self, run_id: str, at: float | None) -> None:
        """Mark a run as removed at that time, or with None as there again."""
        with self._told():
            self._db.execute("UPDATE runs SET removed_at = ? WHERE id = ?", (at, run_id))

    def removed_before(self, at: float) -> list[str]:
        """The runs that were removed before that time."""
        with self._told():
            rows = self._db.execute("SELECT id FROM runs WHERE removed_at < ?", (at,)).fetchall()
        return [row[0] for row in rows]

    def forget(self, run_id: str) -> None:
        """Drop the row of a run."""
        with self._told():
            self._db.execute("DELETE FROM runs WHERE id = ?", (run_id,))

    def open_runs(self) -> list[str]:
        """The runs that some process records, or did when it was killed."""
        with self._told():
            return [row[0] for row in self._db.execute("SELECT id FROM runs WHERE open").fetchall()]

    def over(self, budget_bytes: int) -> list[str]:
        """The runs to drop so that all fit the budget: the oldest first, none that is pinned."""
        with self._told():
            excess = (
                int(self._db.execute("SELECT coalesce(sum(bytes), 0) FROM runs").fetchone()[0]) - budget_bytes
            )
            rows = self._db.execute(
                "SELECT id, bytes FROM runs WHERE NOT pinned AND NOT open ORDER BY number"
            )
            ids = []
            while excess > 0 and (row := rows.fetchone()):
                ids.append(row[0])
                excess -= row[1]
        return ids

    def total_bytes(self) -> int:
        """What all recordings take."""
        with self._told():
            return int(self._db.execute("SELECT coalesce(sum(bytes), 0) FROM runs").fetchone()[0])

    def _prepare(self) -> None:
        """Make the tables of a new file; refuse one of another program or of a newer version."""
        db = self._db
        db.execute("PRAGMA synchronous = NORMAL")
        if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._use_wal()
            self._create()
        # Asked after that: another process may have made the tables, and these with them, at this moment.
        known = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if known != APPLICATION_ID:
            raise self._unusable("it is a database of another program")
        if version > VERSION:
            raise self._unusable(f"a newer GILScope made it: version {version}, and this one knows {VERSION}")
        if not self._has_notes():
            with self._writing():
                if not self._has_notes():
                    db.execute(_NOTES)

    def _has_notes(self) -> bool:
        """Whether the file can hold notes, which those of before they were kept cannot."""
        columns = self._db.execute("SELECT name FROM pragma_table_info('runs')").fetchall()
        return ("notes",) in columns

    def _use_wal(self) -> None:
        """Let readers and a writer go on beside each other.

        SQLite does not wait for another process that does the same at this moment, so it is tried again.
        """
        deadline_s = time.monotonic() + BUSY_S
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                    raise
            time.sleep(_RETRY_S)

    def _create(self) -> None:
        """Make the tables, unless another process has done so in the meantime."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in _SCHEMA:
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                db.execute(f"PRAGMA user_version = {VERSION}")
        finally:
            db.execute("COMMIT")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What is read and then written, before any other process writes."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _unusable(self, why: str) -> ArchiveFailed:
        return ArchiveFailed(
            f"The index of recorded runs, {self._path}, cannot be used: {why}",
            "If its disk is full, make room; else move it away, or name another folder in GILSCOPE_DATA_DIR. "
            "Its recordings can be imported.",
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns SQLite's errors into one that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(str(error)) from error


def _where(query: Query) -> tuple[list[str], list[Any]]:
    """Conditions of SQL, and their values."""
    where = ["removed_at IS NOT NULL" if query.removed else "removed_at IS NULL"]
    values: list[Any] = []
    for condition, value in (
        (_TEXT, query.text and _like(query.text)),
        ("kind = ?", query.kind),
        (_STATE, query.state),
        ("EXISTS (SELECT 1 FROM json_each(findings) WHERE json_extract(value, '$.code') = ?)", query.finding),
        ("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", query.tag),
        ("started_at >= ?", query.since),
        ("started_at <= ?", query.until),
    ):  # fmt: skip
        if value not in ("", None):
            where.append(condition)
            values += [value] * condition.count("?")
    if query.pinned:
        where.append("pinned")
    return where, values


def _like(text: str) -> str:
    """The pattern of LIKE that finds a text anywhere."""
    for sign in "\\%_":
        text = text.replace(sign, "\\" + sign)
    return f"%{text}%"


def _entry(row: Sequence[Any]) -> Entry:
    number, run_id, run, name, findings, tags, notes, pinned, removed_at, size, is_open = row
    return Entry(
        number=number,
        id=run_id,
        run={**json.loads(run), "name": name},
        findings=json.loads(findings),
        tags=json.loads(tags),
        notes=json.loads(notes),
        pinned=bool(pinned),
        removed=removed_at is not None,
        bytes=size,
        open=bool(is_open),
    )


def _text(value: Any) -> str:
    """As JSON; escaped, since SQLite takes no lone surrogates, and a command line may hold some."""
    return json.dumps(value, separators=(",", ":"))


def _sound(text: str) -> str:
    """Without lone surrogates, which SQLite does not take."""
    return text.encode("utf-8", "replace").decode()


def _packed(value: Json | None) -> bytes | None:
    return None if value is None else zlib.compress(_text(value).encode(), 3)


def _unpacked(data: bytes) -> Json:
    value: Json = json.loads(zlib.decompress(data))
    return value
