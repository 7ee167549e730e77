"""Threads that ask again and again for what they could wait for.

Told from where a thread is while it runs: in a function of the library that asks, such as Queue.get_nowait or
Event.is_set, called from one function of the program, and in that function's own lines around it. Whether it
got anything shows too: a queue that gives something away runs `_get` and wakes who waits to put, and one that
is empty does neither. A wait for an Event with a short timeout is not told of: it may be a clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from app.analysis.findings.rows import (
    LEAST_S,
    Rule,
    blocked_a_second,
    frames,
    seen_enough,
    seen_s,
    share,
    wanted_cpus,
)
from app.analysis.sources import LIBRARY, imports, owner, part_of_another
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import Caller, Measurements, ThreadRow, TimeRow

# What asks, by the name of its code and by how its file ends; and what to call in its place.
# Not those of multiprocessing: what their get() reads, and loads, has no frame, so nothing shows whether it
# got anything.
_QUEUES = "/queue.py"
_OF_QUEUES = frozenset({"Queue.get", "Queue.get_nowait", "Queue.empty", "Queue.qsize"})
_GET = "`get()` without a timeout"
_ON_QUEUES = {
    "Queue.empty": f"{_GET} (or `join()`, if it waits until others have done all of it)",
    "Queue.qsize": f"{_GET} (or `put()`, with a `maxsize`, if it puts something in)",
}
_ALL_FUTURES = "`concurrent.futures.wait()` or `as_completed()`"
_OTHERS: dict[str, tuple[str, str]] = {
    "Event.is_set": ("/threading.py", "`wait()`"),
    "Thread.is_alive": ("/threading.py", "`join()`"),
    "Future.done": ("/concurrent/futures/_base.py", _ALL_FUTURES),
    "Future.running": ("/concurrent/futures/_base.py", _ALL_FUTURES),
    "ApplyResult.ready": ("/multiprocessing/pool.py", "`wait()`"),
    "BaseProcess.is_alive": ("/multiprocessing/process.py", "`join()`"),
    "Popen.poll": ("/subprocess.py", "`wait()`"),
    "_ConnectionBase.poll": ("/multiprocessing/connection.py", "`recv()`"),
}
_ALL = _OF_QUEUES | set(_OTHERS)
# What a queue runs when it gives something away, and at no other time.
_GIVES = frozenset({"Queue._get", "LifoQueue._get", "PriorityQueue._get", "Condition.notify"})
_WAITS = "Condition.wait"
# What wakes one that waits: where others of its process are busy with that, it has a reason to wake up.
_WAKES = frozenset({"Event.set", "Event.clear", "Condition.notify", "Condition.notify_all"})

# So many looks fell into what asks. What a queue gives takes a fifth of the time in it and more:
# where that is seen for less than a tenth, it was empty nearly always.
_LOOKS, _LOOKS_TIMED = 8, 15  # of one that waits with a timeout little else is seen: more is asked for
_GIVEN = 0.1
# A thread that never rests asks a queue for a third of the time in which it runs; of one that sleeps between,
# or waits with a timeout, that is less, as it runs for moments, and half of it is in that one function.
_ASKS_QUEUE = 1 / 3
_ASKS = 0.1
_THAT_FUNCTION = 0.5
# Elsewhere nothing shows whether there was anything. There it does nothing else but ask, in lines that ask or
# sleep; one that never rests asks for a seventh of the time, else it looks at a flag between its steps.
_NOTHING_ELSE = 0.85
_ASKS_OTHER = 0.15
# Others that wake those which wait, or set the flag, do so for longer than this, of the time to ask.
_WOKEN = 0.25
# It rests in between if it is blocked for a tenth of the time (on a busy machine it stands in the run queue
# for much of what it would rest), wakes a hundred times a second, and eight tenths of its rest are sleep in
# that function, or waits with a timeout for what it asks for. One that is blocked for half of the time in any
# other way waits for something.
_PAUSES, _RESTS = 0.1, 0.5
_OFTEN_HZ = 100.0
_OF_ITS_REST = 0.8
# What it costs is told from a twentieth of a CPU on, and is wrong from a half.
_CPUS, _MANY_CPUS = 0.05, 0.5

# An event loop polls that never rests and does nothing but come round: its own code, asyncio.sleep(0), and
# the lines that call it, make up nine tenths of its time; what reads and writes sockets is other code.
_YIELDS = "asyncio.sleep(0)"
_SLEEPS = ("sleep", "__sleep0")
_TASKS, _LOOPS = "/asyncio/tasks.py", ("/asyncio/base_events.py", "/asyncio/events.py", "/selectors.py")
_COMES_ROUND = 0.9
_YIELDING = 0.03
# asyncio.sleep() for a time looks the same, but makes a timer, which the loop then sorts: that takes several
# times as long as sleep() itself. Of a loop whose own code is not Python (uvloop) neither shows.
_TIMERS = frozenset({"call_later", "call_at", "__lt__"})
_TIMED = 0.2  # of the time in sleep()

# Who sleeps for less than a millisecond again and again, twelve hundred times a second and more, looks at
# something of the program's own in between, a flag or a list: it runs nothing but one function of the program
# for nine tenths of the time, and what there is of C code is the sleep itself, on its way into the kernel and
# back. A clock of 1 kHz wakes less often.
_NAPS = "time.sleep()"
_NAPS_HZ = 1_200.0
_NOTHING_BUT = 0.9

_NAMED = 20  # threads in the evidence


_Place = tuple[int, str, str]  # process, function and file


class Poll(NamedTuple):
    """Threads of one process that ask in one function of the program."""

    pid: int
    function: str
    file: str
    line: int  # from which most of the asking was called
    asks: str  # what it calls to ask
    threads: list[ThreadRow]
    share: float  # of the time in which they run
    cpus: float  # that it takes
    wanted: float  # that it would take if there were no other programs
    wakes_hz: float | None  # of one of them; None where they do not rest


# Of the summary that is being judged: many rules ask for it, and where there are many threads it takes long.
_FOUND: ContextVar[tuple[Measurements, list[Poll]] | None] = ContextVar("_FOUND", default=None)


@contextmanager
def found_once(summary: Measurements) -> Iterator[None]:
    """Meanwhile what polls in this summary is not looked for anew; it must not be changed."""
    token = _FOUND.set((summary, _find(summary)))
    try:
        yield
    finally:
        _FOUND.reset(token)


def polls(summary: Measurements) -> list[Poll]:
    """All that is worth telling, the dearest first."""
    found = _FOUND.get()
    return found[1] if found is not None and found[0] is summary else _find(summary)


def _find(summary: Measurements) -> list[Poll]:
    groups: dict[_Place, list[ThreadRow]] = {}
    others: list[ThreadRow] = []
    for thread in summary["threads"]:
        if seen_enough(thread) and seen_s(thread) >= LEAST_S and thread["counted_s"]:
            where = _asks_most(thread)
            if where is not None:
                groups.setdefault((thread["pid"], *where), []).append(thread)
            else:
                others.append(thread)
    for thread in others if groups else ():  # of one that runs for moments no look may have told that it asks
        place = _rests_in(thread)
        if place in groups:
            groups[place].append(thread)
    found = [
        poll
        for (pid, function, file), threads in groups.items()
        if (poll := _poll(summary, pid, (function, file), threads)) is not None and poll.cpus >= _CPUS
    ]
    found += [
        poll
        for thread in summary["threads"]
        if (poll := _of_loop(summary, thread)) is not None and poll.cpus >= _CPUS
    ]
    known = {(poll.pid, thread["tid"]) for poll in found for thread in poll.threads}
    found += _of_naps([each for each in summary["threads"] if (each["pid"], each["tid"]) not in known])
    return sorted(found, key=lambda poll: -poll.cpus)


def pollers(summary: Measurements) -> set[tuple[int, int]]:
    """(process, thread) of those: what they do is no work, and other rules do not count it as such."""
    return {(poll.pid, thread["tid"]) for poll in polls(summary) for thread in poll.threads}


def threads_poll(summary: Measurements) -> Finding | None:
    """Threads that take CPU to ask again and again."""
    found = polls(summary)
    if not found:
        return None
    poll, number = found[0], len(found[0].threads)
    who, their = (poll.threads[0]["name"], "its") if number == 1 else (f"{number} threads", "their")
    pause = (
        ", without a pause"
        if poll.wakes_hz is None
        else f", and woke {poll.wakes_hz:.0f} times a second each"
    )
    vain = ", nearly always in vain"
    if poll.asks in _ADVICE:
        advice, vain = _ADVICE[poll.asks], ""
    else:
        advice = _WAIT.format(instead=_instead_of(poll.asks))
    return Finding(
        code="threads-poll",
        severity="warning" if sum(each.wanted for each in found) >= _MANY_CPUS else "notice",
        title=("A thread asks" if number == 1 else "Threads ask") + " again and again instead of waiting",
        detail=f"{who} of process {own_pid(poll.pid)} called {poll.asks} in {poll.function} "
        f"(line {poll.line}) again and again{vain}{pause}: that was {poll.share:.0%} of what {their} "
        f"Python did, and took {poll.cpus:.2f} CPUs." + _more(len(found) - 1),
        evidence={
            "pid": poll.pid,
            "function": poll.function,
            "file": poll.file,
            "line": poll.line,
            "asks": poll.asks,
            "threads": [thread["name"] for thread in poll.threads][:_NAMED],
            "poll_share": poll.share,
            "poll_cpus": poll.cpus,
            "wakes_per_s": poll.wakes_hz,
        },
        advice=advice,
    )


RULES: tuple[Rule, ...] = (threads_poll,)


def _instead_of(asks: str) -> str:
    """What to call in its place. Who asks a queue how full it is may not want what lies in it."""
    return _ON_QUEUES.get(asks, _GET) if asks in _OF_QUEUES else _OTHERS[asks][1]


def _more(functions: int) -> str:
    if not functions:
        return ""
    return f" So it is in {functions} more function{'s' if functions > 1 else ''}."


_WAIT = (
    "Wait for it: {instead} takes no CPU as long as there is nothing, and goes on at once when there is. To "
    "end a thread that waits so, give it what it waits for, say a sentinel in the queue. Where it has "
    "something else to do in between, ask less often."
)
_AWAIT = (
    "Each `await asyncio.sleep(0)` has the loop come round at once, so that it never rests. Await what is "
    "waited for: the Future or the task itself, an asyncio.Event or an asyncio.Queue; or sleep for a time "
    "that is noticed, such as 0.05 s."
)
_LOOK_SELDOM = (
    "What is looked at between such short sleeps can be waited for: a threading.Event or a Condition in "
    "place of a flag, a queue.Queue in place of a list, a socket in a selector. That takes no CPU, and goes "
    "on at once. Else sleep for a time that is noticed, such as 0.05 s."
)
_ADVICE = {_YIELDS: _AWAIT, _NAPS: _LOOK_SELDOM}


class _Asked(NamedTuple):
    """A place from which the program asks: who of it, and what it called."""

    caller: Caller
    asks: str


def _asks_most(thread: ThreadRow) -> tuple[str, str] | None:
    """(function, file) of the program in which a thread asks for longest; None where it does not ask."""
    total_s: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in _running(thread):
        asked = _asked(row)
        if asked is not None:
            total_s[asked.caller.function, asked.caller.file] += row["total_s"]
    return max(total_s, key=lambda where: total_s[where], default=None)


def _rests_in(thread: ThreadRow) -> _Place | None:
    """The process, and the function and file of the program in which a thread rests for longest."""
    total_s: defaultdict[_Place, float] = defaultdict(float)
    for row in thread["blocked"]:
        if row["state"] in ("lock", "sleep"):
            asked = _asked(row)
            frame = asked.caller if asked is not None else next(frames(row), None)
            if frame is not None:
                total_s[thread["pid"], frame.function, frame.file] += row["total_s"]
    return max(total_s, key=lambda place: total_s[place], default=None)


def _running(thread: ThreadRow) -> Iterator[TimeRow]:
    """Where it ran, as far as that is known. On its way to a lock or a CPU it stands where it was before.

    A thread that has just been woken is no evidence of anything: without a GIL it counts as running while it
    has no CPU yet. Nor is one that imports: that is before the program begins.
    """
    return (
        row
        for row in thread["blocked"]
        if row["state"] == "running" and row["function"] and not _is_woken(row) and not _imports(row)
    )


def _is_woken(row: TimeRow) -> bool:
    return row["function"] == _WAITS or any(caller[0] == _WAITS for caller in row["callers"])


def _imports(row: TimeRow) -> bool:
    return imports(file for _, file, _ in frames(row))


def _asked(row: TimeRow) -> _Asked | None:
    """Of a row in which the program asks for something; None where it does something else."""
    if row["function"] not in _ALL and not any(caller[0] in _ALL for caller in row["callers"]):
        return None  # told soon: most rows of most programs end here
    called: Caller | None = None
    for frame in frames(row):
        if owner(frame.file) != LIBRARY:
            if called is None or not _is_asking(called):
                return None
            if not part_of_another(frame.function):
                return _Asked(frame, called.function)
        else:
            called = frame
    return None


def _is_asking(called: Caller) -> bool:
    file = _QUEUES if called.function in _OF_QUEUES else _OTHERS.get(called.function, ("",))[0]
    return bool(file) and called.file.endswith(file)


def _own_line(row: TimeRow, where: tuple[str, str]) -> int | None:
    """The line of that function, where it runs itself and has called nothing of Python's."""
    for frame in frames(row):
        if (frame.function, frame.file) == where:
            return frame.line
        if not part_of_another(frame.function):
            return None
    return None


