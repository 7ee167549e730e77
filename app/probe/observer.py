"""The observer's loop: sample, tell, obey, until the target ends or the server says so.

beat (1 kHz)       sample every CPython of the run
look (100 Hz)      read the stacks of each GIL's holder, of its longest waiter, and of blocked threads
search (200 Hz)    take in new processes, if any was started; look for the interpreters of those without one
slice (50 ms)      write a frame; hear the server, the workload and the kernel
counters (4 Hz)    write the kernel's totals and the collectors'; look for ended processes
heaps              read when they are due, a step between two beats
mappings (1 Hz)    walk them, a step between two beats
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import asdict
from typing import Any, Callable, Union

from app.model.errors import GilscopeError, NotReadable, TargetFailed
from app.model.frames import SLICE_US, End, Event, Hello, Message, Report, encode
from app.model.spec import ObserverSpec

from . import launcher
from .cpython.runtime import NoInterpreter, NotYet
from .kernel import access, procfs
from .kernel.births import Births
from .kernel.timing import shorten_slice, tighten_timer
from .listing import is_own
from .processes import Processes
from .program import last_words
from .program.target import Target
from .program.workload_line import WorkloadLine
from .sampling.looks import Moments
from .sampling.pacing import Pacer
from .sampling.slow import SlowReads

GRACE_US = 1_000_000  # between SIGTERM and SIGKILL
_START_LIMIT_S = 30.0  # for a workload to import what it needs and to start its workers
_LOCATE_LIMIT_S = 5.0  # for a process that is asked for to become readable
_ATTACH_LIMIT_S = 0.25  # for an attached one, which has long been what it is
_FIRST_LIMIT_S = 0.25  # for a command to become a CPython before the run begins without one
# Searches come so far apart, or further where they would take more than a fiftieth of a CPU (a tenth while
# nothing is sampled), but never further than a slice, unless that would take more than a twentieth.
_SEARCH_US = 5_000
_SEARCH_REST, _SEARCH_REST_IDLE = 50, 10
_SEARCH_REST_LEAST = 20
_POLL_S = 0.002  # while a target starts
_GAP_PERIODS = 2  # a beat that comes later than both of these leaves a gap, not a guess
_GAP_US = 10_000  # two of the default switch intervals
_LAST_READ_NS = 10_000_000  # what a stop may wait for
_FIRST_WALK_NS = 100_000_000  # before the first sample there is time for one that takes long


Why = Union[GilscopeError, NotYet, None]  # a process is not read


class ServerGone(Exception):
    """Standard input ended, or nobody reads the output any more."""


class Server:
    """The way to the server: messages out, commands in."""

    def __init__(self, commands: int, output: int) -> None:
        self._commands, self._output = commands, output
        self._partial = b""
        self._seq = 0
        os.set_blocking(commands, False)

    def emit(self, message: Message) -> None:
        """Writes one message; ServerGone where nobody reads."""
        data = encode(message, self._seq).encode("utf-8", "replace") + b"\n"
        self._seq += 1
        try:
            while data:
                data = data[os.write(self._output, data) :]
        except BrokenPipeError:
            raise ServerGone from None

    def commands(self) -> list[dict[str, Any]]:
        """What the server has said since the last call."""
        while True:
            try:
                data = os.read(self._commands, 65536)
            except BlockingIOError:
                break
            if not data:
                raise ServerGone
            self._partial += data
        *lines, self._partial = self._partial.split(b"\n")
        return [json.loads(line) for line in lines if line]


class Observer:
    """One observation, from the first sample to the end message."""

    def __init__(self, spec: ObserverSpec, server: Server) -> None:
        self._spec = spec
        self._server = server
        self._slow = SlowReads()
        self._processes = Processes(
            server.emit, self._slow, stacks=spec.sampling.stacks_hz > 0, is_left_out=self._is_left_out
        )
        self._births = Births()
        self._search_at_us = self._follow_at_us = 0
        self._target: Target | None = None
        self._line: WorkloadLine | None = None
        self._origin_ns = time.monotonic_ns()
        self._state: str | None = None  # how the run ends, once that is known
        self._kill_at_us: int | None = None
        self._failure: GilscopeError | None = None
        self._root = 0
        self._counters_us = int(1e6 / spec.sampling.counters_hz)
        self._pacer = Pacer(
            spec.sampling.gil_hz,
            time.monotonic_ns,
            time.sleep,
            self._cpu_of_sampling_ns,
            self._processes.looks,
        )
        self._looks = Moments(spec.sampling.stacks_hz)

    def run(self) -> None:
        """Observes until the end, and leaves nothing behind whatever happens."""
        try:
            self._begin()
            if self._state is None:
                self._loop()
        except ServerGone:
            raise
        except Exception as fault:
            if self._target is not None and self._is_anybodys():
                self._go_on_blind(fault)
            elif isinstance(fault, GilscopeError):
                self._state, self._failure = "failed", fault
            else:
                raise
        finally:
            if self._target is not None:
                self._target.kill()
                self._target.drain()
                self._tell_output()
            self._processes.close()
            self._births.close()
        self._server.emit(self._end())

    # ---- the beginning

    def _begin(self) -> None:
        start = self._spec.start
        if start is None:
            self._attach()
        elif start.workload:
            self._start(WorkloadLine())
            pids = self._await_ready()
            self._hello()
            for pid in pids:
                self._processes.watch(pid, None if pid == self._root else self._root, 0)
            self._processes.watch(self._root, None, self._now_us())
            if self._state is None:
                self._await_readable()
        else:
            self._hello()
            self._start(None)
            self._processes.watch(self._root, None, self._now_us())
            self._processes.announce(self._root)  # it may be no CPython, now or ever
            self._await_first()

    def _attach(self) -> None:
        """The process, or those below one that is no CPython itself: a launcher, such as a shell."""
        self._root = self._spec.attach_pid or 0
        self._hello()
        if not procfs.alive(self._root):
            raise access.gone(self._root)
        self._processes.watch(self._root, None, self._now_us())
        self._await_attached(lambda why: why is None or isinstance(why, NoInterpreter))
        # Their totals, too, count from now, not from their birth.
        for pid in procfs.descendants(self._root):
            if not self._is_left_out(pid):
                self._processes.watch(pid, procfs.parent(pid), self._now_us())
        self._await_attached(lambda why: self._processes.reads_any)
        if self._processes.reads_any:
            self._processes.announce(self._root)  # not before: the first that is told of has been admitted

    def _await_attached(self, is_enough: Callable[[Why], bool]) -> None:
        """Looks until it is enough, judged by why the process is not read; else raises that."""
        began = time.monotonic()
        while True:
            self._processes.look(self._now_us())
            why = self._processes.why_not(self._root)
            if is_enough(why):
                return
            self._hear(self._now_us())
            if self._state is not None or self._root_ended():
                return
            starting = isinstance(why, NotYet) or self._processes.starting
            limit_s = _LOCATE_LIMIT_S if starting else _ATTACH_LIMIT_S
            if self._processes.refusal(self._root) or time.monotonic() - began > limit_s:
                raise self._refusal(why)
            time.sleep(_POLL_S)

    def _refusal(self, why: Why) -> GilscopeError:
        """Why it cannot be attached to."""
        if isinstance(why, NoInterpreter):
            return launcher.refusal(why, self._root, self._processes.refusals)
        if isinstance(why, GilscopeError):
            return why
        return NotReadable(f"Process {self._root} could not be read within {_LOCATE_LIMIT_S:g} s: {why}")

    def _is_left_out(self, pid: int) -> bool:
        """GILScope's own processes below a shell that is attached to."""
        if self._target is not None:
            return False
        return pid in (os.getpid(), os.getppid()) or is_own(procfs.command(pid))

    def _start(self, line: WorkloadLine | None) -> None:
        start = self._spec.start
        assert start is not None
        self._line = line
        if line is not None:
            start.env.update(line.env)
        self._target = Target(start, line.fds if line else ())
        self._root = self._target.pid
        if line is not None:
            line.started()

    def _hello(self) -> None:
        self._origin_ns = self._processes.origin_ns = time.monotonic_ns()
        sampling = asdict(self._spec.sampling)
        self._server.emit(Hello(self._origin_ns, time.time(), self._spec.run, sampling))

    def _await_ready(self) -> list[int]:
        """The pids that the workload names once all its workers stand at the gate."""
        assert self._line is not None
        assert self._target is not None
        deadline = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < deadline:
            for message in self._line.receive():
                if "ready" in message:
                    return [int(pid) for pid in message["ready"]["pids"]]
            self._obey(self._server.commands())
            self._target.drain()
            if self._state is not None:
                return []
            if self._target.reap():
                raise self._target_failed()
            time.sleep(_POLL_S)
        raise TargetFailed(f"The workload was not ready after {_START_LIMIT_S:g} s", self._target.stderr_tail)

    def _await_readable(self) -> None:
        """Looks until every process of a workload is sampled, or refused, or the workload has ended."""
        deadline = time.monotonic() + _LOCATE_LIMIT_S
        while True:
            self._processes.look(self._now_us())
            if not self._processes.pending:
                return
            self._hear(self._now_us())
            if self._state is not None or self._root_ended():
                return
            if time.monotonic() > deadline:
                why = self._processes.why_not(self._root)
                if why is None:
                    return  # a worker that is none: what it uses is counted all the same
                raise self._refusal(why)
            time.sleep(_POLL_S)

    def _await_first(self) -> None:
        """Looks for a while until the command, or a process below it, is sampled: most are CPythons.

        Whatever else it is, it runs on: the loop goes on looking.
        """
        deadline = time.monotonic() + _FIRST_LIMIT_S
        while self._state is None and not self._processes.reads_any and time.monotonic() < deadline:
            self._search(self._now_us())
            self._hear(self._now_us())
            if self._root_ended():
                return
            time.sleep(_POLL_S)

    # ---- the loop

    def _cpu_of_sampling_ns(self) -> int:
        """Slow reads choose their own pace: going slower at sampling would not help them."""
        return time.process_time_ns() - self._slow.cpu_ns

    def _now_us(self) -> int:
        return (time.monotonic_ns() - self._origin_ns) // 1000

    def _loop(self) -> None:
        tighten_timer()  # not before the target was started, which would inherit it
        shorten_slice()
        pacer, counters_us = self._pacer, self._counters_us
        self._processes.read_heaps(self._now_us())
        self._processes.walk_mappings(self._now_us())
        self._slow.finish(time.monotonic_ns() + _FIRST_WALK_NS)
        self._tell_counters(self._now_us(), every=True)
        start = last = self._now_us()
        self._processes.begin(start)
        pacer.start()
        if self._line is not None:
            self._line.go()
        next_counters = start + counters_us
        samples = late = 0
        while True:
            self._slow.step(pacer.due_ns)
            now = (pacer.wait() - self._origin_ns) // 1000
            period = pacer.period_ns // 1000
            if now - last > max(_GAP_US, _GAP_PERIODS * period):
                self._processes.gap(last + period)
            last = now
            self._processes.sample(now)
            samples += 1
            if self._looks.due(now, pacer.hz / pacer.requested_hz):
                self._processes.look_at_stacks(now)
            if self._target is not None:
                self._target.relieve()
            if now >= self._search_at_us:
                self._search(now)
            if now - start < SLICE_US:
                continue
            self._processes.frame(start, now, samples, pacer.late - late)
            self._processes.share_looks(pacer.most_looks)
            start, samples, late = now, 0, pacer.late
            self._hear(now)
            self._processes.read_heaps(now)
            over = self._root_ended() or self._due_to_end(now)
            if over or now >= next_counters:
                if over:
                    self._follow(now)
                self._tell_counters(now, every=over)
                self._processes.walk_mappings(now)
                next_counters = now + counters_us
                self._tell_output()
            if over:
                return

    def _search(self, now: int) -> None:
        """Takes in processes that were started since, and looks for interpreters where there was none."""
        began_ns = time.thread_time_ns()
        if self._births.any() or now >= self._follow_at_us:
            self._follow(now)
        self._processes.look(now)
        cost_us = (time.thread_time_ns() - began_ns) // 1000
        rest = _SEARCH_REST if self._processes.reads_any else _SEARCH_REST_IDLE
        most_us = max(SLICE_US, cost_us * _SEARCH_REST_LEAST)
        self._search_at_us = now + min(max(_SEARCH_US, cost_us * rest), most_us)

    def _follow(self, now: int) -> None:
        roots = [self._root] if self._target is None else [self._root, *procfs.children(os.getpid())]
        self._processes.follow_children(roots, now)
        self._follow_at_us = now + self._counters_us

    def _tell_output(self) -> None:
        output = self._target.output() if self._target is not None else None
        if output is not None:
            self._server.emit(Report(self._now_us(), output))

    def _tell_counters(self, now: int, every: bool) -> None:
        """`every`: of every thread, at the beginning and at the end."""
        cpu_us = time.process_time_ns() // 1000
        observer = {"cpu_us": cpu_us, "gil_hz": self._pacer.hz, "late": self._pacer.late}
        self._processes.counters(now, observer, self._line.ops() if self._line else None, every)

    def _is_anybodys(self) -> bool:
        """Whether the program is a command or a script, and no workload of the catalogue."""
        return self._spec.start is not None and not self._spec.start.workload

    def _go_on_blind(self, fault: Exception) -> None:
        """The observer is at fault, and no program suffers for that: it runs on to its end, unobserved."""
        traceback.print_exception(type(fault), fault, fault.__traceback__)
        said = f"{type(fault).__name__}: {fault}"
        self._failure = GilscopeError(f"The observer failed, and the program ran on unobserved: {said}")
        self._server.emit(Event(self._now_us(), "unobserved", self._root, said))
        while not (self._root_ended() or self._due_to_end(self._now_us())):
            self._hear(self._now_us())
            self._tell_output()
            time.sleep(_POLL_S)
        self._state = "failed"

    # ---- what others say

    def _hear(self, now: int) -> None:
        if self._line is not None:
            for data in self._line.receive():
                if "result" in data:  # here the measured time ends, so totals are told as they stand
                    self._tell_counters(now, every=True)
                self._server.emit(Report(now, data))
        if self._target is not None:
            self._target.drain()
        self._obey(self._server.commands())

    def _obey(self, commands: list[dict[str, Any]]) -> None:
        for command in commands:
            if command.get("command") == "signal" and self._target is not None:
                self._target.signal(command["number"], command["terminal"])
            elif command.get("command") == "action" and self._line is not None:
                if not self._line.act(command["name"]):
                    self._server.emit(Event(self._now_us(), "unheard", self._root, command["name"]))
            elif command.get("command") == "heap":
                self._processes.look_at_heaps(command["look"])
            elif command.get("command") == "stop" and self._state is None:
                self._read_heaps_for_the_end()
                self._state = command.get("state", "stopped")
                self._server.emit(Event(self._now_us(), "stopping", self._root, self._state))
                if self._line is not None:
                    self._line.stop()
                if self._target is not None:
                    self._target.ask_to_end()
                    self._kill_at_us = self._now_us() + GRACE_US

    def _read_heaps_for_the_end(self) -> None:
        """The target still holds what it held; once it is asked to end it does no more."""
        self._processes.read_heaps_for_the_end(self._now_us())
        self._slow.finish(time.monotonic_ns() + _LAST_READ_NS)

    def _root_ended(self) -> bool:
        if self._target is not None:
            return self._target.reap()
        return not procfs.alive(self._root)

    def _due_to_end(self, now: int) -> bool:
        """A stop was asked for, and nothing is left to wait for."""
        if self._state is None:
            return False
        return self._target is None or (self._kill_at_us is not None and now >= self._kill_at_us)

    # ---- the end

    def _target_failed(self) -> TargetFailed:
        assert self._target is not None
        failure = last_words.failure(self._target.exit_code or 0, self._target.tail)
        # What a command or a script wrote is told in reports.
        return TargetFailed(failure, "" if self._is_anybodys() else self._target.stderr_tail)

    def _end(self) -> End:
        code = self._target.exit_code if self._target else None
        if self._state is None:
            self._state = "finished"
            if code:
                self._state, self._failure = "failed", self._target_failed()
        error = self._failure.to_json() if self._failure else None
        return End(self._now_us(), self._state, error, code)


def serve() -> None:
    """Reads the spec from standard input and observes; returns when it is over."""
    head = b""
    while not head.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return
        head += byte
    spec = ObserverSpec.from_line(head.decode())
    try:
        Observer(spec, Server(0, sys.stdout.fileno())).run()
    except ServerGone:
        return
