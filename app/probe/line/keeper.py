"""Between the observer and the line to the near side: it lives on when that is cut, for a bounded time.

    relay ⇄ keeper ⇄ observer ─▶ its program

The observer's standard streams are pipes to the keeper, so that it ends with the keeper, however that ends:
and with it what it would end with its server. Messages are kept until the near side says that it has them.
While there is a line, an observer that is ahead of it waits, as it would for a server; while there is none,
the oldest of what can be spared is dropped. Without a line for `keep_s` the observation ends.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from app.model.line import KEEP_BYTES, KEEP_S, MARK, SILENT_S, VERSION, Json, heard, say

from .held import Held
from .relay import is_ours, relay

_READ = 1 << 16
_TICK_S = 0.5  # to look whether a time is over
_END_S = 5.0  # for an observer to end with its input
_SAID = 8 << 10  # of what the observer wrote to standard error


class Bounds:
    """For how long, and how much, is kept while nobody reads."""

    def __init__(self, keep_s: float = KEEP_S, most_bytes: int = KEEP_BYTES) -> None:
        self.keep_s, self.most_bytes = keep_s, most_bytes


class _Observer:
    """The observer's process, and the three pipes to it."""

    def __init__(self, pid: int, commands: int, messages: int, errors: int) -> None:
        self._pid = pid
        self._commands, self._messages, self._errors = commands, messages, errors
        for number in (commands, messages, errors):
            os.set_blocking(number, False)
        self.reads = [messages, errors]
        self._to_tell = b""
        self._partial = b""
        self._tail = b""
        self.status: int | None = None
        self.over = False  # its last word was taken

    @property
    def said(self) -> str:
        """The end of what it wrote to standard error."""
        return self._tail.decode(errors="replace").strip()

    @property
    def writes(self) -> list[int]:
        """What is waited for to take more."""
        return [self._commands] if self._to_tell else []

    def tell(self, line: bytes) -> None:
        """A line of the server's."""
        self._to_tell += line

    def write(self) -> None:
        """Pass on what it takes of it."""
        try:
            while self._to_tell:
                self._to_tell = self._to_tell[os.write(self._commands, self._to_tell) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._to_tell = b""  # it has ended

    def read(self, number: int) -> list[bytes]:
        """The whole messages that have come by one of `reads`, each with its end."""
        try:
            data = os.read(number, _READ)
        except BlockingIOError:
            return []
        if not data:
            self.reads.remove(number)
        if number == self._errors:
            self._tail = (self._tail + data)[-_SAID:]
            return []
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [line + b"\n" for line in lines]

    def ends(self) -> bool:
        """Whether it has ended since this was asked last; takes its status.

        What it left behind may hold its standard error open, so that alone is not waited for.
        """
        if self.over or self._messages in self.reads:
            return False
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return False
        self.over, self.status = True, os.waitstatus_to_exitcode(status)
        return True

    def end(self) -> None:
        """End it as the end of its server would; and if it does not, at once."""
        for number in (self._commands, self._messages):
            os.close(number)
        deadline_s = time.monotonic() + _END_S
        while not self.over:
            pid, _ = os.waitpid(self._pid, os.WNOHANG)
            self.over = bool(pid)
            if not self.over and time.monotonic() > deadline_s:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                return
            time.sleep(0.01)


class LineKeeper:
    """One observer's. `run` returns when nothing is left to keep."""

    def __init__(self, listening: socket.socket, name: str, observer: _Observer, bounds: Bounds) -> None:
        self._listening, self._name = listening, name
        listening.setblocking(False)
        self._observer = observer
        self._bounds = bounds
        self._held = Held(bounds.most_bytes)
        self._line: socket.socket | None = None
        self._out = b""  # what the line has not taken yet
        self._partial_in = b""
        self._greeted = False  # the near side has said on this line what it has
        self._commands = 0
        self._heard_s = time.monotonic()
        self._was_greeted = False  # on any line
        self._given_up = False

    def run(self) -> None:
        """Until the near side has all, or nobody came for too long."""
        while not self._is_over():
            if self._held.is_full and time.monotonic() - self._heard_s > SILENT_S:
                self._cut()
            if self._line is None:
                self._held.make_room()
            reads: list[int] = [self._listening.fileno()]
            if not self._held.is_full:
                reads += self._observer.reads
            writes = self._observer.writes
            if self._line is not None:
                reads.append(self._line.fileno())
                if self._out or self._refill():
                    writes = [*writes, self._line.fileno()]
            ready, free, _ = select.select(reads, writes, [], _TICK_S)
            self._do(ready, free)
        self._listening.close()
        if self._line is not None:
            self._line.close()
        self._observer.end()

    def _is_over(self) -> bool:
        if self._observer.over and not self._held:
            return True
        return self._given_up or time.monotonic() - self._heard_s > self._bounds.keep_s

    def _do(self, ready: list[int], free: list[int]) -> None:
        line = None if self._line is None else self._line.fileno()
        if line in ready:
            self._hear()
        if line in free and self._line is not None:
            self._send()
        if self._listening.fileno() in ready:
            self._accept()
        for number in self._observer.reads:
            if number in ready:
                for message in self._observer.read(number):
                    self._held.add(message)
        self._observer.write()
        if self._observer.ends():
            status, said = self._observer.status, self._observer.said
            self._held.add(say("over", seq=self._held.next, status=status, said=said))

    # ---- the line

    def _accept(self) -> None:
        try:
            line, _ = self._listening.accept()
        except OSError:
            return  # it has gone already
        if not is_ours(line):
            line.close()
            return
        line.setblocking(False)
        if self._line is not None:
            self._line.close()
        self._line, self._out, self._partial_in, self._greeted = line, b"", b"", False

    def _cut(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line, self._out = None, b""
        if not self._was_greeted:  # the near side knows no way back
            self._given_up = True

    def _refill(self) -> bool:
        if self._greeted:
            self._out = self._held.take(_READ)
        return bool(self._out)

    def _send(self) -> None:
        assert self._line is not None
        try:
            self._out = self._out[self._line.send(self._out) :]
        except BlockingIOError:
            return
        except OSError:
            self._cut()

    def _hear(self) -> None:
        assert self._line is not None
        try:
            data = self._line.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._cut()
            return
        self._heard_s = time.monotonic()
        *lines, self._partial_in = (self._partial_in + data).split(b"\n")
        for line in lines:
            if line.startswith(MARK):
                self._obey(heard(line))
            else:
                self._commands += 1
                self._observer.tell(line + b"\n")

    def _obey(self, said: Json) -> None:
        word = said["line"]
        if word == "end":
            self._given_up = True
            return
        self._held.has(said["have"])
        if word == "ping":
            now_ns = time.monotonic_ns()
            # Before what waits, but not inside of a message of which a part has gone.
            pong = say("pong", sent_ns=said["sent_ns"], read_ns=now_ns, commands=self._commands)
            self._out += pong
        elif word == "from":
            self._held.again()
            self._greeted = self._was_greeted = True
            self._out += say(
                "here",
                version=VERSION,
                name=self._name,
                commands=self._commands,
                next=self._held.next,
                held=len(self._held),
            )


def keep(observe: Callable[[], None], bounds: Bounds) -> None:
    """Start a keeper, and it an observer, and be its relay until the line ends; then wait for the keeper.

    The waiting is for the sake of containers, whose first process may take in no child that it did not start.
    """
    name = f"gilscope-{secrets.token_hex(16)}"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(b"\0" + name.encode())
    listening.listen()
    pid = os.fork()
    if not pid:
        _exit_after(lambda: _keeper(listening, name, observe, bounds))
    listening.close()
    relay(name)
    _leave_line()
    os.waitpid(pid, 0)


def _keeper(listening: socket.socket, name: str, observe: Callable[[], None], bounds: Bounds) -> None:
    os.setsid()  # what ends the line's session does not end this
    for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(each, lambda number, frame: None)  # not ignored: programs would inherit that
    commands_in, commands_out = os.pipe()
    messages_in, messages_out = os.pipe()
    errors_in, errors_out = os.pipe()
    pid = os.fork()
    if not pid:
        for place, number in enumerate((commands_in, messages_out, errors_out)):
            os.dup2(number, place)
        for number in (commands_in, commands_out, messages_in, messages_out, errors_in, errors_out):
            os.close(number)
        listening.close()
        _exit_after(observe)
    for number in (commands_in, messages_out, errors_out):
        os.close(number)
    _leave_line()
    LineKeeper(listening, name, _Observer(pid, commands_out, messages_in, errors_in), bounds).run()


def _leave_line() -> None:
    """Hold the line's streams open no longer: its command ends when nobody does."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.close(null)


def _exit_after(work: Callable[[], None]) -> None:
    """In a child: end with it, as a process of its own would, and go back to no caller."""
    status = 1
    try:
        work()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - told on standard error, as the interpreter would
        import traceback

        with suppress(OSError):
            traceback.print_exc()
    finally:
        os._exit(status)
