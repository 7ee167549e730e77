"""An experiment: configurations of a workload, run one at a time by the manager that runs all else."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.analysis.experiment import Configuration, Trials, measured, reported_speed_ups, result
from app.analysis.figures import figures_of
from app.lab.disturbance import CpuTicks, disturbance
from app.lab.experiment_plan import ExperimentPlan, ExperimentRequest, blocks, planned
from app.model.errors import GilscopeError
from app.model.summary import Summary
from app.runs.live import LiveRun
from app.runs.manager import Manager

START_UP_S = 2.5  # about, of a run beside its seconds: for how long an experiment takes before one is known
AGAIN_SHARE = 0.5  # of a configuration's repetitions: so many may be made again

Json = dict[str, Any]
Disturbed = Callable[[Summary, float, int], str | None]


@dataclass(frozen=True, slots=True)
class ExperimentProgress:
    """How far it is: the run that begins, out of how many, and about how long all that is left takes."""

    number: int
    of: int
    configuration: Configuration
    warm_up: bool
    again: str | None  # what disturbed the run before, which is made again
    left_s: float


class Experiment:
    """One experiment. `run` does it; `stop` ends it early, with what is there. One event loop's.

    `disturbed` says what disturbed a run, see app/lab/disturbance.py.
    """

    def __init__(
        self,
        manager: Manager,
        plan: ExperimentPlan,
        on_progress: Callable[[ExperimentProgress], None] = lambda progress: None,
        disturbed: Disturbed = disturbance,
        seed: int | None = None,
    ) -> None:
        self.plan = plan
        self._manager = manager
        self._on_progress = on_progress
        self._disturbed = disturbed
        self._seed = secrets.randbits(32) if seed is None else seed
        self._trials = {each: Trials(each) for each in plan.requests}
        self._cores = len(os.sched_getaffinity(0))
        self._started = time.monotonic()
        self._current: LiveRun | None = None
        self._stopping = False
        self._done = 0
        self._left = plan.runs

    @property
    def stopped(self) -> bool:
        """Whether it was ended early."""
        return self._stopping

    async def stop(self) -> None:
        """Start no further run, and end the one that goes on, which then does not count."""
        self._stopping = True
        if self._current is not None:
            await self._current.stop()

    async def run(self) -> Json:
        """Every run, one after the other; the result. GilscopeError where the first cannot be started."""
        for number, block in enumerate(blocks(list(self._trials), self.plan.repeats, self._seed)):
            for configuration in block:
                await self._repetition(self._trials[configuration], warm_up=number == 0)
        return self.result()

    def result(self) -> Json:
        """The result so far, as app/analysis/experiment.py says."""
        asked = {
            "workload": self.plan.workload,
            "params": dict(self.plan.params),
            "seconds": self.plan.seconds,
            "repeats": self.plan.repeats,
            "seed": self._seed,
            "cores": self._cores,
        }
        state = "stopped" if self._stopping else "finished"
        took_s = time.monotonic() - self._started
        return result(asked, state, took_s, list(self._trials.values()), self.plan.left_out)

    async def _repetition(self, trials: Trials, warm_up: bool) -> None:
        """Once, and again where it was disturbed and that may be made again."""
        again: str | None = None
        while not self._stopping and trials.error is None:
            self._tell(trials.configuration, warm_up, again)
            begun = CpuTicks.now()
            try:
                run = self._current = await self._manager.start(self.plan.requests[trials.configuration])
            except GilscopeError as failure:
                if not self._done:
                    raise
                trials.error = str(failure)  # what was measured until now stands
                break
            if self._stopping:  # meanwhile
                await run.stop()
            await run.wait()
            self._current = None
            again = self._disturbed(run.summary(), begun.steal_share(CpuTicks.now()), self._cores)
            start_up_s = figures_of(run.ledger)["begin_us"] / 1e6
            await self._manager.stop(run.id)  # it has ended: until it is stored, which is work too
            self._done += 1
            summary = run.summary()
            if self._stopping:
                return
            if summary["run"]["state"] != "finished":
                trials.error = _why(summary)
            elif again is not None and not warm_up and self._may_be_made_again(trials):
                trials.made_again += 1
                continue
            elif not warm_up:
                trials.disturbed += again is not None
                trials.measured.append(measured(summary, start_up_s))
                trials.reported.append(reported_speed_ups(summary))
                trials.runs.append(run.id)
            break
        self._left -= 1

    def _may_be_made_again(self, trials: Trials) -> bool:
        return trials.made_again < max(1, round(self.plan.repeats * AGAIN_SHARE))

    def _tell(self, configuration: Configuration, warm_up: bool, again: str | None) -> None:
        took_s = time.monotonic() - self._started
        each_s = took_s / self._done if self._done else self.plan.seconds + START_UP_S
        self._on_progress(
            ExperimentProgress(
                self._done + 1, self._done + self._left, configuration, warm_up, again, each_s * self._left
            )
        )


async def prepared(
    manager: Manager, asked: ExperimentRequest, on_progress: Callable[[ExperimentProgress], None]
) -> Experiment:
    """Check it against the catalogue and the interpreters that there are; BadRequest, NotFound."""
    known = await manager.catalogue()
    known.get(asked.workload)  # at once: to ask the interpreters takes a while
    cores = len(os.sched_getaffinity(0))
    return Experiment(manager, planned(asked, known, await manager.interpreters(), cores), on_progress)


def _why(summary: Summary) -> str:
    error = summary["run"]["error"]
    state = summary["run"]["state"].replace("_", " ")
    return error["detail"] if error else f"The run ended as {state}"
