"""The observer beside a worker, in the worker's own process: started, read, asked to end.

This module and plugins.py travel to the workers as they are, by value: a worker needs no GILScope. So it
imports the standard library alone.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

# So often is what it said passed on, unless less often is asked for: it takes the worker's GIL each time.
EVERY_S = 0.2
END_S = 5.0  # for an observer to say its last word, once it was asked to end

_PIPE_BYTES = 1 << 20  # for what it says while a task holds the GIL; anybody may have so much
_READ = 1 << 20
_PR_SET_PTRACER = 0x59616D61
_F_SETPIPE_SZ = 1031
_BOOT = "/proc/sys/kernel/random/boot_id"
_TIME_NAMESPACE = "/proc/self/ns/time"

Send = Callable[["dict[str, Any]"], None]
News = Callable[[], "dict[str, Any]"]


class WorkerObserver:
    """The observer of this process. What it says is handed to `send`, with what `news` tells of the worker.

    {"pid", "host", "clock": what says which clock it is, "lines": deflated, or None at the end,
     "status": then, of its process, "said": what it wrote to its standard error, and the fields of `news`}
    """

    def __init__(
        self, code: str, pack: bytes, spec: str, send: Send, news: News, every_s: float = EVERY_S
    ) -> None:
        self._send, self._news = send, news
        self._every_s = every_s
        self._about = about()
        self._stop = threading.Event()
        # Ctrl-C at a terminal is for whoever started the cluster.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", code, "gilscope-observer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        try:
            # Where Yama lets only parents read a process, others have to be let.
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, self._process.pid, 0, 0, 0)
        except (OSError, AttributeError):  # no such function: this is no Linux
            self._process.kill()
            self._process.wait()
            raise
        assert self._process.stdout is not None
        with suppress(OSError):  # more than this user may have: it keeps the size that it has
            fcntl.fcntl(self._process.stdout.fileno(), _F_SETPIPE_SZ, _PIPE_BYTES)
        self._first = pack + spec.encode() + b"\n"
        self._thread = threading.Thread(target=self._follow, name="GILScope", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Of the observer."""
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end; what it says to its end is sent still."""
        self._stop.set()
        self._tell(b'{"command": "stop", "state": "stopped"}\n')

    def ended(self, within_s: float = END_S) -> bool:
        """Wait for its end; what does not end is killed."""
        self._thread.join(within_s)
        if self._thread.is_alive():
            self._process.kill()
            self._thread.join(within_s)
        return not self._thread.is_alive()

    def _follow(self) -> None:
        ready = self._begin()
        if ready:
            self._pass_on()
        assert self._process.stderr is not None
        self._close_input()
        said = self._process.stderr.read()[-2000:].decode(errors="replace").strip()
        status = self._process.wait()
        self._tell_news({"lines": None, "status": status, "said": said})

    def _begin(self) -> bool:
        """Wait until Python there can take what is sent to it, and send it."""
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(self._process.stdout.fileno(), 1)
            if not byte:
                return False
            line += byte
        self._tell(self._first)
        self._first = b""
        return True

    def _pass_on(self) -> None:
        assert self._process.stdout is not None
        fd, begun = self._process.stdout.fileno(), b""
        while chunk := os.read(fd, _READ):
            whole, end, rest = (begun + chunk).rpartition(b"\n")
            begun = rest
            if end:
                self._tell_news({"lines": zlib.compress(whole, 1)})
            self._stop.wait(0 if self._stop.is_set() else self._every_s)

    def _tell_news(self, more: dict[str, Any]) -> None:
        self._send({**self._about, **more, **self._news(), "now_ns": time.monotonic_ns()})

    def _tell(self, data: bytes) -> None:
        assert self._process.stdin is not None
        rest = memoryview(data)
        with suppress(OSError, ValueError):  # it has ended, and says why
            while rest:
                rest = rest[os.write(self._process.stdin.fileno(), rest) :]

    def _close_input(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()


def about() -> dict[str, Any]:
    """The fields of each message that say which process it is of."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "clock": clock_identity()}


def clock_identity() -> list[str]:
    """What is the same for all processes that read the same clock, see clocks.py, and for no others."""
    try:
        with open(_BOOT) as file:
            boot = file.read().strip()
    except OSError:  # where it cannot be told, no two are the same
        return [os.urandom(16).hex(), ""]
    try:
        return [boot, os.readlink(_TIME_NAMESPACE)]
    except OSError:
        return [boot, ""]
