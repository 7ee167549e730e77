"""The observer of one run: started, asked to end, made to end, and what it left behind cleared up."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from app.model import frames
from app.model.errors import GilscopeError
from app.runs import far
from app.runs.adopted import Adopted
from app.runs.intake import Intake
from app.runs.keeper import Keeper
from app.runs.lifecycle import ENDED, Ended
from app.runs.observer import ObserverProcess
from app.runs.plan import Plan
from app.runs.reaper import Orphans
from app.runs.script import Script

logger = logging.getLogger(__name__)

REMEDY = "Start the run again; if it happens again, that is a fault of GILScope worth reporting."


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the server waits before it takes the next step, in seconds."""

    start_s: float = 40.0  # for the observer to name its target, which gives a workload 30 s to get ready
    stop_s: float = 5.0  # for the observer to end its target and itself
    close_s: float = 2.0  # the same, where the server itself is to end
    exit_s: float = 2.0  # for an observer that has said its last word to exit


class Supervised(Protocol):
    """Who is told: the run."""

    def hear(self, lines: Sequence[str]) -> None:
        """Messages, as they come: they are taken later."""
        ...

    def take(self, line: str) -> frames.Message:
        """A message; ValueError where it cannot be read."""
        ...

    def chores(self) -> Iterable[object]:
        """What is due after a message, in steps: no message is taken between them."""
        ...

    def end(self, end: frames.End, said: bool) -> None:
        """It is over. `said`: the observer's own last word, which was taken already."""
        ...


@dataclass(frozen=True, slots=True)
class InCommon:
    """What the runs of one event loop have in common."""

    turn: asyncio.Lock = field(
        default_factory=asyncio.Lock
    )  # of the run whose messages are decoded: see Intake
    keeper: Keeper | None = None


