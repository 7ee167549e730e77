"""A recording in a file: the messages of one observation, a line each, as the observer wrote them.

A file that is compressed holds gzip members, one after another, each of which can be read by itself: so a
span of time is found without reading what comes before it. Within a member the compressor is flushed four
times a second, and a file that is not compressed as often, so that whatever kills this process takes the last
second at the most.
`read` gives the whole lines of a file that was cut anywhere.
"""

from __future__ import annotations

import os
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import BinaryIO, NamedTuple

from app.model.errors import BadRequest, GilscopeError, NotReadable

FLUSH_S = 0.25
MEMBER_BYTES = 1 << 20  # of text: some seconds of a busy run, read in a few milliseconds
_LEVEL = 3  # a third of the time of the default, for a tenth more bytes
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 16
_LONGEST_LINE = 16 << 20  # as much as a server takes from an observer


class Member(NamedTuple):
    """A stretch of a compressed file that can be read by itself."""

    offset: int  # in the file, in bytes
    number: int  # of its first message, from 0
    at_us: int  # up to when the messages before it tell


class Recording:
    """A file that is being written; compressed where its name ends in .gz.

    A disk that is full ends the recording, not the run: `failure` then says why, and `close` raises it.
    `members` are those of which it is known when they begin: see `reached`.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Callable[[], float] = time.monotonic) -> None:
        """Open the file; BadRequest where that cannot be."""
        self.path = os.fspath(path)
        self.failure: OSError | None = None
        self.messages = 0
        self.members: list[Member] = []
        self._clock = clock
        self._compressed = self.path.endswith(".gz")
        self._compressor: zlib._Compress | None = None
        self._in_member = 0  # bytes of text
        self._untimed: deque[tuple[int, int]] = deque()  # members' offsets and numbers
        self._flushed_s = clock()
        try:
            self._file: BinaryIO = open(self.path, "wb")  # noqa: SIM115  closed by close
        except OSError as error:
            raise BadRequest(
                f"{self.path} cannot be written: {error.strerror}",
                "Name another file with -o.",
                field="output",
            ) from error

    @property
    def size(self) -> int:
        """Bytes in the file so far."""
        return 0 if self._file.closed else self._file.tell()

    def write(self, line: str, at_us: int | None = None) -> None:
        """Add one message, before which the run had come to `at_us`; without effect once a part is lost.

        What comes faster than it can be understood is written without that; `reached` tells it later.
        """
        first = self.messages
        self.write_all([line])
        if at_us is not None:
            self.reached(first, at_us)

    def write_all(self, lines: Sequence[str]) -> None:
        """Add messages that have come together: it costs a third of one after the other."""
        if self.failure is not None or not lines:
            return
        try:
            self._write("\n".join((*lines, "")).encode())
            self.messages += len(lines)
            if self._clock() - self._flushed_s >= FLUSH_S:
                self.flush()
        except OSError as error:
            self.failure = error

    def reached(self, number: int, at_us: int) -> None:
        """The run had come to `at_us` before the message of that number, counted from 0; told in order."""
        while self._untimed and self._untimed[0][1] <= number:
            self.members.append(Member(*self._untimed.popleft(), at_us))

    def keep(self, messages: int) -> None:
        """Forget what was written after so many messages; without effect where it is not compressed."""
        if self.failure is not None or not self._compressed or messages >= self.messages:
            return
        try:
            self._end_member()
            self._file.flush()
            offset, number = max(
                ((place, first) for place, first, _ in self.members if first <= messages), default=(0, 0)
            )
            lines = list(islice(read(self.path, offset), messages - number))
            self._file.seek(offset)
            self._file.truncate()
            times = {member.number: member.at_us for member in self.members}
            self.members = [member for member in self.members if member.number < number]
            self._untimed.clear()
            self.messages = number
            for line in lines:
                self.write(line, times.get(self.messages))
        except OSError as error:
            self.failure = error

    def fileno(self) -> int:
        """The file's descriptor."""
        return self._file.fileno()

    def flush(self) -> None:
        """Hand all that was written to the kernel; a full disk ends the recording, as with `write`."""
        if self.failure is not None:
            return
        try:
            if self._compressor is not None:
                self._file.write(self._compressor.flush(zlib.Z_SYNC_FLUSH))
            self._file.flush()
        except OSError as error:
            self.failure = error
        self._flushed_s = self._clock()

    def close(self) -> None:
        """Finish the file; GilscopeError where a part could not be written. A second call does nothing."""
        if self._file.closed:
            return
        try:
            if self.failure is None:
                self._end_member()
        except OSError as error:
            self.failure = error
        try:
            self._file.close()
        except OSError as error:
            self.failure = self.failure or error
        if self.failure is not None:
            raise GilscopeError(
                f"The recording {self.path} is not whole: {self.failure.strerror}",
                "Free some space, or name a file on another disk with -o.",
            )

    def _write(self, data: bytes) -> None:
        if not self._compressed:
            self._file.write(data)
            return
        if self._compressor is None:
            self._untimed.append((self._file.tell(), self.messages))
            self._compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
        self._file.write(self._compressor.compress(data))
        self._in_member += len(data)
        if self._in_member >= MEMBER_BYTES:
            self._end_member()

    def _end_member(self) -> None:
        if self._compressor is not None:
            self._file.write(self._compressor.flush())
            self._compressor, self._in_member = None, 0


def read(
    path: str | os.PathLike[str], offset: int = 0, on_read: Callable[[int], object] = lambda size: None
) -> Iterator[str]:
    """The whole lines of a recording from a member's offset on; one that was cut short ends where it was cut.

    NotReadable where the file is not there, or is no recording. `on_read` is told how many bytes of the file
    were read so far.
    """
    try:
        with open(path, "rb") as file:
            compressed = file.read(2) == _GZIP_MAGIC
            file.seek(offset)
            chunks = _chunks(file, on_read)
            yield from _lines(_inflated(chunks) if compressed else chunks, path)
    except OSError as error:
        raise NotReadable(
            f"The recording {path} cannot be read: {error.strerror}",
            "Name a file that GILScope wrote with -o.",
        ) from None


def _chunks(file: BinaryIO, on_read: Callable[[int], object]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
        on_read(file.tell())


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The text of all members, as far as it goes: damage ends it, like the end of the file."""
    inflate = zlib.decompressobj(wbits=_GZIP)
    for chunk in chunks:
        while chunk:
            try:
                yield inflate.decompress(chunk)
            except zlib.error:
                return
            chunk = inflate.unused_data
            if inflate.eof:
                inflate = zlib.decompressobj(wbits=_GZIP)


def _lines(chunks: Iterable[bytes], path: str | os.PathLike[str]) -> Iterator[str]:
    partial = b""
    for chunk in chunks:
        partial += chunk
        if b"\n" in chunk:
            *whole, partial = partial.split(b"\n")
            for line in whole:
                yield line.decode(errors="replace")
        elif len(partial) > _LONGEST_LINE:
            raise NotReadable(f"{path} is no recording of GILScope: it holds a line without an end")
