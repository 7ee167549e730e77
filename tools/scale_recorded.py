"""What workers of a real Dask cluster have said, in a file, to be said again by many: see scale.py.

A file has a line for each batch, as the client got it from the scheduler, with the messages inflated:
{"at_us", "lines", "tasks", "own_s"}. Instants count from the origin of the observer's own hello, which is
the first message; the first line of the file has "kind" and "pid" as well.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from app.analysis.tracks import gil_time
from app.model.frames import Frame, decode, encode
from app.model.tracks import GIL_STEP, clip, gils_of

FRAME = '{"type":"frame"'  # how the line of a slice begins
_ENDED = re.compile(FRAME + r'.*?"end_us":(\d+)')

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToldBatch:
    """What was passed on at once."""

    at_us: int
    lines: Sequence[str]
    tasks: Sequence[list[Any]]  # [thread id, key, name, begun_us, ended_us or None]
    own_s: float | None

    @property
    def seen_us(self) -> int:
        """Up to when its slices tell; 0 where it has none."""
        ended = next((_ENDED.match(line) for line in reversed(self.lines) if line.startswith(FRAME)), None)
        return 0 if ended is None else int(ended[1])


@dataclass(frozen=True, slots=True)
class ToldSpan:
    """What the slices of a worker come to, in a span of time."""

    switches: float
    held_us: int
    seen_us: int


@dataclass(frozen=True)
class RecordedWorker:
    """A worker."""

    kind: str
    pid: int
    batches: Sequence[ToldBatch]

    @property
    def hello(self) -> Json:
        """Its observer's first message."""
        return dict(json.loads(self.batches[0].lines[0]))

    @cached_property
    def frames(self) -> Sequence[Frame]:
        """Its slices."""
        lines = (line for batch in self.batches for line in batch.lines if line.startswith(FRAME))
        return [frame for frame in map(decode, lines) if isinstance(frame, Frame)]

    @property
    def end_us(self) -> int:
        """Up to when they tell."""
        return self.frames[-1].end_us

    @property
    def length_us(self) -> int:
        """Of all of them."""
        return self.end_us - self.frames[0].start_us

    def again(self, turn: int) -> Iterator[ToldBatch]:
        """Its slices once more, later by so many lengths: of what was there to the end, and nothing else."""
        by_us = turn * self.length_us
        lanes, gils = ({row[0] for row in rows} for rows in (self.frames[-1].lanes, self.frames[-1].gils))
        for batch in self.batches:
            frames = [decode(line) for line in batch.lines if line.startswith(FRAME)]
            later = [
                replace(
                    frame,
                    start_us=frame.start_us + by_us,
                    end_us=frame.end_us + by_us,
                    gils=[row for row in frame.gils if row[0] in gils],
                    lanes=[row for row in frame.lanes if row[0] in lanes],
                )
                for frame in frames
                if isinstance(frame, Frame)
            ]
            if later:
                yield ToldBatch(batch.at_us + by_us, [encode(frame, 0) for frame in later], [], batch.own_s)

    def told(self, from_us: int, to_us: int) -> ToldSpan:
        """What its slices of that time come to, told again and again; over an end one counts in part."""
        switches, held_us, seen_us = 0.0, 0, 0
        for turn in range(max(0, to_us - self.frames[0].start_us) // self.length_us + 1):
            by_us = turn * self.length_us
            for frame in self.frames:
                start_us = frame.start_us + by_us
                begin_us, end_us = max(start_us, from_us), min(frame.end_us + by_us, to_us)
                if begin_us >= end_us:
                    continue
                seen_us += end_us - begin_us
                for _, moved, track in gils_of(frame):
                    switches += moved * (end_us - begin_us) / (frame.end_us - frame.start_us)
                    part = clip(track, GIL_STEP, begin_us - start_us, end_us - start_us)
                    held_us += gil_time(part).held_us
        return ToldSpan(switches, held_us, seen_us)


def write(path: Path, kind: str, told: Sequence[tuple[Json, Sequence[str]]]) -> None:
    """Write what a worker has told: messages by Dask's stream, and the lines in each."""
    origin_ns = next(json.loads(lines[0])["origin_ns"] for _, lines in told if lines)

    def since_us(ns: int | None) -> int | None:
        return None if ns is None else (ns - origin_ns) // 1000

    with gzip.open(path, "wt", encoding="utf-8", compresslevel=4) as file:
        for number, (message, lines) in enumerate(told):
            tasks = [[*row[:3], *map(since_us, row[3:])] for row in message["tasks"]]
            batch: Json = {"at_us": since_us(message["now_ns"]), "lines": lines, "tasks": tasks}
            batch["own_s"] = message["own_s"]
            if number == 0:
                batch |= {"kind": kind, "pid": message["pid"]}
            file.write(json.dumps(batch, separators=(",", ":")) + "\n")


def read(path: Path) -> RecordedWorker:
    """A file again."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        told = [json.loads(line) for line in file]
    batches = [ToldBatch(each["at_us"], each["lines"], each["tasks"], each["own_s"]) for each in told]
    return RecordedWorker(told[0]["kind"], told[0]["pid"], batches)


def all_of(folder: Path) -> Iterator[RecordedWorker]:
    """Those in a folder, by their names."""
    yield from map(read, sorted(folder.glob("*.gz")))
