"""The only place where figures are computed: messages in, figures, header and summary out.

Live view, late viewer, replay, export and command line all read the same Ledger. It keeps no clock: time is
what the messages say.

Measured time runs from the first frame to the report that holds a workload's result, else to the end. Sums
are taken over it, so that the end of the interpreter is not counted as the workload's; a slice on the border
is cut there, but for its switches, which are known only of the whole. Running totals count from the counters
that came before the first frame. Rolling figures are of the last second, measured or not.

    figures   {"type": "figures", "at_us", "window_s", "main_gil",
               "gils": [{"gil", "pid", "interpreter", "held_share", "contended_share", "switches_per_s",
                         "waiters", "switches"}],
               "processes": [{"pid", "python", "cpu_share", "rss", "peak_rss", "minor_faults", "major_faults",
                              "uss", "pss"}],
               "threads": [{"lane", "alive", and the fields of a thread in a summary}], "threads_not_shown",
               "totals": {"cpu_share", "rss", "ops", "ops_per_s", "switches_per_s"},
               "observer": {"cpu_share", "gil_hz", "late", "failed"}}
    header    {"type": "header", "hello", "processes": [process message],
               "threads": [[lane, pid, tid, name, interpreter]], "gils": [[gil, pid, interpreter]],
               "figures", "series": {"names", "every", "rows"}}
    summary   see summary.py

`gils`, `processes`, `totals` and the rates of `observer` roll; `switches`, `threads`, `late` and `failed` are
sums. `main_gil` is the index of the GIL most held in the window. What has not been measured is null, never 0.
"""

from __future__ import annotations

from typing import Any

from app.analysis.gils import Gils
from app.analysis.processes import Processes
from app.analysis.sampling import ObserverCpu, Sampled
from app.analysis.series import Row, Series
from app.analysis.summary import summarise
from app.analysis.threads import Threads
from app.analysis.tracks import GIL_STEP, LANE_STEP, GilTime, cut
from app.analysis.window import CounterWindow, FrameWindow, GilRates, main_gil
from app.model.frames import Counters, End, Event, Frame, Hello, Message, Names, Process, Report, to_json


