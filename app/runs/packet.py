"""What viewers are sent at once: messages that were encoded once, for however many viewers there are."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

_TEXT = 0x81  # a whole message of text, in the WebSocket protocol; a server's frames are not masked
_DEFLATED = 0x40  # RFC 7692: this message is deflated
_EMPTY_BLOCK = b"\x00\x00\xff\xff"  # which that leaves out at a message's end
WINDOW_BITS = 12  # of deflated messages, as viewers are told: 4 KiB, which is what uvicorn tells them
_QUICKLY = 1
# Figures of 64 threads are 77 kB: to deflate them takes a millisecond, once for all viewers. To write them as
# they are takes the kernel some 50 us for each, at both ends.
LARGE = 8 * 1024  # bytes


class Packet:
    """One or more messages, as frames of the WebSocket protocol: bytes that are the same for every viewer.

    `deflated` is for those who can inflate: the large ones among the messages may be smaller there.
    """

    __slots__ = ("deflated", "framed")

    def __init__(self, framed: bytes, deflated: bytes | None = None) -> None:
        self.framed = framed
        self.deflated = framed if deflated is None else deflated

    @classmethod
    def of(cls, *texts: str, for_many: bool = False) -> Packet:
        """That of some messages; `for_many` viewers the large ones are worth deflating."""
        frames = [framed(text) for text in texts]
        if not for_many:
            return cls(b"".join(frames))
        smaller = [deflated(text, frame) for text, frame in zip(texts, frames, strict=True)]
        return cls(b"".join(frames), b"".join(smaller))

    @property
    def texts(self) -> list[str]:
        """The messages again, for a server that makes its own frames."""
        found, at = [], 0
        while at < len(self.framed):
            head, length = _sizes(self.framed, at)
            at += head + length
            found.append(self.framed[at - length : at].decode())
        return found


def framed(text: str) -> bytes:
    """One message as a frame."""
    return _frame(_TEXT, text.encode())


def deflated(text: str, frame: bytes) -> bytes:
    """One message as a smaller frame, if it is large; else as the frame that it has."""
    if len(frame) < LARGE:
        return frame
    deflate = zlib.compressobj(_QUICKLY, wbits=-WINDOW_BITS)
    data = deflate.compress(text.encode()) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return _frame(_TEXT | _DEFLATED, data.removesuffix(_EMPTY_BLOCK))


def _frame(kind: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((kind, size)) + data
    if size < 1 << 16:
        return bytes((kind, 126)) + size.to_bytes(2, "big") + data
    return bytes((kind, 127)) + size.to_bytes(8, "big") + data


async def packed(texts: AsyncIterator[str]) -> AsyncIterator[Packet]:
    """Each message by itself."""
    async for text in texts:
        yield Packet.of(text)


def _sizes(frames: bytes, at: int) -> tuple[int, int]:
    """Those of a frame's head and of its message."""
    length = frames[at + 1]
    if length == 126:
        return 4, int.from_bytes(frames[at + 2 : at + 4], "big")
    if length == 127:
        return 10, int.from_bytes(frames[at + 2 : at + 10], "big")
    return 2, length
