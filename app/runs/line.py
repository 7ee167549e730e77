"""An observation through a line that may be cut: it is had again, and what was kept there is not lost.

    python -m app.runs.line SECONDS BYTES FOLDER VIA...

stands for `python -m app.probe` on the far side of VIA, as far.py does for what answers once. There a keeper
stands between the observer and the line: app/model/line.py says what is spoken, and app/probe/line what is
there. A line ends when its command does, or when it has said nothing for SILENT_S; the command is then
started again, at growing pauses, for as long as the keeper keeps anything: SECONDS, and BYTES of messages.

What the server asks for meanwhile waits, and goes there when the line is back. Asked to end, this side waits
STOP_S for that and then ends alone; the far side ends by itself. Messages are numbered anew, since this side
tells of the line among them: frames.FarLine. The run's beginning is told by the clock on the wall here.
"""

from __future__ import annotations

import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO

from app.model import frames
from app.model.commands import Command, LookAtHeap, Signal, Stop, decode, encode
from app.model.errors import GilscopeError
from app.model.line import KEEP_BYTES, KEEP_S, MARK, SILENT_S, VERSION, Json, heard, say
from app.runs import far
from app.runs.clocks import ClockBeside, FollowedClock, Trip

PING_S = 1.0
TRIPS = 8  # at once, when a line begins; the first message waits for them
CLOCK_S = 2.0  # but no longer than this
CLOCKS_S = 30.0  # from one comparison of clocks to the next
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0  # before the command is started again; twice as long each time
OPEN_S = 20.0  # for one that is started again to lead there
LAST_S = 1.5  # for the line to end after the last word; less than Patience.exit_s
STOP_S = 3.0  # for a line that is cut to come back, when the run is asked to end; less than Patience.stop_s
_TICK_S = 0.25
_READ = 1 << 20
_QUEUED = 32  # readings of a line that wait to be passed on: then the line waits
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL)
_HEAD = re.compile(rb'\{"type":"(\w+)","seq":(\d+)')
_SAID = 500  # characters of what a command says


def command(via: str, keep_s: float = KEEP_S, keep_bytes: int = KEEP_BYTES) -> list[str]:
    """What stands for the observer's own command, in a shell that `via` gives; BadRequest."""
    bounds = [str(keep_s), str(keep_bytes)]
    return [sys.executable, "-m", "app.runs.line", *bounds, os.getcwd(), *far.split(via)]


@dataclass(frozen=True)
class _Came:
    """Something for the loop: of a way, or of the server where there is none."""

    way: _Way | None
    data: bytes
    at_ns: int = 0


@dataclass(frozen=True)
class _Ended:
    """A way has ended, or the server has gone."""

    way: _Way | None
    why: str = ""
    status: int = 0


@dataclass(frozen=True)
class _Asked:
    """A line of the server's; `ends`: what it asks for, if that is an end."""

    data: bytes
    at_s: float
    ends: Command | None