class Supervision:
    """Sees to it that a run ends, and leaves nothing behind."""

    def __init__(
        self, run_id: str, plan: Plan, patience: Patience, run: Supervised, shared: InCommon
    ) -> None:
        self._id = run_id
        self._plan = plan
        self._patience = patience
        self._run = run
        self._shared = shared
        self._is_ours = plan.kind != "attach" and not plan.elsewhere  # what is left of it is killed
        self._keeper = shared.keeper if self._is_ours and not plan.in_foreground else None
        self._observer: ObserverProcess | None = None
        self._program: Adopted | None = None  # in the foreground, once it was seen
        self._lost = False  # its observer: it runs on
        self._script: Script | None = None
        self._orphans = Orphans()
        self._asked: Ended | None = None
        self._late: GilscopeError | None = None  # why it was timed out
        self._forced = False  # the observer was killed, since it did not end in time
        self._limit: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    @property
    def observer(self) -> ObserverProcess | None:
        """While it can be told something."""
        return None if self._over.is_set() else self._observer

    async def start(self, command: Sequence[str]) -> None:
        """Start the observer; GilscopeError where that cannot be, and then the run has ended."""
        try:
            if self._plan.asked.script is not None:
                self._script = Script(self._plan.asked.script)
            further = [self._script.path] if self._script else []
            self._observer = await ObserverProcess.start(command, self._plan.spec(self._id, *further))
        except OSError as error:
            failure = GilscopeError(f"The observer could not be started: {error}", REMEDY)
            self._finish(frames.End(0, "failed", failure.to_json()), said=False)
            raise failure from error
        silent = GilscopeError("The observer named no target in time", REMEDY)
        self._arm(self._patience.start_s, "timed_out", silent)
        self._spawn(self._observe(self._observer))
        if self._keeper is not None:
            self._keeper.observer(self._id, self._observer.pid)
            self._spawn(self._keeper.start())
        if self._asked:  # a stop that came while the observer was being started
            self._observer.stop(self._asked)

    def admitted(self) -> None:
        """The observer has seen its target: from now on the plan's own limit holds."""
        self._arm(self._plan.limit_s, self._plan.as_limited, self._plan.overrun)

    def saw(self, pid: int) -> None:
        """A process of the target's tree, which is to end with the run; one that was attached to lives on."""
        if self._is_ours:
            self._orphans.note(pid)
        if self._keeper is not None:
            self._keeper.note(self._id, pid)
        if self._plan.in_foreground and self._program is None:
            self._program = Adopted(pid)

    def hurry(self) -> None:
        """The server is to end: so is the run, sooner than it may have been asked to."""
        self.ask("stopped")
        self._spawn(self._escalate(self._patience.close_s))

    def ask(self, state: Ended) -> None:
        """End the target and its tree, then the run. Only the first call acts."""
        if not self._over.is_set() and self._asked is None:
            self._asked = state
            self._spawn(self._escalate(self._patience.stop_s))
            if self._lost and self._program is not None:
                self._program.signal(signal.SIGTERM)
            elif self._observer is not None:
                self._observer.stop(state)

    def signal(self, number: int, from_terminal: bool) -> None:
        """Send a signal to the program that was started, see LiveRun."""
        if self._program is not None:  # not by its observer, which may be lost at this moment
            self._program.signal(number, from_terminal)
        elif self.observer is not None:
            self.observer.signal(number, from_terminal)

    async def wait(self) -> None:
        """Until the run has ended."""
        await self._over.wait()

    def last_word(self, end: frames.End) -> frames.End:
        """The observer's end message, with the reason of one that was timed out."""
        if end.error is None and self._late is not None:
            return replace(end, error=self._late.to_json())
        return end

    async def _escalate(self, within_s: float) -> None:
        try:
            await asyncio.wait_for(self.wait(), within_s)
        except TimeoutError:
            if self._lost and self._program is not None:
                self._program.signal(signal.SIGKILL)
            elif self._observer is not None:
                self._forced = True
                self._observer.kill()

    async def _observe(self, observer: ObserverProcess) -> None:
        end, problem = await self._read(observer)
        if end is not None and not problem:
            await observer.ended(self._patience.exit_s)
            self._finish(end, said=True)
        else:
            await self._clear_up(observer, problem)

    async def _read(self, observer: ObserverProcess) -> tuple[frames.End | None, str]:
        """Take its messages until it ends: the last one, and what is wrong with them, or nothing."""
        end = None

        def take(line: str) -> Iterable[object]:
            nonlocal end
            message = self._run.take(line)
            if isinstance(message, frames.End):
                end = message
                if end.state not in ENDED:
                    raise ValueError(f"{end.state!r} is not how a run can end")
            return self._run.chores()

        try:
            await Intake(self._run.hear, take, self._shared.turn).run(observer.lines())
        except ValueError as error:
            return end, f"The observer wrote what cannot be read: {error}."
        except Exception:
            logger.exception("run %s", self._id)
            return end, "A message of the observer could not be processed; the server's log says why."
        return end, ""

    async def _clear_up(self, observer: ObserverProcess, problem: str) -> None:
        """End what an observer that failed has left behind, and the run."""
        forced = self._forced  # later on it is this that takes its time
        observer.kill()
        exit_code = await self._run_on(observer)
        left = await asyncio.to_thread(self._orphans.kill)
        # Only now: what was left behind may have held the observer's pipes open.
        code = await observer.ended(self._patience.exit_s)
        problem = problem or f"The observer ended without a last word, {_how(code)}."
        if left:
            problem += f" Processes {left} of its target could not be ended."
        problem = f"{problem} {observer.stderr_tail}".rstrip()
        logger.warning("run %s: %s", self._id, problem)
        if self._asked and forced:  # it was ended, as it did not end when it was asked to
            error = self._late.to_json() if self._late else None
            self._finish(frames.End(0, self._asked, error, exit_code), said=False)
        else:
            remedy = REMEDY if self._plan.asked.via is None else far.REMEDY
            error = GilscopeError(problem, remedy).to_json()
            self._finish(frames.End(0, "failed", error, exit_code), said=False)

    async def _run_on(self, observer: ObserverProcess) -> int | None:
        """A person's program in the foreground runs on without its observer; its exit code."""
        if self._program is None or self._asked is not None:
            return None
        self._lost = True
        await observer.ended(self._patience.exit_s)
        return await self._program.ended()

    def _arm(
        self, limit_s: float | None, state: Ended = "timed_out", overrun: GilscopeError | None = None
    ) -> None:
        """End the run so `limit_s` from now, for the reason given; this replaces the limit before."""
        if self._limit is not None:
            self._limit.cancel()
        self._limit = None
        if limit_s is not None:
            self._limit = asyncio.get_running_loop().call_later(limit_s, self._time_out, state, overrun)

    def _time_out(self, state: Ended, overrun: GilscopeError | None) -> None:
        self._late = overrun
        self.ask(state)

    def _finish(self, end: frames.End, said: bool) -> None:
        self._arm(None)
        if self._script is not None:
            self._script.remove()
        if self._program is not None:
            self._program.close()
        if self._keeper is not None:
            self._keeper.forget(self._id)
        self._over.set()
        self._run.end(end, said)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        # The loop keeps only weak references to tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _how(exit_code: int) -> str:
    return f"by signal {-exit_code}" if exit_code < 0 else f"with status {exit_code}"
