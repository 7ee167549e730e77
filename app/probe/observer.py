"""One observation: opened, sampled in a loop, ended, and nothing left behind whatever happens."""

from __future__ import annotations

import os
import sys
import time
import traceback

from app.model.errors import GilscopeError
from app.model.frames import Event
from app.model.priority import come_first
from app.model.spec import ObserverSpec

from .dialogue import Dialogue
from .ending import Ending
from .kernel.run_clock import RunClock
from .kernel.timing import shorten_slice, tighten_timer
from .loop import Loop
from .opening import POLL_S, Opening
from .processes.tree import ProcessTree
from .run_parts import RunParts
from .sampling.pacing import Pacer
from .sampling.slow import SlowReads
from .search import Search
from .server_link import ServerGone, ServerLink
from .subject import Subject


class Observer:
    """One observation, from the first sample to the end message."""

    def __init__(self, spec: ObserverSpec, link: ServerLink) -> None:
        sampling, clock, slow, subject = spec.sampling, RunClock(), SlowReads(), Subject(spec)
        tree = ProcessTree(link.emit, slow, clock, sampling.stacks_hz > 0, subject.leaves_out)
        self._run = run = RunParts(link, clock, subject, Ending(subject), slow, tree)
        clock_ns, cpu_ns = time.monotonic_ns, self._cpu_of_sampling_ns
        pacer = Pacer(sampling.gil_hz, clock_ns, time.sleep, cpu_ns, tree.rounds.looks)
        self._search = Search(run, int(1e6 / sampling.counters_hz))
        self._dialogue = Dialogue(run, pacer)
        self._opening = Opening(spec, run, self._search, self._dialogue)
        self._loop = Loop(run, sampling, pacer, self._search, self._dialogue)

    def run(self) -> None:
        """Observes until the end, and leaves nothing behind whatever happens."""
        try:
            self._observe()
        finally:
            self._run.subject.close()
            self._dialogue.tell_output(last=True)
            self._run.tree.close()
            self._search.close()
        self._run.link.emit(self._run.ending.message(self._run.clock.now_us()))

    def _observe(self) -> None:
        try:
            self._opening.begin()
            if self._run.ending.state is None:
                tighten_timer()  # not before the target was started, which would inherit it
                come_first()
                shorten_slice()  # after it, which would take the slice back
                self._loop.run()
        except ServerGone:
            raise
        except Exception as fault:
            if self._run.subject.target is not None and self._run.subject.is_command:
                self._go_on_blind(fault)
            elif isinstance(fault, GilscopeError):
                self._run.ending.fail(fault)
            else:
                raise

    def _go_on_blind(self, fault: Exception) -> None:
        """The observer is at fault, and no program suffers for that: it runs on to its end, unobserved."""
        traceback.print_exception(type(fault), fault, fault.__traceback__)
        said = f"{type(fault).__name__}: {fault}"
        self._run.link.emit(Event(self._run.clock.now_us(), "unobserved", self._run.subject.root, said))
        while not self._run.ending.is_due(self._run.clock.now_us()):
            self._dialogue.hear(self._run.clock.now_us())
            self._dialogue.tell_output()
            time.sleep(POLL_S)
        self._run.ending.fail(
            GilscopeError(f"The observer failed, and the program ran on unobserved: {said}")
        )

    def _cpu_of_sampling_ns(self) -> int:
        """Slow reads choose their own pace: going slower at sampling would not help them."""
        return time.process_time_ns() - self._run.slow.cpu_ns


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
