"""What answers for any span of a run, in a small file beside its recording: made once, while messages come.

    blocks   compressed, one after another: bins (app/analysis/bins.py) for the timeline, pieces
             (app/analysis/pieces.py) for figures, the messages that name, and those that stood for long
             (standing.py)
    index    compressed JSON: where the blocks are, who the lanes and GILs are, and the form of the pieces
    end      the index's length and MAGIC; without it the file was cut off

One that is cut off or of another form is made anew (app/runs/indexing.py).

A window is read from a few blocks, whatever the run's length; so are its figures, and the names that a span
of messages needs.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import struct
import tempfile
import threading
import zlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, BinaryIO

from app.analysis.bins import BLOCK, COARSEST, FINEST, GIL, LANE, Bins, Key, Rows
from app.analysis.pieces import Extent, Pieces, cover, form, unpack
from app.model import frames
from app.model.errors import BadRequest
from app.model.states import STATES
from app.model.tracks import Cast
from app.runs.standing import Rank, Standing

MAGIC = b"GSTL\x00\x05\r\n"
LEVELS = range(FINEST, COARSEST + 1)
MOST_BINS = 4096
FEWEST_BINS = 64
MOST_LANES = 500  # in one window: those in which most happened
CAST_BYTES = 1 << 18
NAMING = (frames.Names, frames.Process)

_END = struct.Struct("<Q8s")
_KEY = struct.Struct("<Bii")
_LEVEL = 6
_REMEMBERED = 4
_NAMED_KEPT = 1 << 20  # characters

Json = dict[str, Any]
Place = tuple[int, int]  # offset, length


@dataclass(frozen=True, slots=True)
class TimelineIndex:
    """Where the blocks are, and of whom they tell."""

    blocks: dict[int, dict[int, Place]]  # by level and number
    cast: list[tuple[int, Place]]  # the number of the first message in each
    pieces: list[list[tuple[Extent, Place]]]  # by level
    stood: list[tuple[Rank, int | None, Place]]  # from one message to another, see standing.py
    threads: Sequence[frames.Row]
    gils: Sequence[frames.Row]
    end_us: int

    def to_json(self) -> Json:
        """As it stands in the file."""
        blocks = [
            [level, number, *place] for level, at in self.blocks.items() for number, place in at.items()
        ]
        cast = [[first, *place] for first, place in self.cast]
        pieces = [[[*astuple(extent), *place] for extent, place in level] for level in self.pieces]
        return {
            "blocks": blocks,
            "cast": cast,
            "pieces": pieces,
            "stood": [[*rank, until, *place] for rank, until, place in self.stood],
            "threads": self.threads,
            "gils": self.gils,
            "end_us": self.end_us,
            "form": form(),
        }

    @classmethod
    def of_json(cls, body: Json) -> TimelineIndex:
        """The same, read; ValueError where it is of another form."""
        if body["form"] != form():
            raise ValueError("its pieces are of another form")
        blocks: dict[int, dict[int, Place]] = defaultdict(dict)
        for level, number, offset, length in body["blocks"]:
            blocks[level][number] = (offset, length)
        cast = [(first, (offset, length)) for first, offset, length in body["cast"]]
        pieces = [
            [(Extent(*extent), (offset, length)) for *extent, offset, length in level]
            for level in body["pieces"]
        ]
        stood = [
            ((number, place), until, (offset, length))
            for number, place, until, offset, length in body["stood"]
        ]
        return cls(dict(blocks), cast, pieces, stood, body["threads"], body["gils"], body["end_us"])


class TimelineWriter:
    """Feed it the messages of one run. `path` None: a file of no name, for a run that no archive has.

    A disk that is full ends the file, not the run: it is then made anew when it is first asked for.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.failure: OSError | None = None
        self._file: BinaryIO = (
            tempfile.TemporaryFile(buffering=0) if path is None else open(path, "w+b", buffering=0)  # noqa: SIM115
        )
        self._path = f"/proc/self/fd/{self._file.fileno()}" if path is None else os.fspath(path)
        self._bins = Bins(self._block)
        self._divided = Pieces(self._piece)
        self._pieces: list[list[tuple[Extent, Place]]] = []
        self._standing = Standing(self._lapsed)
        self._stood: list[tuple[Rank, int | None, Place]] = []
        self._cast = Cast()
        self._blocks: dict[int, dict[int, Place]] = defaultdict(dict)
        self._named: list[tuple[int, Place]] = []
        self._lines: list[str] = []  # that name, and are in no block yet
        self._lines_size = 0
        self._lines_first = 0
        self._end_us = 0
        self._at = 0

    def feed(self, message: frames.Message, line: str, number: int) -> None:
        """Take the next message, as text too; ValueError when it speaks of what was never named."""
        self._bins.feed(message)
        self._divided.feed(message, number)
        self._standing.feed(message, number)
        if isinstance(message, frames.Frame):
            self._end_us = message.end_us
        elif isinstance(message, NAMING):
            if isinstance(message, frames.Names):
                self._cast.names(message)
            if not self._lines:
                self._lines_first = number
            self._lines.append(f"{number} {line}")
            self._lines_size += len(line)
            if self._lines_size >= CAST_BYTES:
                self._name()

    def view(self, levels: Iterable[int] = LEVELS) -> Timeline:
        """What there is now, which later messages do not change; of these levels up to this moment."""
        filling = {level: self._bins.open(level) for level in levels}
        return Timeline(self._path, self._index(), filling, list(self._lines), self._standing.now())

    def close(self) -> None:
        """Finish the file."""
        if self._file.closed:
            return
        self._bins.close()
        self._standing.close()
        self._name()
        index = zlib.compress(_dump(self._index().to_json()), _LEVEL)
        self._write(index + _END.pack(len(index), MAGIC))
        self._file.close()

    def _index(self) -> TimelineIndex:
        threads = [[*lane.who, lane.named_us] for lane in self._cast.lanes.values()]
        gils = [list(lock.whose) for lock in self._cast.gils.values()]
        blocks = {level: dict(at) for level, at in self._blocks.items()}
        pieces = [list(level) for level in self._pieces]
        return TimelineIndex(
            blocks, list(self._named), pieces, list(self._stood), threads, gils, self._end_us
        )

    def _name(self) -> None:
        if self._lines:
            place = self._write(zlib.compress("\n".join(self._lines).encode(), _LEVEL))
            if place is not None:
                self._named.append((self._lines_first, place))
            self._lines, self._lines_size = [], 0

    def _lapsed(self, rank: Rank, until: int | None, message: frames.Message) -> None:
        place = self._write(zlib.compress(frames.encode(message, rank[0]).encode(), _LEVEL))
        if place is not None:
            self._stood.append((rank, until, place))

    def _block(self, level: int, number: int, rows: Rows) -> None:
        place = self._write(zlib.compress(_pack(rows), _LEVEL))
        if place is not None:
            self._blocks[level][number] = place

    def _piece(self, level: int, extent: Extent, packed: bytes) -> None:
        place = self._write(packed)
        if place is not None:
            if level == len(self._pieces):
                self._pieces.append([])
            self._pieces[level].append((extent, place))

    def _write(self, data: bytes) -> Place | None:
        if self.failure is not None:
            return None
        try:
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            self.failure = error
            return None
        place = (self._at, len(data))
        self._at += len(data)
        return place


