"""What the observer hears from the server and the workload, and what it tells of itself and the program."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from app.model.commands import Act, Command, LookAtHeap, Signal, Stop
from app.model.frames import Event, Report

from .run_parts import RunParts
from .sampling.pacing import Pacer
from .sampling.slow import finished

_LAST_READ_NS = 10_000_000  # what a stop may wait for


class Dialogue:
    """Hears and obeys, a few times a second."""

    def __init__(self, run: RunParts, pacer: Pacer) -> None:
        self._link, self._clock, self._subject, self._ending = run.link, run.clock, run.subject, run.ending
        self._tree, self._slow, self._pacer = run.tree, run.slow, pacer

    def hear(self, now_us: int) -> None:
        """Passes on what a workload tells, and does what the server asks for."""
        for data in self._subject.reports():
            if "result" in data:  # here the measured time ends, so totals are told as they stand
                self.tell_counters(now_us, every=True)
            self._link.emit(Report(now_us, data))
        self._subject.drain()
        if self._subject.tells_at_once:
            self.tell_output()
        self.obey()

    def obey(self) -> None:
        """Does what the server has asked for."""
        for command in self._link.commands():
            self._obey(command)

    def _obey(self, command: Command) -> None:
        subject = self._subject
        if isinstance(command, Signal) and subject.target is not None:
            subject.target.signal(command.number, command.terminal)
        elif isinstance(command, Act) and subject.line is not None:
            if not subject.line.act(command.name):
                self._link.emit(Event(self._clock.now_us(), "unheard", subject.root, command.name))
        elif isinstance(command, LookAtHeap):
            self._tree.heaps.look_at(command.look)
        elif isinstance(command, Stop) and self._ending.state is None:
            self._read_heaps_for_the_end()
            self._link.emit(Event(self._clock.now_us(), "stopping", subject.root, command.state))
            self._ending.stop(command.state, self._clock.now_us())

    def _read_heaps_for_the_end(self) -> None:
        """The target still holds what it held; once it is asked to end it does no more."""
        self._tree.heaps.read_for_the_end(self._clock.now_us())
        self._slow.finish(time.monotonic_ns() + _LAST_READ_NS)

    def tell_output(self, last: bool = False) -> None:
        """Tells what a command has written; ends a program that has written more than it may."""
        output = self._subject.output(last)
        if output is not None:
            self._link.emit(Report(self._clock.now_us(), output))
        overrun = self._subject.overrun()
        if overrun is not None and self._ending.state is None:
            now_us = self._clock.now_us()
            self._link.emit(Event(now_us, "stopping", self._subject.root, "failed"))
            self._ending.refuse(overrun, now_us)

    def tell_counters(self, now_us: int, every: bool) -> None:
        """Tells the totals as they stand now. `every`: of every thread, at the beginning and at the end."""
        threads = finished(self._tree.reports.thread_counters(now_us, every))
        self._tell_counters(now_us, threads)

    def counters(self) -> Iterator[None]:
        """Tells the totals of some threads, as of the last step."""
        threads = yield from self._tree.reports.thread_counters(self._clock.now_us(), every=False)
        self._tell_counters(self._clock.now_us(), threads)

    def _tell_counters(self, now_us: int, threads: list[Any]) -> None:
        cpu_us = time.process_time_ns() // 1000
        observer = {"cpu_us": cpu_us, "gil_hz": self._pacer.hz, "late": self._pacer.late}
        self._tree.reports.counters(now_us, threads, observer, self._subject.ops())