class _Sums:
    """How long the threads of a group were where, in seconds."""

    def __init__(self, where: tuple[str, str]) -> None:
        self.where = where
        self.runs_s = self.asks_s = self.gives_s = 0.0
        self.looks = 0
        self.by_line: dict[int, float] = {}  # from where it asks
        self.by_ask: dict[str, float] = {}
        self.own: dict[int, float] = {}  # by line
        self.sleeps: set[int] = set()  # lines in which it sleeps
        self.rests_s = self.its_rest_s = self.timed_s = 0.0

    def add(self, thread: ThreadRow) -> None:
        for row in thread["blocked"]:
            if row["state"] in ("lock", "sleep", "io"):
                self._add_rest(row)
        for row in _running(thread):
            total_s = row["total_s"]
            self.runs_s += total_s
            asked, line = _asked(row), _own_line(row, self.where)
            if asked is not None and asked.caller[:2] == self.where:
                self.asks_s += total_s
                self.looks += row["count"]
                self.by_line[asked.caller.line] = self.by_line.get(asked.caller.line, 0.0) + total_s
                self.by_ask[asked.asks] = self.by_ask.get(asked.asks, 0.0) + total_s
                self.gives_s += total_s if _GIVES & {frame.function for frame in frames(row)} else 0.0
            elif line is not None:
                self.own[line] = self.own.get(line, 0.0) + total_s

    def _add_rest(self, row: TimeRow) -> None:
        self.rests_s += row["total_s"]
        line, asked = _own_line(row, self.where), _asked(row)
        if row["state"] == "sleep" and line is not None:
            self.sleeps.add(line)
            self.its_rest_s += row["total_s"]
        elif asked is not None and asked.caller[:2] == self.where and not row["takes_lock"]:
            self.timed_s += row["total_s"]
            self.its_rest_s += row["total_s"]  # a line that waits with a timeout is known to take no lock

    @property
    def around_s(self) -> float:
        """In the function's own lines that ask or sleep."""
        return sum(s for line, s in self.own.items() if line in self.by_line or line in self.sleeps)


