"""The observer's loop: sample, tell, obey, until the target ends or the server says so.

beat (1 kHz)       sample every CPython of the run
look (100 Hz)      read the stacks of each GIL's holder and of its longest waiter
slice (50 ms)      write a frame; hear the server, the workload and the kernel
counters (4 Hz)    write the kernel's totals and the collectors'; look for new and ended processes
heaps              read when they are due, a step between two beats
mappings (1 Hz)    walk them, a step between two beats
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from typing import Any

from app.model.errors import GilscopeError, NotReadable, TargetFailed
from app.model.frames import SLICE_US, End, Event, Hello, Message, Report, encode
from app.model.spec import ObserverSpec

from . import access, procfs
from .line import WorkloadLine
from .looks import Moments
from .pacing import Pacer
from .processes import Processes
from .slow import SlowReads
from .target import Target

GRACE_US = 1_000_000  # between SIGTERM and SIGKILL
_START_LIMIT_S = 30.0  # for a workload to import what it needs and to start its workers
_LOCATE_LIMIT_S = 5.0
_POLL_S = 0.002  # while a target starts
_GAP_PERIODS = 10  # a beat that comes later than this leaves a gap, not a guess
_GAP_US = 10_000
_LAST_READ_NS = 10_000_000  # what a stop may wait for
_FIRST_WALK_NS = 100_000_000  # before the first sample there is time for one that takes long


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
        self._processes = Processes(server.emit, self._slow, stacks=spec.sampling.stacks_hz > 0)
        self._target: Target | None = None
        self._line: WorkloadLine | None = None
        self._origin_ns = time.monotonic_ns()
        self._state: str | None = None  # how the run ends, once that is known
        self._kill_at_us: int | None = None
        self._failure: GilscopeError | None = None
        self._root = 0
        self._pacer = Pacer(spec.sampling.gil_hz, time.monotonic_ns, time.sleep, self._cpu_of_sampling_ns)
        self._looks = Moments(spec.sampling.stacks_hz)

    def run(self) -> None:
        """Observes until the end, and leaves nothing behind whatever happens."""
        try:
            self._begin()
            if self._state is None:
                self._loop()
        except GilscopeError as failure:
            self._state, self._failure = "failed", failure
        finally:
            if self._target is not None:
                self._target.kill()
                self._target.drain()
                self._tell_output()
            self._processes.close()
        self._server.emit(self._end())

    # ---- the beginning

    def _begin(self) -> None:
        if self._spec.start is None:
            self._root = self._spec.attach_pid or 0
            self._hello()
            if not procfs.alive(self._root):
                raise access.gone(self._root)
        elif self._spec.start.workload:
            self._start(WorkloadLine())
            pids = self._await_ready()
            self._hello()
            for pid in pids:
                self._processes.watch(pid, None if pid == self._root else self._root, 0)
        else:
            self._hello()
            self._start(None)
        attached = self._spec.start is None
        root = self._processes.watch(self._root, None, self._now_us(), settled=attached)
        if attached:  # those that it has already: their totals count from now, not from their birth
            for pid in procfs.descendants(self._root):
                self._processes.watch(pid, procfs.parent(pid), self._now_us())
        if not (attached or self._line):
            self._server.emit(root.announced)  # a command may be no CPython, now or ever
        if self._state is None:
            self._await_readable()

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
        """Looks until every process known so far is sampled or refused, or the target has ended."""
        deadline = time.monotonic() + _LOCATE_LIMIT_S
        while True:
            self._processes.look(self._now_us())
            refusal = self._processes.refusal(self._root)
            if refusal is not None:
                raise refusal
            if not self._processes.pending:
                return
            self._hear(self._now_us())
            if self._state is not None or self._root_ended():
                return
            if time.monotonic() > deadline:
                if self._spec.start is not None and not self._spec.start.workload:
                    return  # a launcher that takes its time: the loop goes on looking
                raise NotReadable(f"Process {self._root} is no CPython that could be read within 5 s")
            time.sleep(_POLL_S)

    # ---- the loop

    def _cpu_of_sampling_ns(self) -> int:
        """Slow reads choose their own pace: going slower at sampling would not help them."""
        return time.process_time_ns() - self._slow.cpu_ns

    def _now_us(self) -> int:
        return (time.monotonic_ns() - self._origin_ns) // 1000

    def _loop(self) -> None:
        pacer = self._pacer
        counters_us = int(1e6 / self._spec.sampling.counters_hz)
        self._processes.read_heaps(self._now_us())
        self._processes.walk_mappings(self._now_us())
        self._slow.finish(time.monotonic_ns() + _FIRST_WALK_NS)
        self._tell_counters(self._now_us())
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
            if now - start < SLICE_US:
                continue
            self._processes.frame(start, now, samples, pacer.late - late)
            start, samples, late = now, 0, pacer.late
            self._processes.look(now)
            self._hear(now)
            self._processes.read_heaps(now)
            over = self._root_ended() or self._due_to_end(now)
            if over or now >= next_counters:
                self._follow(now)
                self._tell_counters(now)
                self._processes.walk_mappings(now)
                next_counters = now + counters_us
                self._tell_output()
            if over:
                return

    def _follow(self, now: int) -> None:
        roots = [self._root] if self._target is None else self._target.tree()
        self._processes.follow_children(roots, now)

    def _tell_output(self) -> None:
        output = self._target.output() if self._target is not None else None
        if output is not None:
            self._server.emit(Report(self._now_us(), output))

    def _tell_counters(self, now: int) -> None:
        cpu_us = time.process_time_ns() // 1000
        observer = {"cpu_us": cpu_us, "gil_hz": self._pacer.hz, "late": self._pacer.late}
        self._processes.counters(now, observer, self._line.ops() if self._line else None)

    # ---- what others say

    def _hear(self, now: int) -> None:
        if self._line is not None:
            for data in self._line.receive():
                if "result" in data:  # what an interpreter collects when it ends is no part of it
                    self._processes.tell_collectors(now)
                self._server.emit(Report(now, data))
        if self._target is not None:
            self._target.drain()
        self._obey(self._server.commands())

    def _obey(self, commands: list[dict[str, Any]]) -> None:
        for command in commands:
            if command.get("command") == "signal" and self._target is not None:
                self._target.signal(command["number"])
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
        code = self._target.exit_code or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        return TargetFailed(f"The target {how}", self._target.stderr_tail)

    def _end(self) -> End:
        code = self._target.exit_code if self._target else None
        if self._state is None:
            self._state = "finished"
            if code and self._spec.start is not None and self._spec.start.workload:
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
