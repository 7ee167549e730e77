"""All runs of one server or one command: at most so many at once, and the ended ones for a while."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from app.model.errors import BadRequest, Conflict, NotFound
from app.runs import catalogue, interpreters, plan
from app.runs.catalogue import Catalogue
from app.runs.interpreters import Interpreter
from app.runs.observer import COMMAND
from app.runs.recording import Recording
from app.runs.request import RunRequest
from app.runs.run import Patience, Run
from app.runs.settings import Settings


class Manager:
    """Starts runs and keeps them. One event loop's; `close` leaves no process behind.

    `observer` is the command that starts an observer.
    """

    def __init__(
        self, settings: Settings, observer: Sequence[str] = COMMAND, patience: Patience | None = None
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._patience = patience or Patience()
        self._runs: dict[str, Run] = {}
        self._count = 0
        self._closing = False
        self._finding = asyncio.Lock()

    async def catalogue(self) -> Catalogue:
        """The workloads and executors that there are."""
        return await asyncio.to_thread(catalogue.load)

    async def interpreters(self) -> list[Interpreter]:
        """The interpreters found on this machine, newest first."""
        # Who asks while others ask waits for their answers, instead of asking every interpreter once more.
        async with self._finding:
            return await asyncio.to_thread(interpreters.find, self._settings.pythons)

    async def start(self, request: RunRequest, recording: Recording | None = None) -> Run:
        """Check a request and start it; BadRequest, NotFound or Conflict, and then nothing was started.

        A process that cannot be attached to is refused with NotPermitted, NoSuchProcess or NotReadable.
        """
        run = self._admit(await self._plan(request), recording)
        await run.start(self._observer)
        if request.attach_pid is not None:
            refusal = await run.admitted()
            if refusal is not None:
                self._runs.pop(run.id, None)
                raise refusal
        return run

    async def _plan(self, request: RunRequest) -> plan.Plan:
        match plan.kind_of(request):
            case "workload":
                known = await self.catalogue()
                plan.check_workload(request, known)  # at once: to ask the interpreters takes a while
                return plan.of_workload(request, known, await self.interpreters())
            case "command":
                return plan.of_command(request)
            case "script":
                return plan.of_script(request, await self.catalogue(), await self.interpreters())
            case "attach":
                return await asyncio.to_thread(plan.of_attach, request)

    def get(self, run_id: str) -> Run:
        """The run of that id; NotFound."""
        try:
            return self._runs[run_id]
        except KeyError:
            raise NotFound(
                f"There is no run {run_id!r}",
                f"The list of runs shows those that there are; the last {self._settings.keep_runs} are kept.",
            ) from None

    def page(self, limit: int, cursor: str | None = None) -> tuple[list[Run], str | None]:
        """Up to `limit` runs, newest first, from `cursor` on, and the cursor of the next page."""
        before = self._count + 1 if cursor is None else _number(cursor)
        older = [run for run in reversed(self._runs.values()) if run.number < before]
        shown = older[:limit]
        return shown, str(shown[-1].number) if len(older) > limit else None

    def active(self) -> list[Run]:
        """The runs that have not ended, oldest first."""
        return [run for run in self._runs.values() if not run.ended]

    async def forget(self, run_id: str) -> None:
        """End a run, and forget it."""
        run = self.get(run_id)
        await run.stop()
        self._runs.pop(run_id, None)

    async def close(self) -> None:
        """Refuse further runs, and end those that there are: within some seconds, see Patience."""
        self._closing = True
        await asyncio.gather(*(run.stop() for run in self.active()))

    def _admit(self, checked: plan.Plan, recording: Recording | None) -> Run:
        """A new run. No await from the count to the entry: two requests must not take the same place."""
        active = self.active()
        if self._closing:
            raise Conflict("The server is shutting down", "Start it again, and then the run.")
        if len(active) >= self._settings.max_runs:
            names = ", ".join(f"{run.id} ({run.plan.name}, {run.state})" for run in active)
            raise Conflict(
                f"{len(active)} runs are going on, and no more are allowed at once: {names}",
                "Stop one of them, or start the server with a greater GILSCOPE_MAX_RUNS.",
            )
        self._count += 1
        run = Run(secrets.token_hex(5), self._count, checked, self._patience, recording)
        self._runs[run.id] = run
        self._drop_oldest()
        return run

    def _drop_oldest(self) -> None:
        ended = [run for run in self._runs.values() if run.ended]
        for run in ended[: max(0, len(ended) - self._settings.keep_runs)]:
            del self._runs[run.id]


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise BadRequest(f"cursor must come from a page before; it was {cursor!r}", field="cursor")
    return int(cursor)
