"""The process that the line's command starts: what comes by its standard input goes to the keeper, and back.

It ends with the line. A keeper is reached by a socket in the kernel's abstract namespace, which is no file:
nothing has to be written anywhere, and nothing can be left. Both sides ask the kernel who the other is.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from contextlib import suppress

from app.model.line import say

_READ = 1 << 16
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


def is_ours(connection: socket.socket) -> bool:
    """Whether the other end is of the same user, as the kernel says."""
    size = _CREDENTIALS.size
    _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.geteuid())


def reached(name: str) -> socket.socket:
    """The keeper of that name; OSError where there is none of this user."""
    keeper = socket.socket(socket.AF_UNIX)
    try:
        keeper.connect(b"\0" + name.encode())
        if not is_ours(keeper):
            raise PermissionError("another user has taken its name")
    except OSError:
        keeper.close()
        raise
    return keeper


def relay(name: str) -> None:
    """Pass on until either side has ended."""
    try:
        keeper = reached(name)
    except OSError as error:
        with suppress(OSError):
            os.write(1, say("gone", why=str(error)))
        return
    threading.Thread(target=_in, args=(keeper,), daemon=True).start()
    with suppress(OSError):  # nobody reads, or the keeper has taken another line
        while data := keeper.recv(_READ):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(1, rest) :]
    keeper.close()


def _in(keeper: socket.socket) -> None:
    with suppress(OSError):
        while data := os.read(0, _READ):
            keeper.sendall(data)
        keeper.shutdown(socket.SHUT_RDWR)
