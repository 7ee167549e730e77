"""One run: an observer's messages decoded once, for the ledger, and passed on to viewers as they came."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.analysis.ledger import Ledger
from app.model import frames
from app.model.errors import BadRequest, Conflict, GilscopeError, from_json
from app.runs.hub import Hub
from app.runs.lifecycle import ENDED, Ended, Lifecycle, State
from app.runs.observer import Observer
from app.runs.plan import Plan
from app.runs.reaper import Orphans
from app.runs.recording import Recording
from app.runs.script import Script

logger = logging.getLogger(__name__)

Json = dict[str, Any]

OUTPUT_TAIL = 64 * 1024  # characters
IN_HEADER = (frames.Event, frames.Heap, frames.Collector, frames.Memory)  # of those before a viewer came
JUDGE_S = 1.0  # from one judgement of a live run to the next, or longer:
JUDGE_SHARE = 0.002  # of the loop's time, what judging may take at the most
REMEDY = "Start the run again; if it happens again, that is a fault of GILScope worth reporting."


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the server waits before it takes the next step, in seconds."""

    start_s: float = 40.0  # for the observer to name its target, which gives a workload 30 s to get ready
    stop_s: float = 5.0  # for the observer to end its target and itself
    exit_s: float = 2.0  # for an observer that has said its last word to exit