class Ledger:
    """Feed it the messages of one observation, in order; ask it at any moment."""

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self.end: End | None = None
        self.result: dict[str, Any] | None = None
        self.at_us = 0
        self.begin_us = 0
        self.end_us: int | None = None
        self.processes = Processes()
        self.threads = Threads()
        self.gils = Gils()
        self.sampled = Sampled()
        self.observer_cpu = ObserverCpu()
        self.frames = FrameWindow()
        self.counters = CounterWindow()
        self.series = Series()

    def feed(self, message: Message) -> None:
        """Take the next message. ValueError when it speaks of what no message before it named."""
        match message:
            case Frame():
                self._frame(message)
            case Counters():
                self._counters(message)
            case Names():
                self.threads.names(message)
                self.gils.names(message)
            case Process():
                self._process(message)
            case Report():
                self._report(message)
            case Hello():
                self.hello = message
            case End():
                self.end = message
                self._close(message.at_us)
            case Event():
                pass
        self.at_us = max(self.at_us, _instant(message))

    @property
    def measured_us(self) -> int:
        """The measured time so far."""
        return (self.at_us if self.end_us is None else self.end_us) - self.begin_us

    def figures(self) -> dict[str, Any]:
        """The figures of this moment, as at the head of this module."""
        rates = self.frames.gils()
        length_us = self.frames.length_us
        cpu_shares = self.counters.cpu_shares()
        rows, not_shown = self.threads.live_rows(self.at_us)
        return {
            "type": "figures",
            "at_us": self.at_us,
            "window_s": length_us / 1e6,
            "main_gil": main_gil(rates),
            "gils": [self._live_gil(index, rates[index]) for index in sorted(rates)],
            "processes": self.processes.live_rows(cpu_shares),
            "threads": rows,
            "threads_not_shown": not_shown,
            "totals": self._live_totals(rates, cpu_shares),
            "observer": {
                "cpu_share": self.counters.observer_cpu_share,
                "gil_hz": self.frames.samples * 1e6 / length_us if length_us else None,
                "late": self.sampled.late,
                "failed": self.sampled.failed,
            },
        }

    def header(self) -> dict[str, Any]:
        """What a viewer needs to draw from the start, as at the head of this module.

        ValueError before the hello.
        """
        if self.hello is None:
            raise ValueError("an observation begins with its hello, which has not come yet")
        return {
            "type": "header",
            "hello": to_json(self.hello),
            "processes": [to_json(message) for message in self.processes.messages()],
            "threads": [
                [thread.lane, thread.pid, thread.tid, thread.name, thread.interpreter]
                for thread in self.threads.spoken_of(self.at_us)
            ],
            "gils": [[gil.index, gil.pid, gil.interpreter] for gil in self.gils],
            "figures": self.figures() if self.frames.length_us else None,
            "series": self.series.to_json(),
        }

    def summary(self, run: dict[str, Any] | None = None) -> dict[str, Any]:
        """The summary of what was fed so far; `run` overrides fields of its `run`."""
        return summarise(self, run or {})

    def _frame(self, frame: Frame) -> None:
        if not self.frames.length_us:
            self.begin_us = frame.start_us
        self.frames.add(frame)
        start_us, end_us = frame.start_us, frame.end_us
        if self.end_us is not None and self.end_us < end_us:
            end_us = self.end_us
            if end_us <= start_us:
                return
        whole = end_us == frame.end_us
        self.sampled.add(frame)
        for lane, track in frame.lanes:
            thread = self.threads[lane]
            kept = track if whole else cut(track, LANE_STEP, end_us - max(start_us, thread.named_us))
            thread.feed(kept, start_us, end_us)
        for index, switches, track in frame.gils:
            gil = self.gils[index]
            kept = track if whole else cut(track, GIL_STEP, end_us - max(start_us, gil.named_us))
            gil.feed(switches, kept, start_us, end_us, self.threads)

    def _counters(self, message: Counters) -> None:
        self.processes.read(message.processes)
        self.threads.read(message.threads)
        self.counters.add(message)
        if not self.frames.length_us:
            self.processes.rebase()
            self.threads.rebase()
        self.observer_cpu.read(message.at_us, message.observer.get("cpu_us"))
        self.series.offer(self._series_row(message.at_us))

    def _process(self, message: Process) -> None:
        self.gils.forget(self.processes.note(message))
        if message.gone:
            self.threads.process_gone(message.pid, message.at_us)

    def _report(self, message: Report) -> None:
        if "result" in message.data:
            self.result = message.data["result"]
            self._close(message.at_us)

    def _close(self, at_us: int) -> None:
        if self.end_us is None:
            self.end_us = at_us

    def _live_gil(self, index: int, rates: GilRates) -> dict[str, Any]:
        gil = self.gils[index]
        return {
            "gil": index,
            "pid": gil.pid,
            "interpreter": gil.interpreter,
            **rates.time.shares(),
            "switches_per_s": rates.switches_per_s,
            "switches": gil.switches,
        }

    def _live_totals(
        self, rates: dict[int, GilRates], cpu_shares: dict[int, float | None]
    ) -> dict[str, float | None]:
        known = [share for share in cpu_shares.values() if share is not None]
        return {
            "cpu_share": sum(known) if known else None,
            "rss": self.counters.rss,
            "ops": self.counters.ops,
            "ops_per_s": self.counters.ops_per_s,
            "switches_per_s": sum(gil.switches_per_s for gil in rates.values()) if rates else None,
        }

    def _series_row(self, at_us: int) -> Row:
        rates = self.frames.gils()
        main = main_gil(rates)
        totals = self._live_totals(rates, self.counters.cpu_shares())
        shares = GilTime().shares() if main is None else rates[main].time.shares()
        return [
            at_us,
            shares["held_share"],
            shares["contended_share"],
            None if main is None else rates[main].switches_per_s,
            shares["waiters"],
            totals["cpu_share"],
            totals["rss"],
            totals["ops_per_s"],
        ]


def _instant(message: Message) -> int:
    if isinstance(message, Hello):
        return 0
    return message.end_us if isinstance(message, Frame) else message.at_us
