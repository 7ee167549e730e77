"""One observation: opened, sampled in a loop, ended, and nothing left behind whatever happens."""

from __future__ import annotations

import os
import sys
import time
import traceback

from app.model.errors import GilscopeError
from app.model.frames import Event
from app.model.spec import ObserverSpec

from .dialogue import Dialogue
from .ending import Ending
from .kernel.run_clock import RunClock
from .kernel.timing import shorten_slice, tighten_timer
from .loop import Loop
from .opening import POLL_S, Opening
from .processes.tree import ProcessTree
from .sampling.looks import Moments
from .sampling.pacing import Pacer
from .sampling.slow import SlowReads
from .search import Search
from .server_link import ServerGone, ServerLink
from .subject import Subject


class Observer:
    """One observation, from the first sample to the end message."""

    def __init__(self, spec: ObserverSpec, link: ServerLink) -> None:
        sampling = spec.sampling
        counters_us = int(1e6 / sampling.counters_hz)
        self._link = link
        self._clock = RunClock()
        self._subject = Subject(spec)
        self._ending = Ending(self._subject)
        self._slow = SlowReads()
        self._tree = ProcessTree(
            link.emit, self._slow, self._clock, sampling.stacks_hz > 0, self._subject.leaves_out
        )
        pacer = Pacer(
            sampling.gil_hz,
            time.monotonic_ns,
            time.sleep,
            self._cpu_of_sampling_ns,
            self._tree.rounds.looks,
        )
        self._search = Search(self._tree, self._subject, self._clock, self._slow, counters_us)
        self._dialogue = Dialogue(
            link, self._clock, self._subject, self._ending, self._tree, self._slow, pacer
        )
        self._opening = Opening(
            spec,
            link,
            self._clock,
            self._subject,
            self._ending,
            self._tree,
            self._search,
            self._dialogue,
        )
        self._loop = Loop(
            self._clock,
            pacer,
            Moments(sampling.stacks_hz),
            counters_us,
            self._subject,
            self._ending,
            self._tree,
            self._slow,
            self._search,
            self._dialogue,
        )

    def run(self) -> None:
        """Observes until the end, and leaves nothing behind whatever happens."""
        try:
            self._observe()
        finally:
            self._subject.close()
            self._dialogue.tell_output()
            self._tree.close()
            self._search.close()
        self._link.emit(self._ending.message(self._clock.now_us()))

    def _observe(self) -> None:
        try:
            self._opening.begin()
            if self._ending.state is None:
                tighten_timer()  # not before the target was started, which would inherit it
                shorten_slice()
                self._loop.run()
        except ServerGone:
            raise
        except Exception as fault:
            if self._subject.target is not None and self._subject.is_command:
                self._go_on_blind(fault)
            elif isinstance(fault, GilscopeError):
                self._ending.fail(fault)
            else:
                raise

    def _go_on_blind(self, fault: Exception) -> None:
        """The observer is at fault, and no program suffers for that: it runs on to its end, unobserved."""
        traceback.print_exception(type(fault), fault, fault.__traceback__)
        said = f"{type(fault).__name__}: {fault}"
        self._link.emit(Event(self._clock.now_us(), "unobserved", self._subject.root, said))
        while not self._ending.is_due(self._clock.now_us()):
            self._dialogue.hear(self._clock.now_us())
            self._dialogue.tell_output()
            time.sleep(POLL_S)
        self._ending.fail(GilscopeError(f"The observer failed, and the program ran on unobserved: {said}"))

    def _cpu_of_sampling_ns(self) -> int:
        """Slow reads choose their own pace: going slower at sampling would not help them."""
        return time.process_time_ns() - self._slow.cpu_ns


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
        Observer(spec, ServerLink(0, sys.stdout.fileno())).run()
    except ServerGone:
        return
