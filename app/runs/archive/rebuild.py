"""A recording read through: what its run was, and its result.

For a recording from elsewhere, and for one whose recorder was killed: the latter has no end, so one is added
that says where it was cut.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.analysis.header import header_of
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.errors import ArchiveFailed, GilscopeError, Interrupted, NotReadable
from app.model.frames import End, Hello, Message, decode, encode
from app.model.summary import Summary
from app.runs import notes
from app.runs.locks import lock
from app.runs.recording import Member, Recording, read
from app.runs.run_json import run_json
from app.runs.timeline import TimelineWriter, beside, build

Json = dict[str, Any]
OnShare = Callable[[float], object]  # told which share of the file was read, from 0 to 1

UNFINISHED = "."  # so begins the name of what is being written: the ids of runs do not

# What comes of a message whose fields or rows are not what they are to be.
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, AssertionError)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The run, and a whole recording of it at `path` with its timeline beside it: the caller's.

    `notes` are those that stood in it: they are no part of the new one.
    """

    path: Path
    run: Json
    header: Json
    summary: Summary
    members: list[Member]
    notes: notes.Notes

    def discard(self) -> None:
        """Delete it, and its timeline."""
        self.path.unlink(missing_ok=True)
        Path(beside(self.path)).unlink(missing_ok=True)

    def to_json(self) -> Json:
        """As one process tells it another."""
        told = {"run": self.run, "header": self.header, "summary": self.summary, "members": self.members}
        return {"path": str(self.path), "notes": self.notes, **told}

    @classmethod
    def of_json(cls, body: Json) -> Rebuilt:
        """The same, heard."""
        members = [Member(*member) for member in body["members"]]
        path, told = Path(body["path"]), (body["run"], body["header"], body["summary"])
        return cls(path, *told, members, body["notes"])


def hello_of(source: str) -> Hello:
    """How a recording begins: whose it is; NotReadable where it is no recording of GILScope."""
    line = next(read(source), None)
    if line is None:
        raise _no_recording(source, "it is empty", "Name a file written with -o.")
    hello = _told(source, 0, line)
    assert isinstance(hello, Hello)
    return hello


def id_of(hello: Hello) -> str | None:
    """The id that a run says it has, where it can be part of an address and of a file's name."""
    run_id = hello.run.get("id")
    usable = isinstance(run_id, str) and run_id.isalnum() and run_id.isascii() and len(run_id) <= 40
    return run_id if usable else None


def notes_of(source: str, on_share: OnShare = lambda share: None) -> notes.Notes:
    """The notes that stand in a recording, which are its last line; NotReadable where that is damaged."""
    size = max(1, os.path.getsize(source))
    for number, line in enumerate(read(source, on_read=lambda read_bytes: on_share(read_bytes / size))):
        written = _notes_in(source, number, line)
        if written is not None:
            return written
    return []


def rebuild(source: str, run_id: str | None, folder: Path, on_share: OnShare = lambda share: None) -> Rebuilt:
    """Read `source` and write it anew into `folder`; NotReadable where it is no recording of GILScope.

    `run_id` names a run that has an id; else the recording's own is taken. While it is written the new file
    is locked.
    """
    hello = hello_of(source)
    path = folder / f"{UNFINISHED}{secrets.token_hex(8)}.jsonl.gz"
    ledger = Ledger()
    recording = Recording(path)
    lock(recording.fileno())
    timeline = TimelineWriter(beside(path))
    try:
        written = _copy(source, ledger, recording, timeline, on_share)
        if ledger.end is None:
            _cut(ledger, recording)
        recording.close()
        timeline.close()
    except BaseException:
        with contextlib.suppress(GilscopeError):
            recording.close()
        timeline.close()
        path.unlink(missing_ok=True)
        Path(beside(path)).unlink(missing_ok=True)
        raise
    run = run_json(hello.run, ledger)
    run["id"] = run_id or id_of(hello) or secrets.token_hex(5)
    return Rebuilt(path, run, header_of(ledger), summarise(ledger, run), recording.members, written)


def rebuild_timeline(source: str, on_share: OnShare = lambda share: None) -> None:
    """Make the timeline beside a recording of the archive anew; NotReadable, ArchiveFailed on a full disk."""
    size = max(1, os.path.getsize(source))
    try:
        build(read(source, on_read=lambda read_bytes: on_share(read_bytes / size)), beside(source))
    except OSError as error:
        raise ArchiveFailed(
            f"The timeline of {source} cannot be written: {error.strerror}",
            "Free some space, or delete runs that are not needed.",
        ) from error
    except _DAMAGED as error:
        raise _no_recording(os.path.basename(source), str(error), "Import the recording again.") from None


def _copy(
    source: str, ledger: Ledger, recording: Recording, timeline: TimelineWriter, on_share: OnShare
) -> notes.Notes:
    """Its messages; given are its notes, which are the last line of those that have any."""
    size = max(1, os.path.getsize(source))
    for number, line in enumerate(read(source, on_read=lambda read_bytes: on_share(read_bytes / size))):
        written = _notes_in(source, number, line)
        if written is not None:
            return written
        message = _told(source, number, line)
        recording.write(line, ledger.at_us)
        try:
            ledger.feed(message)
            timeline.feed(message, line, number)
        except _DAMAGED as error:
            raise _damaged(source, number, error) from None
    return []


def _notes_in(source: str, number: int, line: str) -> notes.Notes | None:
    try:
        return notes.of_line(line)
    except _DAMAGED as error:
        raise _damaged(source, number, error) from None


def _told(source: str, number: int, line: str) -> Message:
    try:
        message = decode(line)
        if (number == 0) != isinstance(message, Hello):
            raise ValueError("its first message, and no other, has to be a hello")
        if isinstance(message, Hello) and not _names_a_run(message):
            raise ValueError("its hello names no run")
    except _DAMAGED as error:
        raise _damaged(source, number, error) from None
    return message


def _damaged(source: str, number: int, error: Exception) -> NotReadable:
    what = str(error) or type(error).__name__
    remedy = "Name a file that `gilscope record -o FILE` wrote."
    return _no_recording(os.path.basename(source), f"message {number}: {what}", remedy)


def _no_recording(source: str, why: str, remedy: str) -> NotReadable:
    return NotReadable(f"{source} is no recording of GILScope: {why}", remedy)


def _names_a_run(hello: Hello) -> bool:
    """Whether it says of the run what the index has to know."""
    texts = (hello.run.get("kind"), hello.run.get("name"))
    return all(isinstance(text, str) for text in texts) and isinstance(hello.started_at, int | float)


def _cut(ledger: Ledger, recording: Recording) -> None:
    """End a run where its recording ends."""
    failure = Interrupted(
        f"What recorded this run was killed; the recording ends {ledger.at_us / 1e6:.1f} s after the start",
        "All that was recorded until then is here.",
    )
    end = End(ledger.at_us, "failed", failure.to_json())
    recording.write(encode(end, recording.messages), ledger.at_us)
    ledger.feed(end)
