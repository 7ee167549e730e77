"""An experiment: configurations of a program, run one at a time by the manager that runs all else.

What happens is told in lines of a journal (app/analysis/experiment_trials.py), which are written into the
archive at once; the result is read from the same lines.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass
from typing import Any

from app.analysis.experiment import described, result
from app.analysis.experiment_measures import RunTimes, measured, reported_speed_ups
from app.analysis.experiment_trials import Configuration, ExperimentTally
from app.analysis.figures import figures_of
from app.lab.disturbance import CpuTicks, disturbance
from app.lab.experiment_plan import ExperimentPlan, ExperimentRequest, blocks, planned
from app.lab.time_left import TimeLeft
from app.model.errors import GilscopeError
from app.model.summary import Summary
from app.runs.archive.journal import Journal
from app.runs.live import LiveRun
from app.runs.manager import Manager

AGAIN_SHARE = 0.5  # of a configuration's repetitions: so many may be made again

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Disturbed = Callable[[Summary, float, int], str | None]


@dataclass(frozen=True, slots=True)
class ExperimentProgress:
    """How far it is: the run that begins, out of how many, and about how long all that is left takes."""

    number: int
    of: int
    configuration: Configuration
    place: int  # of the configuration in the result
    warm_up: bool
    again: str | None  # what disturbed the run before, which is made again
    left_s: float | None  # None: it is not known before the first run has ended

    def to_json(self) -> Json:
        """{"number", "of", "configuration": its place, "warm_up", "again", "left_s"}."""
        return {
            "number": self.number,
            "of": self.of,
            "configuration": self.place,
            "warm_up": self.warm_up,
            "again": self.again,
            "left_s": self.left_s,
        }


class Experiment:
    """One experiment. `run` does it; `stop` ends it early, with what is there. One event loop's.

    `disturbed` says what disturbed a run, see app/lab/disturbance.py. It is kept in the manager's archive;
    where that cannot be used it goes on, and `unrecorded` says why it is not kept.
    """

    def __init__(
        self,
        manager: Manager,
        plan: ExperimentPlan,
        on_progress: Callable[[ExperimentProgress], None] = lambda progress: None,
        disturbed: Disturbed = disturbance,
        seed: int | None = None,
    ) -> None:
        self.id = secrets.token_hex(5)
        self.plan = plan
        self.unrecorded: GilscopeError | None = None
        self._manager = manager
        self._on_progress = on_progress
        self._disturbed = disturbed
        self._configurations = list(plan.requests)
        self._cores = len(os.sched_getaffinity(0))
        self._started = time.monotonic()
        self._current: LiveRun | None = None
        self._stopping = False
        self._time_left = TimeLeft(plan.seconds if plan.kind == "workload" else None)
        self._left: dict[Hashable, int] = dict.fromkeys(self._configurations, plan.repeats + 1)
        self._journal: Journal | None = None
        self.tally = ExperimentTally()
        self.tally.feed(self._header(secrets.randbits(32) if seed is None else seed))
        self._progress: ExperimentProgress | None = None
        self._shown: Json = result(self.tally)  # of the last whole block
        self._news = asyncio.Event()

    @property
    def found(self) -> Json | None:
        """The result, once it has ended."""
        return self._shown if self.ended else None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.tally.end is not None

    async def stop(self) -> None:
        """Start no further run, and end the one that goes on, which then does not count."""
        self._stopping = True
        if self._current is not None:
            await self._current.stop()

    async def run(self) -> Json:
        """All of it: the result. GilscopeError where the first run cannot be started."""
        await self.begin()
        return await self.measure()

    async def begin(self) -> None:
        """Enter it in the archive, before `measure`."""
        try:
            self._journal = await self._manager.archive.experiments.begin(self.tally.header)
        except GilscopeError as error:
            self._unrecorded(error)

    async def measure(self) -> Json:
        """Every run, one after the other; the result. GilscopeError where the first cannot be started.

        Whatever it ends by, it has ended then, and says why.
        """
        try:
            for number, block in enumerate(
                blocks(self._configurations, self.plan.repeats, self.tally.header["asked"]["seed"])
            ):
                for configuration in block:
                    await self._repetition(configuration, warm_up=number == 0)
                # Between two runs, so that it is in the way of none.
                await self._show()
        except GilscopeError as failure:
            await self._end("failed", failure)
            raise
        except Exception as error:
            unforeseen = GilscopeError(
                f"{type(error).__name__}: {error}",
                "What was measured until then is here; the server's log has the rest of it.",
            )
            await self._end("failed", unforeseen)
            raise unforeseen from error
        await self._end("stopped" if self._stopping else "finished")
        return self.to_json()

    def to_json(self) -> Json:
        """The result as of the last whole block, and how it stands now.

        As app/analysis/experiment.py says, with "unrecorded" and "progress": {"number", "of",
        "configuration", "warm_up", "again", "left_s", "run": id of the one that goes on, or null,
        "left": [runs of each configuration]}, null once it has ended.
        """
        progress = None
        if self._progress is not None and not self.ended:
            run = None if self._current is None else self._current.id
            left = [self._left[each] for each in self._configurations]
            progress = {**self._progress.to_json(), "run": run, "left": left}
        unrecorded = self.unrecorded.to_json() if self.unrecorded else None
        now = described(self.tally)
        if not self.ended:
            now["took_s"] = self._took_s()
        return {**self._shown, **now, "progress": progress, "unrecorded": unrecorded}

    async def follow(self) -> AsyncIterator[Json]:
        """How it stands, and again with each change, until it has ended; who is slow misses some."""
        while True:
            news, ended = self._news, self.ended
            yield self.to_json()
            if ended:
                return
            await news.wait()

    # ---- its course

    def _header(self, seed: int) -> Json:
        plan = self.plan
        return {
            "type": "experiment",
            "v": 1,
            "id": self.id,
            "kind": plan.kind,
            "name": plan.name,
            "started_at": time.time(),
            "asked": {**plan.asked, "seed": seed, "cores": self._cores},
            "planned_runs": plan.runs,
            "configurations": [each.to_json() for each in self._configurations],
            "left_out": list(plan.left_out),
            "forecast": plan.forecast,
        }

    async def _note(self, kind: str, **fields: Any) -> None:
        """Something happened: it is counted, and written down."""
        line = {"type": kind, "at_s": self._took_s(), **fields}
        self.tally.feed(line)
        if self._journal is not None:
            try:
                await self._manager.archive.experiments.write(self._journal, line)
            except GilscopeError as error:
                self._unrecorded(error)
        self._announce()

    async def _show(self) -> None:
        self._shown = await asyncio.to_thread(result, self.tally)
        self._announce()

    async def _end(self, state: str, error: GilscopeError | None = None) -> None:
        if self._current is not None:
            await self._current.stop()
            self._current = None
        await self._note("end", state=state, error=error.to_json() if error else None)
        try:
            await self._show()
        except Exception:
            logger.exception("experiment %s: its result is that of the last whole block", self.id)
            self._shown |= described(self.tally)
        if self._journal is not None:
            try:
                await self._manager.archive.experiments.finish(self._journal, self.tally, self._shown)
            except GilscopeError as failure:
                self._unrecorded(failure)

    def _unrecorded(self, error: GilscopeError) -> None:
        self.unrecorded = error
        logger.warning("experiment %s is not kept, or not all of it: %s", self.id, error)

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _repetition(self, configuration: Configuration, warm_up: bool) -> None:
        """Once, and again where it was disturbed and that may be made again."""
        place = self._configurations.index(configuration)
        trials = self.tally.trials[place]
        again: str | None = None
        while not self._stopping and trials.error is None:
            self._tell(configuration, place, warm_up, again)
            begun_s, ticks = time.monotonic(), CpuTicks.now()
            try:
                run = self._current = await self._manager.start(self.plan.requests[configuration])
            except GilscopeError as failure:
                if not self.tally.runs_done:
                    raise
                await self._note("error", configuration=place, why=str(failure))  # what was measured stands
                break
            self._announce()
            if self._stopping:  # meanwhile
                await run.stop()
            await run.wait()
            self._current = None
            again = self._disturbed(run.summary(), ticks.steal_share(CpuTicks.now()), self._cores)
            await self._manager.stop(run.id)  # it has ended: until it is stored, which is work too
            self._time_left.took(configuration, time.monotonic() - begun_s)
            if self._stopping:
                return
            why, outcome = _why(run), "warm-up" if warm_up else "counted"
            if why is not None:
                outcome = "failed"
            elif again and not warm_up and self._may_be_made_again(trials.made_again):
                outcome = "again"
            await self._note(
                "repetition",
                configuration=place,
                run=run.id,
                outcome=outcome,
                why=why or again,
                measured=measured(run.summary(), _times(run)),
                reported=reported_speed_ups(run.summary()),
            )
            if why is not None:
                await self._note("error", configuration=place, why=why)
            if outcome != "again":
                break
        self._left[configuration] -= 1

    def _may_be_made_again(self, made_again: int) -> bool:
        return made_again < max(1, round(self.plan.repeats * AGAIN_SHARE))

    def _tell(self, configuration: Configuration, place: int, warm_up: bool, again: str | None) -> None:
        done = self.tally.runs_done
        failed = {each.configuration for each in self.tally.trials if each.error is not None}
        left = {each: number for each, number in self._left.items() if each not in failed}
        self._progress = ExperimentProgress(
            done + 1,
            done + sum(left.values()),
            configuration,
            place,
            warm_up,
            again,
            self._time_left.of(left),
        )
        self._on_progress(self._progress)
        self._announce()

    def _took_s(self) -> float:
        return time.monotonic() - self._started


async def prepared(
    manager: Manager,
    asked: ExperimentRequest,
    on_progress: Callable[[ExperimentProgress], None] = lambda progress: None,
) -> Experiment:
    """Check it against the catalogue and the interpreters that there are; BadRequest, NotFound."""
    return Experiment(manager, await plan_of(manager, asked), on_progress)


async def plan_of(manager: Manager, asked: ExperimentRequest) -> ExperimentPlan:
    """What it comes to; BadRequest, NotFound, SwitchedOff."""
    known = await manager.catalogue()
    if asked.workload is not None:
        known.get(asked.workload)  # at once: to ask the interpreters takes a while
    cores = len(os.sched_getaffinity(0))
    plan = planned(asked, known, await manager.interpreters(), cores)
    await manager.allow(next(iter(plan.requests.values())))
    return plan


def _times(run: LiveRun) -> RunTimes:
    if run.plan.kind == "workload":
        return RunTimes(start_up_s=figures_of(run.ledger)["begin_us"] / 1e6)
    end = run.ledger.end
    return RunTimes(wall_s=None if end is None else end.at_us / 1e6)


def _why(run: LiveRun) -> str | None:
    """Why a run came to nothing; None where it came to its end."""
    summary = run.summary()
    state = summary["run"]["state"]
    if state == "timed_out":
        return f"It had not ended after {run.plan.limit_s:g} s"
    if state != "finished":
        error = summary["run"]["error"]
        return error["detail"] if error else f"The run ended as {state}"
    return None
