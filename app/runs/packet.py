"""What viewers are sent at once: messages that were encoded once, for however many viewers there are."""

from __future__ import annotations

from collections.abc import AsyncIterator

_TEXT = 0x81  # a whole message of text, in the WebSocket protocol; a server's frames are not masked


class Packet:
    """One or more messages, as frames of the WebSocket protocol: bytes that are the same for every viewer."""

    __slots__ = ("framed",)

    def __init__(self, framed: bytes) -> None:
        self.framed = framed

    @classmethod
    def of(cls, *texts: str) -> Packet:
        """That of some messages."""
        return cls(b"".join(map(framed, texts)))

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
    data = text.encode()
    size = len(data)
    if size < 126:
        return bytes((_TEXT, size)) + data
    if size < 1 << 16:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + data
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + data


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