class Timeline:
    """The timeline of a run. It reads its file, so in a thread."""

    def __init__(
        self,
        path: str,
        index: TimelineIndex,
        filling: dict[int, dict[int, Rows]],
        lines: list[str],
        standing: list[tuple[Rank, frames.Message]],
    ) -> None:
        self._path = path
        self._index = index
        self._filling = filling
        self._lines = lines
        self._standing = standing
        self._named: list[tuple[int, frames.Message]] | None = None

    @classmethod
    def open(cls, path: str) -> Timeline:
        """Read a finished file; OSError where it is not there, ValueError where it is not whole."""
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END.size))
            end = file.read()
            if len(end) < _END.size or end[8:] != MAGIC:
                raise ValueError("it is cut off, or of another version")
            length, _ = _END.unpack(end)
            if length > size - _END.size:
                raise ValueError("it is cut off")
            file.seek(size - _END.size - length)
            try:
                index = TimelineIndex.of_json(json.loads(zlib.decompress(file.read(length))))
            except (zlib.error, KeyError, TypeError) as error:
                raise ValueError(f"it is damaged: {error}") from error
        return cls(path, index, {}, [], [])

    @property
    def end_us(self) -> int:
        """The end of the last frame."""
        return self._index.end_us

    def names(self, before: int | None) -> Iterator[tuple[int, str]]:
        """The messages that name, with their numbers, of those numbered below that, in order."""
        for line in self._naming(before):
            number, _, message = line.partition(" ")
            if before is not None and int(number) >= before:
                return
            yield int(number), message

    def _naming(self, before: int | None) -> Iterator[str]:
        for first, place in self._index.cast:
            if before is not None and first >= before:
                return
            yield from zlib.decompress(self._read(place)).decode().split("\n")
        yield from self._lines

    def named(self) -> list[tuple[int, frames.Message]]:
        """All messages that name, with their numbers, in order; read once, unless they are many."""
        if self._named is not None:
            return self._named
        named, size = [], 0
        for number, line in self.names(None):
            named.append((number, frames.decode(line)))
            size += len(line)
        if size <= _NAMED_KEPT:
            self._named = named
        return named

    def standing(self, number: int) -> list[frames.Message]:
        """What stood before a message for longer than is looked for: what was told of it, in order."""
        found = [(rank, message) for rank, message in self._standing if rank[0] < number]
        for rank, until, place in self._index.stood:
            if rank[0] < number and (until is None or until >= number):
                found.append((rank, frames.decode(zlib.decompress(self._read(place)))))
        return [message for _, message in sorted(found, key=lambda one: one[0])]

    def pieces(self, from_us: int, to_us: int) -> Iterator[tuple[Extent, Json]]:
        """The pieces of the run that lie within a span, one after another, as few as there can be."""
        levels = self._index.pieces
        for level, at in cover([[extent for extent, _ in level] for level in levels], from_us, to_us):
            extent, place = levels[level][at]
            yield extent, unpack(self._read(place))

    def numbers(self, from_us: int, to_us: int) -> tuple[int, int | None]:
        """The messages, from one number up to another, among which are all that tell of a span of time."""
        extents = [extent for extent, _ in self._index.pieces[0]] if self._index.pieces else []
        # What tells of a piece may stand in the one after it.
        first = bisect_right(extents, from_us, key=lambda extent: extent.from_us) - 1
        after = bisect_left(extents, to_us, key=lambda extent: extent.from_us) + 1
        return (
            extents[first].first if first > 0 else 0,
            extents[after].first if after < len(extents) else None,
        )

    def window(self, level: int, from_us: int, to_us: int) -> Json:
        """The bins of a level that touch a span of time; see `level_for`."""
        to_us = min(to_us, max(self._index.end_us, from_us + 1))
        first, last = from_us >> level, max(from_us, to_us - 1) >> level
        found = self._rows(level, first, last)
        lanes: dict[int, dict[str, str]] = defaultdict(dict)
        holders: dict[int, dict[str, str]] = defaultdict(dict)
        contended: dict[int, str] = {}
        weight: dict[int, int] = defaultdict(int)
        for (kind, index, value), row in sorted(found.items()):
            text = base64.b64encode(row).decode()
            if kind == LANE:
                lanes[index][STATES[value]] = text
                weight[index] += len(row) - row.count(0)
            elif kind == GIL:
                holders[index][str(value)] = text
            else:
                contended[index] = text
        shown = set(sorted(lanes, key=lambda lane: (-weight[lane], lane))[:MOST_LANES])
        return {
            "from_us": first << level,
            "to_us": (last + 1) << level,
            "bin_us": 1 << level,
            "bins": last - first + 1,
            "lanes": [
                {
                    **dict(zip(("lane", "pid", "tid", "name", "interpreter", "named_us"), row, strict=True)),
                    "shares": lanes[row[0]],
                }
                for row in self._index.threads
                if row[0] in shown
            ],
            "lanes_not_shown": len(lanes) - len(shown),
            "gils": [
                {
                    **dict(zip(("gil", "pid", "interpreter"), row, strict=True)),
                    "holders": holders[row[0]],
                    "contended": contended.get(row[0]),
                }
                for row in self._index.gils
                if row[0] in holders or row[0] in contended
            ],
        }

    def _rows(self, level: int, first: int, last: int) -> Rows:
        """The bytes of the bins from `first` to `last`, by key."""
        length = last - first + 1
        found: Rows = {}
        filling = self._filling.get(level, {})
        stored = self._index.blocks.get(level, {})
        for number in range(first // BLOCK, last // BLOCK + 1):
            blocks = [_unpack(zlib.decompress(self._read(stored[number])))] if number in stored else []
            if number in filling:
                blocks.append(filling[number])
            begin = max(first, number * BLOCK)
            end = min(last + 1, (number + 1) * BLOCK)
            for rows in blocks:
                for key, values in rows.items():
                    part = values[begin - number * BLOCK : end - number * BLOCK]
                    if not any(part):
                        continue
                    if key not in found:
                        found[key] = bytearray(length)
                    found[key][begin - first : end - first] = part
        return found

    def _read(self, place: Place) -> bytes:
        offset, length = place
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)


