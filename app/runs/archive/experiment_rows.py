"""The experiments in the index of the archive: one row each, with what a list needs, and the result."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

# Made in an index that has it not yet, whichever version made that: older ones leave it alone.
TABLE = """CREATE TABLE IF NOT EXISTS experiments (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  experiment TEXT NOT NULL,
  removed_at REAL,
  bytes INTEGER NOT NULL DEFAULT 0,
  open INTEGER NOT NULL DEFAULT 1,
  result BLOB
)"""
_NEWER: dict[str, None] = {"forecast": None}  # fields that rows of earlier versions have not
_LISTED = "number, id, experiment, removed_at, open"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """A row, as lists show it: `experiment` is as app/lab/experiments.py says."""

    number: int
    id: str
    experiment: Json
    removed: bool
    open: bool  # some process carries it out, or did when it was killed


class ExperimentRows:
    """The table. `told` turns SQLite's errors into ArchiveFailed."""

    def __init__(self, db: sqlite3.Connection, told: Callable[[], AbstractContextManager[None]]) -> None:
        self._db, self._told = db, told

    def begin(self, experiment: Json) -> None:
        """One has begun, and is open until `finish`."""
        with self._told():
            self._db.execute(
                "INSERT INTO experiments (id, experiment) VALUES (?, ?)",
                (experiment["id"], json.dumps(experiment)),
            )

    def finish(self, experiment: Json, result: Json, size: int) -> None:
        """It has ended, or what is left of it was found; `size` is its journal's, in bytes."""
        packed = zlib.compress(json.dumps(result).encode())
        with self._told():
            self._db.execute(
                "UPDATE experiments SET experiment = ?, result = ?, bytes = ?, open = 0 WHERE id = ?",
                (json.dumps(experiment), packed, size + len(packed), experiment["id"]),
            )

    def row(self, experiment_id: str) -> ExperimentRow | None:
        """The row of one; None where there is none."""
        with self._told():
            found = self._db.execute(
                f"SELECT {_LISTED} FROM experiments WHERE id = ?", (experiment_id,)
            ).fetchone()
        return _row(found) if found else None

    def result(self, experiment_id: str) -> Json | None:
        """The result of one that has ended."""
        with self._told():
            found = self._db.execute(
                "SELECT result FROM experiments WHERE id = ?", (experiment_id,)
            ).fetchone()
        if not found or found[0] is None:
            return None
        result: Json = {**_NEWER, **json.loads(zlib.decompress(found[0]))}
        return result

    def page(self, limit: int, before: int | None) -> list[ExperimentRow]:
        """Up to `limit` rows, newest first, of those with a lower number than `before`."""
        where, values = ("AND number < ?", [before]) if before is not None else ("", [])
        with self._told():
            rows = self._db.execute(
                f"SELECT {_LISTED} FROM experiments WHERE removed_at IS NULL {where}"
                " ORDER BY number DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [_row(row) for row in rows]

    def proofs(self) -> list[Json]:
        """What a list shows of those that have ended and were to prove a forecast, newest first."""
        with self._told():
            rows = self._db.execute(
                "SELECT experiment FROM experiments WHERE removed_at IS NULL AND NOT open"
                " AND json_extract(experiment, '$.forecast') IS NOT NULL ORDER BY number DESC"
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def remove(self, experiment_id: str, at: float | None) -> None:
        """Mark one as removed at that time, or with None as there again."""
        with self._told():
            self._db.execute("UPDATE experiments SET removed_at = ? WHERE id = ?", (at, experiment_id))

    def removed_before(self, at: float) -> list[str]:
        """Those that were removed before that time."""
        with self._told():
            rows = self._db.execute("SELECT id FROM experiments WHERE removed_at < ?", (at,)).fetchall()
        return [row[0] for row in rows]

    def forget(self, experiment_id: str) -> None:
        """Drop the row of one."""
        with self._told():
            self._db.execute("DELETE FROM experiments WHERE id = ?", (experiment_id,))

    def oldest(self, excess: int) -> list[str]:
        """Those to drop so that so many bytes are free: the oldest first, none that goes on."""
        with self._told():
            rows = self._db.execute("SELECT id, bytes FROM experiments WHERE NOT open ORDER BY number")
            ids = []
            while excess > 0 and (row := rows.fetchone()):
                ids.append(row[0])
                excess -= row[1]
        return ids

    def total_bytes(self) -> int:
        """What all of them take."""
        with self._told():
            return int(self._db.execute("SELECT coalesce(sum(bytes), 0) FROM experiments").fetchone()[0])


def _row(row: Sequence[Any]) -> ExperimentRow:
    number, experiment_id, experiment, removed_at, is_open = row
    shown = {**_NEWER, **json.loads(experiment)}
    return ExperimentRow(number, experiment_id, shown, removed_at is not None, bool(is_open))
