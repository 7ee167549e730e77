"""Processes that are to be observed for as long as they are there: by pid, or by the name of their program.

A program may be started again, so those of a name are looked for again and again. An observer that failed is
started anew. A process that could not be attached to is tried again, ever more seldom.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import psutil

from app.model.errors import GilscopeError, NoSuchProcess
from app.model.program import name_of
from app.model.spec import Sampling
from app.runs.live import LiveRun
from app.runs.manager import Manager
from app.runs.request import RunRequest

LOOK_S = 2.0  # between two looks for what has come
MOST_WATCHED = 64  # observers at once
_LONGEST_S = 300.0  # between two attempts at a process that could not be attached to


@dataclass(frozen=True, slots=True)
class Identity:
    """A process, told from another to which the kernel gives the same pid later."""

    pid: int
    created_s: float


class Watch:
    """Attaches to `pids`, and to every process whose program has one of the `names`.

    `say` is told, in a sentence, of what comes, goes and cannot be attached to.
    """

    def __init__(
        self,
        manager: Manager,
        pids: Sequence[int],
        names: Sequence[str],
        sampling: Sampling,
        say: Callable[[str], None],
        look_s: float = LOOK_S,
    ) -> None:
        self._manager = manager
        self._asked = pids
        self._names = frozenset(names)
        self._sampling = sampling
        self._say = say
        self._look_s = look_s
        self._pids: set[Identity] = set()  # those that were asked for and are there still
        self._observed: dict[Identity, LiveRun] = {}
        self._refused: dict[Identity, tuple[float, float]] = {}  # when to try again, and how long that was

    @property
    def observed(self) -> int:
        """How many processes are observed, without those below them."""
        return len(self._observed)

    async def begin(self) -> None:
        """Attach to the pids, and to what has the names now.

        What a pid is refused with is raised; that there is no process of a name yet is said.
        """
        for pid in self._asked:
            try:
                self._pids.add(Identity(pid, psutil.Process(pid).create_time()))
            except (psutil.NoSuchProcess, OverflowError):
                remedy = "See `gilscope ps` for those that run."
                raise NoSuchProcess(f"There is no process {pid}", remedy) from None
        await asyncio.gather(*(self._attach(known) for known in self._pids))
        if self._names and not await self._look():
            names = ", ".join(sorted(self._names))
            self._say(f"No process of {names} can be observed yet. It is, as soon as there is one.")

    async def run(self) -> None:
        """Go on until nothing is left to observe, and nothing can come; with names, for ever."""
        while self._names or self._pids or self._observed:
            await self._wait()
            for known, run in list(self._observed.items()):
                if run.ended:
                    del self._observed[known]
                    self._say(f"Process {known.pid} ({run.plan.name}) is observed no more: {_why(run)}.")
            self._pids = {known for known in self._pids if _is_there(known)}
            await self._look()

    async def _wait(self) -> None:
        """Until an observation ends, or it is time to look."""
        ends = [asyncio.ensure_future(run.wait()) for run in self._observed.values()]
        ends.append(asyncio.ensure_future(asyncio.sleep(self._look_s)))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    async def _look(self) -> int:
        """Attach to what is there and not observed; how many processes of the names there are."""
        named = await asyncio.to_thread(_of_names, self._names) if self._names else set()
        wanted = self._pids | named
        self._refused = {known: told for known, told in self._refused.items() if known in wanted}
        now_s = asyncio.get_running_loop().time()
        for known in sorted(wanted - self._observed.keys(), key=lambda known: known.created_s):
            due_s, waited_s = self._refused.get(known, (0.0, self._look_s))
            if now_s < due_s or len(self._observed) >= MOST_WATCHED:
                continue
            try:
                run = await self._attach(known)
            except GilscopeError as error:
                if known not in self._refused:
                    self._say(f"Process {known.pid} cannot be observed: {error}")
                longer_s = min(2 * waited_s, _LONGEST_S)
                self._refused[known] = now_s + longer_s, longer_s
            else:
                self._say(f"Process {known.pid} ({run.plan.name}) is observed.")
        return len(named)

    async def _attach(self, known: Identity) -> LiveRun:
        request = RunRequest(attach_pid=known.pid, sampling=self._sampling)
        run = self._observed[known] = await self._manager.start(request)
        self._refused.pop(known, None)
        return run


def _of_names(names: Collection[str]) -> set[Identity]:
    """The processes of these programs, but not those below another of them: they are seen with that.

    A program that has set its title, as `gunicorn: master [shop]`, is known by what is before the colon.
    """
    found: dict[int, tuple[Identity, int]] = {}
    for process in psutil.process_iter(["pid", "ppid", "cmdline", "create_time"]):
        told = process.info
        name = name_of(told["cmdline"] or ()) or ""
        if name in names or name.partition(":")[0] in names:
            found[told["pid"]] = Identity(told["pid"], told["create_time"]), told["ppid"]
    return {known for known, parent in found.values() if parent not in found}


def _is_there(known: Identity) -> bool:
    try:
        process = psutil.Process(known.pid)
        return process.create_time() == known.created_s and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _why(run: LiveRun) -> str:
    return run.error["detail"].rstrip(".") if run.error else "it has ended"