def beside(path: str | os.PathLike[str]) -> str:
    """Where the timeline of a recording lies."""
    return os.fspath(path).removesuffix(".gz").removesuffix(".jsonl") + ".timeline"


def opened(path: str, lines: Callable[[], Iterator[str]]) -> Timeline:
    """The timeline in a file, which is made anew from the messages where it is missing or not whole."""
    try:
        return known(path)
    except (OSError, ValueError):
        build(lines(), path)
        return known(path)


def is_whole(path: str) -> bool:
    """Whether the file is there, whole, and of this version."""
    try:
        known(path)
    except (OSError, ValueError):
        return False
    return True


def known(path: str) -> Timeline:
    """As Timeline.open, but those opened last are remembered, as long as their files stay as they are."""
    file = os.stat(path)
    return _remembered(path, (file.st_ino, file.st_size, file.st_mtime_ns))


@functools.lru_cache(maxsize=_REMEMBERED)
def _remembered(path: str, file: tuple[int, ...]) -> Timeline:
    return Timeline.open(path)


def build(lines: Iterable[str], path: str) -> None:
    """Make the file anew from the messages of a recording; OSError, ValueError."""
    making = f"{path}.{os.getpid()}.{threading.get_ident()}"
    writer = TimelineWriter(making)
    try:
        for number, line in enumerate(lines):
            writer.feed(frames.decode(line), line, number)
        writer.close()
        if writer.failure is not None:
            raise writer.failure
        os.replace(making, path)
    except BaseException:
        writer.close()
        os.unlink(making)
        raise


def level_for(from_us: int, to_us: int, bins: int) -> int:
    """The finest level of which a span has at most so many bins; BadRequest says which field is at fault."""
    if to_us <= from_us:
        raise BadRequest(f"to_us must be greater than from_us, {from_us}; it was {to_us}", field="to_us")
    for level in range(FINEST, COARSEST):
        if ((to_us - 1) >> level) - (from_us >> level) + 1 <= bins:
            return level
    return COARSEST


def _pack(rows: Rows) -> bytes:
    keys = b"".join(_KEY.pack(*key) for key in rows)
    return struct.pack("<I", len(rows)) + keys + b"".join(rows.values())


def _unpack(data: bytes) -> Rows:
    (count,) = struct.unpack_from("<I", data)
    values = 4 + count * _KEY.size
    rows: Rows = {}
    for number in range(count):
        key: Key = _KEY.unpack_from(data, 4 + number * _KEY.size)
        rows[key] = bytearray(data[values + number * BLOCK : values + (number + 1) * BLOCK])
    return rows


def _dump(body: Json) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
