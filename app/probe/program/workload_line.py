"""The observer's end of the line to a workload, and of the memory shared with it (app.model.spec)."""

from __future__ import annotations

import json
import mmap
import os
import socket
from typing import Any

from app.model.spec import CHANNEL_ENV, SHARED_ENV, SHARED_WORDS, STOP_WORD, WORDS_A_SLOT

_WORD = 8
_READ = 65536


class WorkloadLine:
    """A socket pair and some shared memory, made before the target starts."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        shared = os.memfd_create("gilscope", os.MFD_CLOEXEC)
        os.ftruncate(shared, SHARED_WORDS * _WORD)
        self._map = mmap.mmap(shared, SHARED_WORDS * _WORD)
        self._words = memoryview(self._map).cast("Q")
        self._partial = b""
        self._actions: list[str] | None = []  # those that came before go; None after it
        self._theirs = [theirs.detach(), shared]

    @property
    def fds(self) -> list[int]:
        """The descriptors that the target inherits."""
        return self._theirs

    @property
    def env(self) -> dict[str, str]:
        """The variables that name them."""
        return {CHANNEL_ENV: str(self._theirs[0]), SHARED_ENV: str(self._theirs[1])}

    def started(self) -> None:
        """The target has its own descriptors now: ours of them are closed, so that its end is seen."""
        for fd in self._theirs:
            os.close(fd)
        self._theirs = []

    def receive(self) -> list[dict[str, Any]]:
        """The lines that have come since the last call. ValueError where one is no JSON object."""
        while True:
            try:
                data = self._ours.recv(_READ)
            except (BlockingIOError, ConnectionResetError):
                break
            if not data:
                break
            self._partial += data
        *lines, self._partial = self._partial.split(b"\n")
        messages = [json.loads(line) for line in lines if line]
        if not all(isinstance(message, dict) for message in messages):
            raise ValueError("a workload wrote a line that is no object")
        return messages

    def go(self) -> None:
        """Opens the workload's gate."""
        self._ours.sendall(b'{"go":true}\n')
        early, self._actions = self._actions or [], None
        for name in early:
            self.act(name)

    def act(self, name: str) -> bool:
        """Passes on an action, after go; False where the workload does not take any (more)."""
        if self._actions is not None:
            self._actions.append(name)
            return True
        try:
            self._ours.send(json.dumps({"action": name}).encode() + b"\n")
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return False  # it has left so many unread that no more fit, or has ended
        return True

    def stop(self) -> None:
        """Sets the stop word."""
        self._words[STOP_WORD] = 1

    def ops(self) -> int:
        """What all workers have counted so far."""
        return sum(self._words[WORDS_A_SLOT::WORDS_A_SLOT])

    def close(self) -> None:
        """Gives everything back."""
        self._ours.close()
        if self._theirs:
            self.started()
        self._words.release()
        self._map.close()
