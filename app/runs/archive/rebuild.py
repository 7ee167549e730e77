"""A recording read through: what its run was, and its result.

For a recording from elsewhere, and for one whose recorder was killed: the latter has no end, so one is added
that says where it was cut.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.analysis.header import header_of
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.errors import GilscopeError, Interrupted, NotReadable
from app.model.frames import End, Hello, decode, encode
from app.model.summary import Summary
from app.runs.recording import Member, Recording, read
from app.runs.run_json import run_json
from app.runs.timeline import TimelineWriter, beside

Json = dict[str, Any]

UNFINISHED = "."  # so begins the name of what is being written: the ids of runs do not

# What comes of a message whose fields or rows are not what they are to be.
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, AssertionError)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The run, and a whole recording of it at `path` with its timeline beside it: the caller's."""

    path: Path
    run: Json
    header: Json
    summary: Summary
    members: list[Member]

    def discard(self) -> None:
        """Delete it, and its timeline."""
        self.path.unlink(missing_ok=True)
        Path(beside(self.path)).unlink(missing_ok=True)


def rebuild(source: str, run_id: str | None, folder: Path) -> Rebuilt:
    """Read `source` and write it anew into `folder`; NotReadable where it is no recording of GILScope.

    `run_id` names a run that has an id; else the recording's own is taken.
    """
    path = folder / f"{UNFINISHED}{secrets.token_hex(8)}.jsonl.gz"
    ledger = Ledger()
    recording = Recording(path)
    timeline = TimelineWriter(beside(path))
    try:
        _copy(source, ledger, recording, timeline)
        if ledger.hello is None:
            raise NotReadable(
                f"{source} is no recording of GILScope: it is empty", "Name a file written with -o."
            )
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
    assert ledger.end is not None
    run = run_json(ledger.hello.run, ledger)
    run["id"] = run_id or _usable(run.get("id")) or secrets.token_hex(5)
    return Rebuilt(path, run, header_of(ledger), summarise(ledger, run), recording.members)


def _copy(source: str, ledger: Ledger, recording: Recording, timeline: TimelineWriter) -> None:
    for number, line in enumerate(read(source)):
        try:
            message = decode(line)
            if (number == 0) != isinstance(message, Hello):
                raise ValueError("its first message, and no other, has to be a hello")
            if isinstance(message, Hello) and not _names_a_run(message):
                raise ValueError("its hello names no run")
            recording.write(line, ledger.at_us)
            ledger.feed(message)
            timeline.feed(message, line, number)
        except _DAMAGED as error:
            what = str(error) or type(error).__name__
            raise NotReadable(
                f"{os.path.basename(source)} is no recording of GILScope: message {number}: {what}",
                "Name a file that `gilscope record -o FILE` wrote.",
            ) from None


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


def _usable(run_id: Any) -> str | None:
    """An id that can be part of an address and of a file's name."""
    return (
        run_id
        if isinstance(run_id, str) and run_id.isalnum() and run_id.isascii() and len(run_id) <= 40
        else None
    )