class _Way:
    """One line: the command, started, and two threads that read from it and write to it."""

    def __init__(self, via: Sequence[str], folder: str, words: list[str], errors: IO[bytes] | None) -> None:
        self._via, self._folder, self._words = via, folder, words
        self._errors = errors  # None: what it says there is told as this process's own
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._far: subprocess.Popen[bytes] | None = None
        self._closed = False
        self.opened_s = self.heard_s = self.greeted_s = time.monotonic()
        self.greeted = False  # the keeper has answered

    def start(self, into: queue.Queue[_Came | _Ended]) -> None:
        """Put what comes there."""
        threading.Thread(target=self._run, args=(into,), daemon=True).start()

    def write(self, data: bytes) -> None:
        """Send it, once the line is open."""
        self._out.put(data)

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._out.put(None)
        if self._far is not None:
            with suppress(OSError):
                self._far.terminate()

    @property
    def said(self) -> str:
        """The end of what its command wrote to standard error, where that is not this process's."""
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-_SAID:]

    def _run(self, into: queue.Queue[_Came | _Ended]) -> None:
        name = far.shown(shlex.join(self._via))
        try:
            process = self._far = subprocess.Popen(
                [*self._via, "sh"],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
            )
        except OSError as error:
            into.put(_Ended(self, far.not_started(self._via, error), 127))
            return
        assert process.stdin is not None
        assert process.stdout is not None
        if self._closed:
            process.terminate()
        with suppress(BrokenPipeError):
            os.write(process.stdin.fileno(), far.first_line(self._words))
        said = far.before(process.stdout.fileno())
        if said is None:
            threading.Thread(target=self._send, args=(process.stdin,), daemon=True).start()
            while data := os.read(process.stdout.fileno(), _READ):
                into.put(_Came(self, data, time.monotonic_ns()))
        else:
            process.stdin.close()
        self._out.put(None)
        process.stdout.close()
        status = far.ended(process, far.END_S)
        if said is not None:
            into.put(_Ended(self, far.no_python(name, status, said), 1))
        else:
            into.put(_Ended(self, f"`{name}` ended with status {status}", status))

    def _send(self, stdin: IO[bytes]) -> None:
        """The zip first, and then what is written, until the end."""
        data: bytes | None = far.sent()
        with suppress(OSError):
            while data is not None:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(stdin.fileno(), rest) :]
                data = self._out.get()
        with suppress(OSError):
            stdin.close()


