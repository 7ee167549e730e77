"""The experiments of a server: one at a time, listed, read, followed, stopped, removed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from app.lab.experiment import Experiment, plan_of
from app.lab.experiment_plan import ExperimentPlan, ExperimentRequest
from app.lab.forecast_trials import accuracy_of, to_prove
from app.model.errors import BadRequest, Conflict, GilscopeError
from app.model.forecast import ForecastAccuracy
from app.runs.archive.experiments import listed
from app.runs.manager import Manager

ELSEWHERE_S = 1.0  # how often one that another process carries out is looked at

logger = logging.getLogger(__name__)

Json = dict[str, Any]


class Experiments:
    """Carries them out and keeps them in the manager's archive. One event loop's."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._current: Experiment | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._closing = False

    async def plan(self, asked: ExperimentRequest) -> ExperimentPlan:
        """What it comes to, and starts nothing; BadRequest, NotFound, SwitchedOff."""
        return await plan_of(self._manager, asked)

    async def start(self, asked: ExperimentRequest) -> Json:
        """Begin it; BadRequest, NotFound, SwitchedOff, or Conflict while another goes on."""
        async with self._starting:
            self._refuse_second()
            plan = await self.plan(asked)
            self._refuse_second()
            experiment = Experiment(self._manager, plan)
            await experiment.begin()
            self._current = experiment
            self._task = asyncio.create_task(self._carry_out(experiment))
        return experiment.to_json()

    async def start_proof(self, run_id: str, choice: str) -> Json:
        """Measure a forecast of a run; as `start`, and Conflict says why it cannot be measured here."""
        return await self.start(await to_prove(self._manager, await self._manager.get(run_id), choice))

    async def accuracy(self) -> ForecastAccuracy:
        """How good the forecasts were that were measured on this machine."""
        return await accuracy_of(self._manager)

    async def get(self, experiment_id: str) -> Json:
        """One, as Experiment.to_json says; NotFound."""
        current = self._mine(experiment_id)
        if current is not None:
            return current.to_json()
        stored = await self._manager.archive.experiments.get(experiment_id)
        return {**stored, "progress": None, "unrecorded": None}

    async def page(self, limit: int, cursor: str | None = None) -> tuple[list[Json], str | None]:
        """Up to `limit`, newest first, from `cursor` on, and the cursor of the next page.

        Each has the first fields of its result, and the verdict's sentence, null while it goes on.
        """
        before = None if cursor is None else _number(cursor)
        rows = await self._manager.archive.experiments.page(limit + 1, before)
        shown = [self._as_listed(row.experiment) for row in rows[:limit]]
        current = self._current
        if current is not None and current.unrecorded is not None and cursor is None:
            shown = [listed_of(current), *(row for row in shown if row["id"] != current.id)]
        return shown, str(rows[limit - 1].number) if len(rows) > limit else None

    async def follow(self, experiment_id: str) -> AsyncIterator[Json]:
        """How one stands, and again with each change, until it has ended; NotFound."""
        current = self._mine(experiment_id)
        if current is not None:
            async for state in current.follow():
                yield state
            return
        while True:
            stored = await self.get(experiment_id)
            yield stored
            if stored["state"] != "running":
                return
            await asyncio.sleep(ELSEWHERE_S)  # another process tells nobody when it is further

    async def stop(self, experiment_id: str) -> Json:
        """End one early, with what is there; one that has ended stays as it is. NotFound, Conflict."""
        current = self._mine(experiment_id)
        if current is None:
            stored = await self.get(experiment_id)
            if stored["state"] == "running":
                raise Conflict(
                    "Another process carries out this experiment", "Press Ctrl-C where it was started."
                )
            return stored
        await current.stop()
        if self._task is not None and current is self._current:
            await asyncio.wait({self._task})
        return await self.get(experiment_id)

    async def remove(self, experiment_id: str) -> None:
        """End one, and take it out of every list; its runs stay. NotFound, Conflict."""
        await self.stop(experiment_id)
        await self._manager.archive.experiments.remove(experiment_id)
        if self._current is not None and self._current.id == experiment_id:
            self._current = None

    async def restore(self, experiment_id: str) -> Json:
        """Put one back that was removed a short while ago; NotFound."""
        await self._manager.archive.experiments.restore(experiment_id)
        return await self.get(experiment_id)

    async def close(self) -> None:
        """Refuse further ones, and end the one that goes on, with what is there."""
        self._closing = True
        async with self._starting:
            if self._current is not None and self._task is not None:
                await self._current.stop()
                await asyncio.wait({self._task})

    async def _carry_out(self, experiment: Experiment) -> None:
        try:
            await experiment.measure()
        except GilscopeError as failure:  # it is the experiment's own, and told with it
            logger.warning("experiment %s: %s", experiment.id, failure, exc_info=failure.__cause__)
        if experiment.unrecorded is None and self._current is experiment:
            self._current = None

    def _mine(self, experiment_id: str) -> Experiment | None:
        current = self._current
        return current if current is not None and current.id == experiment_id else None

    def _as_listed(self, row: Json) -> Json:
        current = self._mine(row["id"])
        return row if current is None else listed_of(current)

    def _refuse_second(self) -> None:
        if self._closing:
            raise Conflict("The server is shutting down", "Start it again, and then the experiment.")
        if self._current is not None and not self._current.ended:
            raise Conflict(
                f"An experiment goes on: {self._current.plan.name} ({self._current.id}), and two would be "
                "in each other's way",
                "Wait until it has ended, or stop it.",
            )


def listed_of(experiment: Experiment) -> Json:
    """One that goes on, as a list shows it."""
    return listed(experiment.tally, experiment.found)


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise BadRequest(f"cursor must come from a page before; it was {cursor!r}", field="cursor")
    return int(cursor)