def _poll(summary: Measurements, pid: int, where: tuple[str, str], threads: list[ThreadRow]) -> Poll | None:
    sums = _Sums(where)
    for thread in threads:
        sums.add(thread)
    asks = max(sums.by_ask, key=lambda name: sums.by_ask[name])
    of_queue = asks in _OF_QUEUES
    blocked = sum(share(thread, "lock", "sleep", "io") for thread in threads) / len(threads)
    wakes_hz = sum(map(blocked_a_second, threads)) / len(threads)
    often = wakes_hz >= _OFTEN_HZ and sums.its_rest_s >= _OF_ITS_REST * sums.rests_s
    pauses = often and blocked >= _PAUSES
    if blocked >= _RESTS and not pauses:
        return None
    timed = pauses and 2 * sums.timed_s > sums.rests_s
    if sums.looks < (_LOOKS_TIMED if timed else _LOOKS):
        return None
    if (timed or not of_queue) and _wakes_s(summary, pid, threads) > _WOKEN * sums.asks_s:
        return None
    least = _ASKS if pauses else _ASKS_QUEUE if of_queue else _ASKS_OTHER
    polls_s = sums.asks_s + (sum(sums.own.values()) if of_queue else sums.around_s)
    enough = _NOTHING_ELSE if not of_queue else _THAT_FUNCTION if pauses else 0.0
    if sums.asks_s < least * sums.runs_s or polls_s < enough * sums.runs_s:
        return None
    if of_queue and sums.gives_s > _GIVEN * sums.asks_s:
        return None
    of_all = polls_s / sums.runs_s
    return Poll(
        pid,
        *where,
        max(sums.by_line, key=lambda line: sums.by_line[line]),
        asks,
        threads,
        of_all,
        of_all * sum((thread["cpu_s"] or 0.0) / (thread["counted_s"] or 1.0) for thread in threads),
        of_all * sum(map(wanted_cpus, threads)),
        wakes_hz if blocked >= _PAUSES else None,
    )