class NearSide:
    """What stands for the observer here; `run` gives its exit status."""

    def __init__(self, via: Sequence[str], folder: str, keep_s: float, keep_bytes: int) -> None:
        self._via, self._folder = via, folder
        self._name = far.shown(shlex.join(via))
        self._keep_s = keep_s
        self._begin = ["--keep", str(keep_s), str(keep_bytes)]
        self._queue: queue.Queue[_Came | _Ended] = queue.Queue(_QUEUED)
        self._way: _Way | None = None
        self._there = ""  # what leads to the keeper again; empty before there is one
        self._status: int | None = None  # this process's own, once it is known
        self._was_told_to_end = False
        # Messages.
        self._partial = b""  # of a line of the other side
        self._have = -1  # the number of the last message that came
        self._seq = 0  # of the next one that goes out
        self._frame = b""  # the newest
        self._waiting: list[bytes] | None = []  # what came before the clocks were compared; None: they were
        self._missing_from, self._missing = -1, 0  # so many from there on were dropped, and that was told
        self._gap = False  # slices were dropped, and the next one has not come
        self._over_s: float | None = None  # since when it is: then the line is only waited for
        self._last_status = 0  # this process's own, then
        # Commands.
        self._asked: deque[_Asked] = deque()  # those that may not have got there
        self._spec_came = False
        self._taken = 0  # of those before them
        # Clocks.
        self._clock = FollowedClock()
        self._trips: list[Trip] = []
        self._quick = TRIPS  # pings that are still to be sent at once
        self._compare_at_s = 0.0
        self._told_off_ns = 0
        # The line that is cut.
        self._cut_s: float | None = None
        self._why = ""
        self._again_at_s = 0.0
        self._pause_s = FIRST_PAUSE_S

    def run(self) -> int:
        """Until the observation has ended, or the line is not to be had again."""
        threading.Thread(target=self._hear_server, daemon=True).start()
        threading.Thread(target=self._ping_on, daemon=True).start()
        self._open(self._begin)
        while self._status is None:
            try:
                came = self._queue.get(timeout=_TICK_S)
            except queue.Empty:
                pass
            else:
                self._take(came)
            self._tick(time.monotonic())
        return self._status

    def _take(self, came: _Came | _Ended) -> None:
        if came.way is None:
            if isinstance(came, _Ended):
                self._leave()
            else:
                self._ask(came.data)
        elif came.way is not self._way:
            return  # of a line that was given up
        elif isinstance(came, _Ended):
            self._lost(came.why, came.status)
        else:
            self._way.heard_s = time.monotonic()
            *lines, self._partial = (self._partial + came.data).split(b"\n")
            self._hear(lines, came.at_ns)

    def _ask(self, data: bytes) -> None:
        """The server's: the spec, and then commands."""
        asked = decode(data) if self._spec_came else None
        self._spec_came = True
        self._asked.append(_Asked(data, time.monotonic(), asked if _is_ending(asked) else None))
        if self._way is not None and self._way.greeted:
            self._way.write(data)

    def _tick(self, now_s: float) -> None:
        way = self._way
        if self._was_told_to_end:
            self._leave()
        if self._over_s is not None and way is not None and now_s - self._over_s > LAST_S:
            way.close()
            self._status = self._last_status
        if self._over_s is not None or self._status is not None:
            return
        late = way is not None and way.greeted and now_s > way.greeted_s + CLOCK_S
        if self._trips and (late if self._quick else now_s >= self._compare_at_s):
            self._quick = 0
            self._compare(now_s)
        elif self._waiting is not None and late:
            self._pass_waiting()  # no trip came back: their clock is not set beside the one here
        if way is not None and way.greeted and now_s - way.heard_s > SILENT_S:
            self._give_up(way)
            self._lost(f"`{self._name}` said nothing for {SILENT_S:g} s", 1)
        elif way is not None and self._cut_s is not None and now_s - way.opened_s > OPEN_S:
            self._give_up(way)
            self._lost(f"`{self._name}` led nowhere within {OPEN_S:g} s", 1)
        if self._cut_s is not None:
            self._tick_cut(now_s, self._cut_s)

    def _tick_cut(self, now_s: float, cut_s: float) -> None:
        for asked in self._asked:
            if asked.ends is not None and now_s - max(asked.at_s, cut_s) > STOP_S:
                self._end_alone(asked.ends)
                return
        if now_s - cut_s > self._keep_s:
            self._gone(f"{self._why}, and it could not be had again within {self._keep_s:g} s")
        elif self._way is None and now_s >= self._again_at_s:
            self._open(["--again", self._there])

    # ---- the line

    def _open(self, words: list[str]) -> None:
        errors = tempfile.TemporaryFile() if self._there else None  # noqa: SIM115 - as long as the way
        self._partial = b""
        self._way = _Way(self._via, self._folder, words, errors)
        self._way.write(say("from", have=self._have))
        self._way.start(self._queue)

    def _give_up(self, way: _Way) -> None:
        way.close()
        self._way = None

    def _lost(self, why: str, status: int) -> None:
        """There is no line any more; at the end that is as it should be."""
        said = self._way.said if self._way is not None else ""
        self._way = None
        if self._over_s is not None:
            self._status = self._last_status
            return
        if not self._there:
            sys.stderr.write(f"{why}\n")
            self._status = status or 1
            return
        now_s = time.monotonic()
        if self._cut_s is None:
            self._cut_s, self._pause_s = now_s, FIRST_PAUSE_S
            self._why = why
        detail = f"{why}. It said: {said}" if said else why
        self._again_at_s = now_s + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
        self._tell("cut", detail, round((now_s - self._cut_s) * 1e6))

    def _gone(self, why: str, remedy: str = far.REMEDY) -> None:
        """It is not tried any more: the run has failed."""
        self._end(frames.End(self._edge_us(), "failed", GilscopeError(why, remedy).to_json()), why)

    def _end_alone(self, asked: Command) -> None:
        """The run was asked to end while the line is cut."""
        what = f"What is observed there is let go of, or ended if it was started there, in {self._keep_s:g} s"
        if isinstance(asked, Stop):
            self._end(frames.End(self._edge_us(), asked.state), f"{self._why}. {what}")
        else:
            self._gone(f"{self._why}, so the signal could not be passed on. {what}")

    def _end(self, end: frames.End, why: str) -> None:
        if self._way is not None:
            self._give_up(self._way)
        if not self._seq:  # there was no hello, and so no run
            sys.stderr.write(f"{why}\n")
            self._status = 1
            return
        self._tell("gone", why, round((time.monotonic() - (self._cut_s or time.monotonic())) * 1e6))
        self._write([self._numbered(frames.encode(end, 0).encode() + b"\n")])
        self._status = 0

    def _leave(self) -> None:
        """The server has gone."""
        if self._way is None or not self._way.greeted:
            self._status = 0
        else:
            self._finish(self._way)

    def _finish(self, way: _Way, status: int = 0) -> None:
        """Nothing more is wanted: the keeper ends what is there, itself, and with that the line."""
        if self._over_s is None:
            way.write(say("end"))
            self._over_s, self._last_status = time.monotonic(), status

    def be_told_to_end(self) -> None:
        """From a signal handler: as if the server had gone."""
        self._was_told_to_end = True

    # ---- what comes

    def _hear(self, lines: list[bytes], at_ns: int) -> None:
        out: list[bytes] = []
        for line in lines:
            if line.startswith(MARK):
                self._write(out)  # in their order
                out = []
                self._obey(heard(line), at_ns)
                continue
            head = _HEAD.match(line)
            if head is None:
                raise ValueError(f"it is no message: {line[:80]!r}")
            kind, seq = head[1], int(head[2])
            if seq <= self._have:
                continue
            self._have = seq
            if self._waiting is not None:
                self._waiting.append(line)
            else:
                out += self._message(kind, line)
        self._write(out)

    def _message(self, kind: bytes, line: bytes) -> list[bytes]:
        """A message, as it goes on, and what is to be told before it."""
        before: list[bytes] = []
        if kind == b"frame":
            if self._gap:
                before = self._told_gap(line)
            self._frame = line
        elif kind == b"hello":
            numbered = self._numbered(self._by_own_wall(line) + b"\n")
            return [numbered, *self._told_clock()]
        elif kind == b"end":
            assert self._way is not None
            self._finish(self._way)
        return [*before, self._numbered(line + b"\n")]

    def _told_gap(self, frame: bytes) -> list[bytes]:
        self._gap = False
        seen = frames.glance(frame.decode())
        edge_us = self._edge_us()
        if seen is None or seen[1] <= edge_us:
            return []
        gap = frames.FarLine(seen[1], "gap", "", seen[1] - edge_us)
        return [self._numbered(frames.encode(gap, 0).encode() + b"\n")]

    def _by_own_wall(self, line: bytes) -> bytes:
        """The hello, with when that was by the clock on the wall here."""
        hello = frames.decode(line)
        assert isinstance(hello, frames.Hello)
        if self._clock.beside is None:
            return line
        here_ns = hello.origin_ns - self._clock.beside.ahead_ns
        started_at = time.time() - (time.monotonic_ns() - here_ns) / 1e9
        return frames.encode(replace(hello, started_at=started_at), 0).encode()

    def _numbered(self, line: bytes) -> bytes:
        head = _HEAD.match(line)
        assert head is not None
        begin, end = head.span(2)
        self._seq += 1
        return b"%b%d%b" % (line[:begin], self._seq - 1, line[end:])

    def _pass_waiting(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        out: list[bytes] = []
        for line in waiting:
            head = _HEAD.match(line)
            assert head is not None
            out += self._message(head[1], line)
        self._write(out)

    def _obey(self, said: Json, at_ns: int) -> None:
        way = self._way
        assert way is not None
        word = said["line"]
        if word == "here":
            self._greet(way, said)
        elif word == "pong":
            self._take_commands(said["commands"])
            self._trips.append(Trip(said["sent_ns"], said["read_ns"], at_ns))
            if self._quick:
                self._quick -= 1
                if self._quick:
                    self._ping(way)
                else:
                    self._compare(time.monotonic())
        elif word == "over":
            self._have = said["seq"]
            if self._over_s is None:
                sys.stderr.write(f"the observer there ended with status {said['status']}: {said['said']}\n")
                self._finish(way, 1)
        elif word == "gone":
            self._give_up(way)
            self._gone(f"{self._why}, and nothing is kept there any more: {said['why']}")

    def _greet(self, way: _Way, said: Json) -> None:
        if said["version"] != VERSION:
            theirs = said["version"]
            self._gone(f"What is kept there is of another version of GILScope: {theirs}, not {VERSION}")
            return
        way.greeted, way.greeted_s, self._there = True, time.monotonic(), said["name"]
        self._take_commands(said["commands"])
        for asked in self._asked:
            way.write(asked.data)
        self._trips, self._quick = [], TRIPS
        self._ping(way)
        if self._cut_s is not None:
            missing = said["next"] - 1 - self._have - said["held"]
            dropped = missing - (self._missing if self._missing_from == self._have else 0)
            self._missing_from, self._missing = self._have, missing
            length_us = round((time.monotonic() - self._cut_s) * 1e6)
            self._cut_s = None
            self._tell("back", "", length_us, dropped)
            if dropped:
                self._gap = True
                # A map of a heap is told by what has changed, of which some was dropped: so have all of it.
                for look in (True, False):
                    self._ask(encode(LookAtHeap(look)).encode() + b"\n")

    def _take_commands(self, number: int) -> None:
        """The far side has got so many."""
        while self._asked and self._taken < number:
            self._asked.popleft()
            self._taken += 1

    # ---- clocks

    def _ping(self, way: _Way) -> None:
        way.write(say("ping", sent_ns=time.monotonic_ns(), have=self._have))

    def _ping_on(self) -> None:
        """In a thread: also while what came cannot be passed on, as the server does not read."""
        while True:
            time.sleep(PING_S)
            way = self._way
            if way is not None and way.greeted:
                self._ping(way)

    def _compare(self, now_s: float) -> None:
        self._clock.set(ClockBeside.of(self._trips, same=False))
        self._trips = []
        self._compare_at_s = now_s + CLOCKS_S
        if self._waiting is not None:
            self._pass_waiting()
        if self._seq:
            self._write(self._told_clock())

    def _told_clock(self) -> list[bytes]:
        """How it stands, where that has become less certain than was told."""
        if self._clock.beside is None or self._clock.off_ns <= self._told_off_ns:
            return []
        self._told_off_ns = self._clock.off_ns
        # Rounded up: an uncertainty is not told as less than it is.
        clock = [self._clock.beside.ahead_ns // 1000, -(-self._clock.off_ns // 1000)]
        return [self._line("clock", clock=clock)]

    # ---- the way out

    def _edge_us(self) -> int:
        """Up to when is told."""
        seen = frames.glance(self._frame.decode()) if self._frame else None
        return 0 if seen is None else seen[2]

    def _line(
        self,
        state: str,
        detail: str = "",
        length_us: int = 0,
        messages: int = 0,
        clock: list[int] | None = None,
    ) -> bytes:
        told = frames.FarLine(self._edge_us(), state, detail, length_us, messages, clock)
        return self._numbered(frames.encode(told, 0).encode() + b"\n")

    def _tell(self, state: str, detail: str, length_us: int, messages: int = 0) -> None:
        if self._seq:
            self._write([self._line(state, detail, length_us, messages)])

    def _write(self, lines: list[bytes]) -> None:
        rest = memoryview(b"".join(lines))
        try:
            while rest:
                rest = rest[os.write(1, rest) :]
        except BrokenPipeError:
            self._leave()

    def _hear_server(self) -> None:
        partial = b""
        while data := os.read(0, _READ):
            *lines, partial = (partial + data).split(b"\n")
            for line in lines:
                self._queue.put(_Came(None, line + b"\n"))
        self._queue.put(_Ended(None))


def _is_ending(asked: Command | None) -> bool:
    """Whether it is to end the run, or the program."""
    return isinstance(asked, Stop) or (isinstance(asked, Signal) and asked.number in _ENDING)


def main(keep_s: str, keep_bytes: str, folder: str, *via: str) -> int:
    """Stands for the observer until it has ended; its exit status."""
    side = NearSide(via, folder, float(keep_s), int(keep_bytes))
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, frame: side.be_told_to_end())
    return side.run()


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # the threads wait for what may never come
