"""A target's memory that lies: a share of what is read of /proc/PID/mem is not what lies there."""

from __future__ import annotations

import os
import random
import struct

import pytest

from app.probe.kernel.memory import ProcessMemory

_WORD = struct.Struct("=Q")


class Liar:
    """Stands before `os.pread`: what comes from a Memory's descriptor is changed now and then, by a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.share = 0.0  # of the reads that are lies
        self._read = os.pread
        self._fds: set[int] = set()
        self._words = [0, 1, 2**32 - 1, 2**47 - 8, 2**63 - 1, 2**64 - 1, 2**64 - 16]
        self.lies = 0

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """From now on, until the patch is undone."""
        opened, closed = ProcessMemory.__init__, ProcessMemory.close

        def init(memory: ProcessMemory, pid: int) -> None:
            opened(memory, pid)
            self._fds.add(memory.fd)

        def close(memory: ProcessMemory) -> None:
            self._fds.discard(memory.fd)
            closed(memory)

        patch.setattr(ProcessMemory, "__init__", init)
        patch.setattr(ProcessMemory, "close", close)
        patch.setattr(os, "pread", self._pread)

    def _pread(self, fd: int, size: int, offset: int) -> bytes:
        data = self._read(fd, size, offset)
        if fd not in self._fds or not data:
            return data
        if len(data) == _WORD.size:  # mostly a pointer: what others lie with
            self._words[self._random.randrange(len(self._words))] = _WORD.unpack(data)[0]
        if self._random.random() >= self.share:
            return data
        self.lies += 1
        return self._changed(data)

    def _changed(self, data: bytes) -> bytes:
        chance, torn = self._random, bytearray(data)
        kind = chance.randrange(4)
        at = chance.randrange(max(len(torn) // 8, 1)) * 8
        if kind == 0:  # a bit is flipped
            torn[chance.randrange(len(torn))] ^= 1 << chance.randrange(8)
        elif kind == 1:  # a word is another that was read
            word = _WORD.pack(chance.choice(self._words))
            torn[at : at + 8] = word[: len(torn[at : at + 8])]
        elif kind == 2:  # two words change places
            other = chance.randrange(max(len(torn) // 8, 1)) * 8
            if len(torn) >= max(at, other) + 8:
                torn[at : at + 8], torn[other : other + 8] = torn[other : other + 8], torn[at : at + 8]
        else:  # the read ends early, as at the end of a mapping
            return data[: chance.randrange(1, len(data) + 1)]
        return bytes(torn)