def _wakes_s(summary: Measurements, pid: int, beside: list[ThreadRow]) -> float:
    """For how long other threads of the process were seen to wake those that wait."""
    own = {thread["tid"] for thread in beside}
    return sum(
        row["total_s"]
        for thread in summary["threads"]
        if thread["pid"] == pid and thread["tid"] not in own
        for row in _running(thread)
        if _WAKES & {frame.function for frame in frames(row)}
    )


def _is_of_timer(frame: Caller) -> bool:
    return frame.function.rpartition(".")[2] in _TIMERS and frame.file.endswith(_LOOPS)


def _of_loop(summary: Measurements, thread: ThreadRow) -> Poll | None:
    """A thread whose event loop never rests, as a task lets go of it only to be run again."""
    if not seen_enough(thread) or seen_s(thread) < LEAST_S or not thread["counted_s"]:
        return None
    if share(thread, "lock", "sleep", "io") >= _PAUSES or not any(
        (row["pid"], row["tid"]) == (thread["pid"], thread["tid"]) and row["kind"] == "asyncio"
        for row in summary.get("loops", ())
    ):
        return None
    runs_s = round_s = yields_s = timers_s = 0.0
    looks = 0
    by_caller: defaultdict[Caller, float] = defaultdict(float)
    own: defaultdict[Caller, float] = defaultdict(float)
    for row in _running(thread):
        runs_s += row["total_s"]
        stack = list(frames(row))
        if not stack:
            continue  # code that was compiled without a file name: it runs, and that is all that is known
        first, *by = stack
        if any(map(_is_of_timer, stack)):
            timers_s += row["total_s"]
        if first.function in _SLEEPS and first.file.endswith(_TASKS):
            yields_s += row["total_s"]
            looks += row["count"]
            caller = next((frame for frame in by if owner(frame.file) != LIBRARY), None)
            if caller is not None:
                by_caller[caller] += row["total_s"]
        elif first.file.endswith(_LOOPS):
            round_s += row["total_s"]
        else:
            own[first] += row["total_s"]
    polls_s = round_s + yields_s + sum(own[caller] for caller in by_caller)
    if not by_caller or looks < _LOOKS:
        return None
    if polls_s < _COMES_ROUND * runs_s or yields_s < _YIELDING * runs_s:
        return None
    if timers_s > _TIMED * yields_s or round_s < yields_s:
        return None
    most, of_all = max(by_caller, key=lambda caller: by_caller[caller]), polls_s / runs_s
    cpus = of_all * (thread["cpu_s"] or 0.0) / thread["counted_s"]
    place = most.function, most.file, most.line
    return Poll(thread["pid"], *place, _YIELDS, [thread], of_all, cpus, of_all * wanted_cpus(thread), None)