class Run:
    """A run, from its start until it is forgotten. `hub` carries its messages, `ledger` its figures."""

    def __init__(
        self, run_id: str, number: int, plan: Plan, patience: Patience, recording: Recording | None = None
    ) -> None:
        self.id = run_id
        self.number = number
        self.plan = plan
        self.hub = Hub()
        self.ledger = Ledger()
        self.started_at = time.time()
        self._patience = patience
        self._recording = recording
        self._lifecycle = Lifecycle()
        self._error: Json | None = None
        self._exit_code: int | None = None
        self._output: str | None = None  # the end of what a command or a script wrote
        self._script: Script | None = None
        self._end: frames.End | None = None
        self._ended_as: Ended = "failed"
        self._asked: Ended | None = None
        self._late: GilscopeError | None = None  # why it was timed out
        self._orphans = Orphans()
        self._begun = asyncio.Event()
        self._admitted = asyncio.Event()
        self._findings: list[Json] = []  # those that were told last
        self._judge_at_s = 0.0
        self._lookers = 0  # viewers who look at the heap
        self._unseen = True  # no process of the target has been seen
        self._over = asyncio.Event()
        self._observer: Observer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._limit: asyncio.TimerHandle | None = None
        self._final: Json | None = None

    @property
    def state(self) -> State:
        return self._lifecycle.state

    @property
    def ended(self) -> bool:
        return self._lifecycle.ended

    @property
    def error(self) -> Json | None:
        """Why it failed: {"code", "title", "detail", "remedy"}."""
        return self._error

    @property
    def exit_code(self) -> int | None:
        """The target's own; a signal's number is negative."""
        return self._exit_code

    @property
    def duration_s(self) -> float:
        """The measured time: from the first frame to a workload's result, else to the end, or to now."""
        return self.ledger.measured_us / 1e6

    def to_json(self) -> Json:
        """The run as the interface shows it; what does not concern its kind is null."""
        plan = self.plan
        return {
            "id": self.id,
            "kind": plan.kind,
            "name": plan.name,
            "state": self.state,
            "started_at": self.started_at,
            "duration_s": round(self.duration_s, 6),
            "params": dict(plan.params),
            "executor": plan.executor,
            "workers": plan.workers,
            "seconds": plan.seconds,
            "python": plan.python,
            "command": None if plan.command is None else list(plan.command),
            "environment": None if plan.environment is None else dict(plan.environment),
            "attach": None if plan.attach_pid is None else {"pid": plan.attach_pid},
            "exit_code": self._exit_code,
            "output": self._output,
            "error": self._error,
        }

    async def begun(self) -> bool:
        """Wait for the observation to begin; False where the run ended before it did."""
        await self._begun.wait()
        return self.ledger.hello is not None

    async def admitted(self) -> GilscopeError | None:
        """Wait for the observer to see its target; the reason where it refused, and so ended the run."""
        await self._admitted.wait()
        return from_json(self._error) if self._unseen and self._error is not None else None

    def header(self) -> Json:
        """What a viewer needs to draw from the start, once the observation has begun.

        Taken together with `hub.follow()`, nothing is lost between the two.
        """
        header = self.ledger.header()
        if header["figures"] is not None:
            header["figures"]["findings"] = self._findings
        return {**header, "type": "header", "run": self.to_json()}

    def summary(self) -> Json:
        """The result, or that so far."""
        return self._final or self.ledger.summary(self.to_json())

    async def start(self, command: Sequence[str]) -> None:
        """Start the observer; GilscopeError where that cannot be."""
        try:
            if self.plan.script is not None:
                self._script = Script(self.plan.script)
            further = [self._script.path] if self._script else []
            self._observer = await Observer.start(command, self.plan.spec(self.id, *further))
        except OSError as error:
            failure = GilscopeError(f"The observer could not be started: {error}", REMEDY)
            self._finish("failed", failure)
            raise failure from error
        silent = GilscopeError("The observer named no target in time", REMEDY)
        self._arm(self._patience.start_s, "timed_out", silent)
        self._spawn(self._observe(self._observer))
        if self._lookers:
            self._observer.look_at_heap(True)
        if self._asked:  # a stop that came while the observer was being started
            self._observer.stop(self._asked)

    async def wait(self) -> None:
        """Until the run has ended."""
        await self._over.wait()

    async def stop(self) -> None:
        """End the target and its tree, then the run; returns when it has ended. Only the first call acts."""
        self._ask("stopped")
        await self.wait()

    def signal(self, number: int) -> None:
        """Send a signal to the program that was started; without effect on one that has ended."""
        if self._observer is not None and not self.ended:
            self._observer.signal(number)

    def act(self, name: str) -> None:
        """Have the workload do one of its actions.

        BadRequest where it has none of that name, Conflict where it does not run now.
        """
        there = [action.name for action in self.plan.actions]
        if name not in there:
            raise BadRequest(
                f"{self.plan.name} has no action {name!r}",
                f"It has: {', '.join(there)}." if there else "Only some workloads have any.",
                field="name",
            )
        if self.state != "running" or self._observer is None:
            raise Conflict(f"The run is {self.state.replace('_', ' ')}", "Only a running one takes actions.")
        self._observer.act(name)

    @contextmanager
    def looked_at_heap(self) -> Iterator[None]:
        """While a viewer looks at the heap's map: the observer reads it only if somebody does."""
        self._lookers += 1
        self._tell_lookers(1)
        try:
            yield
        finally:
            self._lookers -= 1
            self._tell_lookers(0)

    def _tell_lookers(self, turn: int) -> None:
        """Tell the observer if their number has just turned to the first, or to none."""
        if self._lookers == turn and self._observer is not None and not self.ended:
            self._observer.look_at_heap(turn > 0)

    def _ask(self, state: Ended) -> None:
        if not self.ended and self._asked is None:
            self._asked = state
            self._spawn(self._escalate())
            if self._observer is not None:
                self._observer.stop(state)

    async def _escalate(self) -> None:
        try:
            await asyncio.wait_for(self.wait(), self._patience.stop_s)
        except TimeoutError:
            if self._observer is not None:
                self._observer.kill()

    async def _observe(self, observer: Observer) -> None:
        problem = await self._read(observer)
        if self._end is not None and not problem:
            await observer.ended(self._patience.exit_s)
            self._finish(self._ended_as, self._end.error or self._late)
        else:
            await self._clear_up(observer, problem)

    async def _clear_up(self, observer: Observer, problem: str) -> None:
        """End what an observer that failed has left behind, and the run."""
        observer.kill()
        left = await asyncio.to_thread(self._orphans.kill)
        # Only now: what was left behind may have held the observer's pipes open.
        code = await observer.ended(self._patience.exit_s)
        problem = problem or f"The observer ended without a last word, {_how(code)}."
        if left:
            problem += f" Processes {left} of its target could not be ended."
        problem = f"{problem} {observer.stderr_tail}".rstrip()
        logger.warning("run %s: %s", self.id, problem)
        failure = GilscopeError(problem, REMEDY)
        self._finish(self._asked or "failed", self._late if self._asked else failure)

    async def _read(self, observer: Observer) -> str:
        """Take its messages until it ends; what is wrong with them, or nothing."""
        problem = ""
        try:
            async for line in observer.lines():
                self._take(line)
        except ValueError as error:
            problem = f"The observer wrote what cannot be read: {error}."
        except Exception:
            logger.exception("run %s", self.id)
            problem = "A message of the observer could not be worked up; the server's log says why."
        return problem

    def _take(self, line: str) -> None:
        """One message: into the ledger, then out to the viewers."""
        message = frames.decode(line)
        self.ledger.feed(message)
        self.hub.publish(line, lasting=not isinstance(message, IN_HEADER))
        if self._recording is not None:
            self._recording.write(line)
        match message:
            case frames.Hello():
                self._begun.set()
                self.started_at = message.started_at
            case frames.Process():
                self._saw(message)
            case frames.Counters():
                self._say(self._figures())
            case frames.Report() if "output" in message.data:
                self._output = ((self._output or "") + message.data["output"])[-OUTPUT_TAIL:]
            case frames.End():
                self._ended_as = _ended_state(message)
                self._end = message
                self._exit_code = message.exit_code

    def _figures(self) -> Json:
        """The figures of this moment; with the findings so far, where it is time to judge again."""
        figures = self.ledger.figures()
        begun_s = time.monotonic()
        if begun_s >= self._judge_at_s:
            self._findings = figures["findings"] = self.ledger.findings(self.to_json())
            took_s = time.monotonic() - begun_s
            self._judge_at_s = begun_s + max(JUDGE_S, took_s / JUDGE_SHARE)
        return figures

    def _saw(self, process: frames.Process) -> None:
        if not process.gone and self.plan.attach_pid is None:  # what was there before must live on
            self._orphans.note(process.pid)
        if self.state == "starting":
            self._lifecycle.move("running")
            self._unseen = False
            self._admitted.set()
            self._arm(self.plan.limit_s, self.plan.as_limited, self.plan.overrun)
            self._say({"type": "run", "run": self.to_json()})

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
        self._ask(state)

    def _finish(self, state: Ended, error: GilscopeError | Json | None) -> None:
        self._arm(None)
        if self._script is not None:
            self._script.remove()
        self._error = error.to_json() if isinstance(error, GilscopeError) else error
        self._lifecycle.move(state)
        try:
            self._final = self.ledger.summary(self.to_json())
            self._say({"type": "run", "run": self.to_json()})
            self.hub.publish(_dump({"type": "summary", "summary": self._final}))
        finally:
            self.hub.close()
            self._begun.set()
            self._admitted.set()
            self._over.set()

    def _say(self, message: Json) -> None:
        self.hub.publish(_dump(message), lasting=False)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        # The loop keeps only weak references to tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _ended_state(end: frames.End) -> Ended:
    for state in ENDED:
        if end.state == state:
            return state
    raise ValueError(f"{end.state!r} is not how a run can end")


def _how(exit_code: int) -> str:
    return f"by signal {-exit_code}" if exit_code < 0 else f"with status {exit_code}"


def _dump(message: Json) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