def _of_naps(threads: list[ThreadRow]) -> list[Poll]:
    """Threads that sleep for moments, again and again, in one function of the program each."""
    groups: defaultdict[_Place, list[tuple[ThreadRow, int]]] = defaultdict(list)
    for thread in threads:
        if seen_enough(thread) and seen_s(thread) >= LEAST_S and blocked_a_second(thread) >= _NAPS_HZ:
            naps_in = _naps_in(thread)
            if naps_in is not None:
                groups[thread["pid"], naps_in.function, naps_in.file].append((thread, naps_in.line))
    found = []
    for (pid, function, file), those in groups.items():
        there = [thread for thread, _ in those]
        cpus = sum((thread["cpu_s"] or 0.0) / (thread["counted_s"] or 1.0) for thread in there)
        if cpus >= _CPUS:
            wakes_hz = sum(map(blocked_a_second, there)) / len(there)
            wanted, line = sum(map(wanted_cpus, there)), those[0][1]
            found.append(Poll(pid, function, file, line, _NAPS, there, 1.0, cpus, wanted, wakes_hz))
    return found


def _naps_in(thread: ThreadRow) -> Caller | None:
    """Where in the program a thread sleeps, if it does nothing else; the line is that of the sleep."""
    asleep_s: defaultdict[Caller, float] = defaultdict(float)
    runs_s: defaultdict[tuple[str, str], float] = defaultdict(float)  # by function
    code_s: defaultdict[Caller, float] = defaultdict(float)  # in C
    looks = 0
    for row in thread["blocked"]:
        frame = next(frames(row), None)
        if frame is None or _imports(row):
            continue
        if row["state"] == "sleep":
            asleep_s[frame] += row["total_s"]
            looks += row["count"]
        elif row["state"] == "native":
            code_s[frame] += row["total_s"]
        elif row["state"] == "running":
            runs_s[frame[:2]] += row["total_s"]
    place = max(asleep_s, key=lambda frame: asleep_s[frame], default=None)
    if place is None or looks < _LOOKS or owner(place.file) == LIBRARY:
        return None
    if runs_s[place[:2]] < _NOTHING_BUT * sum(runs_s.values()):
        return None
    if asleep_s[place] < _NOTHING_BUT * sum(asleep_s.values()):
        return None
    if code_s[place] < _NOTHING_BUT * sum(code_s.values()) or share(thread, "sleep", "native") < _RESTS:
        return None
    return place
