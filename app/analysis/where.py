"""Where a thread's time went, by state: a table, and a flame graph of which each state is a part.

The table has a TimeRow of app/model/summary.py for each place; the flame graph is as in flame.py, in
milliseconds where that one counts looks, and the nodes below its root are states.

Of a row, `line` is where the innermost function stood, `callers` are those that lead out of the standard
library, see Functions.callers. The rows of a state add up to the time that the thread spent in it.

A thread that does not run Python stays where it is. So a look at it tells of the whole of a stretch, and one
longer than LONG_BLOCK_US is given to that place with its real length. Of shorter stretches only some are
looked at, at random instants: their time is shared out by the looks that fell into them. So is that of long
stretches of which no look was taken, by the time of those that were looked at. A thread that runs moves on:
its time is shared out by the looks alone, which `count` then counts; else it counts the stretches that were
looked at, of which `longest_s` is the longest. What no look fell into has no function, nor have a state's
smallest rows where there are too many to tell. A place that many tasks came to is one row, of no task: a
server makes a task, with a name of its own, for each request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from app.analysis.flame import Flame
from app.analysis.functions import Functions, Place
from app.model.frames import LONG_BLOCK_US
from app.model.states import RUNNING, STALLED, STATES
from app.model.summary import Caller, FlameNode, TimeOfAll, TimeRow

ROWS = 20  # of a thread
ALL_ROWS = 60
FLAMES = 40  # threads that have a flame graph of their own, the most active
ALL = "all threads"
HOLDING = (RUNNING, STALLED)
TASKS = 3  # at one place, told one by one
_MOST_SPOTS = 256  # of one state of a thread


class Spot(NamedTuple):
    """What a look found."""

    stack: int | None  # None: it could not be read
    task: str | None = None


NOWHERE = Spot(None)


class _Seen:
    """What the looks at one spot add up to."""

    __slots__ = ("count", "longest_us", "looks", "whole_us")

    def __init__(self) -> None:
        self.looks = 0  # into short stretches
        self.whole_us = 0  # of long ones
        self.count = 0
        self.longest_us = 0

    def add(self, other: _Seen) -> None:
        self.looks += other.looks
        self.whole_us += other.whole_us
        self.count += other.count
        self.longest_us = max(self.longest_us, other.longest_us)


class _Head:
    """The first stretch of a piece."""

    __slots__ = ("late", "length_us", "looks", "over", "spot", "start_us", "state")

    def __init__(self, state: int, start_us: int) -> None:
        self.state = state
        self.start_us = start_us
        self.over = False
        self.length_us = self.looks = 0
        self.spot = NOWHERE  # what was last found while it went on, in so many looks
        self.late: list[Spot] = []  # what was found in it once it was over

    def end(self, length_us: int, spot: Spot, looks: int) -> None:
        self.over, self.length_us, self.spot, self.looks = True, length_us, spot, looks

    def to_state(self) -> list[Any] | None:
        return [self.state, self.length_us, self.spot, self.looks, self.late] if self.over else None


class Share(NamedTuple):
    """A part of the time of a state."""

    state: int
    spot: Spot
    total_us: float
    stretches: int  # that were looked at
    longest_us: int | None


class Where:
    """One thread. Feed it the tracks; tell it of the looks after the track that they fall into, or before."""

    __slots__ = (
        "_began_us", "_early", "_end_us", "_head", "_in_head", "_long_us", "_looked_at", "_open",
        "_open_began_us", "_open_looks", "_piece", "_seen", "_start_us", "_track",
    )  # fmt: skip

    def __init__(self, piece: bool = False) -> None:
        """Of a piece of an observation (pieces.py) the first stretch may have begun before it."""
        self._piece = piece
        self._head: _Head | None = None
        self._in_head = False  # the first piece of the newest slice belongs to it
        self._seen: dict[int, dict[Spot, _Seen]] = {}  # by state
        self._long_us = [0] * len(STATES)  # of stretches longer than LONG_BLOCK_US that are over
        self._track: list[int] = []  # the newest slice, in which the last piece may go on
        self._start_us = self._end_us = 0
        self._began_us = 0  # when the stretch began that the first piece belongs to
        self._looked_at: set[int] = set()  # the places in it of long pieces that were looked at
        self._open_began_us = 0  # when the stretch began that the last piece belongs to
        self._open = NOWHERE  # what was last found in it
        self._open_looks = 0
        self._early: list[tuple[tuple[int, ...], int, Spot]] = []  # looks whose slice has not come yet

    # ---- what was seen

    def feed(self, track: list[int], start_us: int, end_us: int) -> None:
        """The thread's track from `start_us` to `end_us`."""
        goes_on = track and self._track and start_us == self._end_us and track[0] == self._track[-2]
        if self._piece and self._head is None and track:
            self._head, self._open_began_us = _Head(track[0], start_us), start_us
            goes_on = [True]  # perhaps: it is known once the piece is put onto another
        self._in_head = False
        self._began_us = self._open_began_us if goes_on else start_us
        if self._looked_at:
            self._looked_at = set()
        if self._track and not goes_on:
            self._close(self._track[-2], self._end_us - self._open_began_us)
        elif goes_on and len(track) > 2:
            if self._open_looks:
                self._looked_at.add(0)
            self._in_head = self._head is not None and not self._head.over
            self._close(track[0], start_us + track[1] - self._began_us)
        if end_us - start_us > LONG_BLOCK_US:  # else none of the others is longer
            for at in range(2 if goes_on else 0, len(track) - 2, 2):
                if track[at] != RUNNING and track[at + 1] > LONG_BLOCK_US:
                    self._long_us[track[at]] += track[at + 1]
        self._track, self._start_us, self._end_us = track, start_us, end_us
        if track:
            self._open_began_us = self._began_us if len(track) == 2 else end_us - track[-1]
        if self._early:
            early, self._early = self._early, []
            for states, at_us, spot in early:
                self.look(states, at_us, spot)

    def look(self, states: tuple[int, ...], at_us: int, spot: Spot) -> None:
        """A look at the thread, which was in one of these states: what contradicts the track is no look."""
        if at_us >= self._end_us:
            self._early.append((states, at_us, spot))
            return
        from_us, until_us, last = self._began_us, self._start_us, len(self._track) - 2
        for at in range(0, last + 2, 2):
            until_us += self._track[at + 1]
            if at_us < until_us:
                if at_us >= from_us and self._track[at] in states:
                    self._count(at, last, until_us - from_us, spot)
                return
            from_us = until_us

    def _count(self, at: int, last: int, length_us: int, spot: Spot) -> None:
        """A look into the piece at `at`, of a stretch that lasted so long unless it goes on."""
        state = self._track[at]
        if state == RUNNING:
            self._note(state, spot, 1, 0, 1, 0)
        elif at == 0 and self._in_head and self._head is not None:
            self._head.late.append(spot)
        elif at == last:
            self._open = spot
            self._open_looks += 1
        elif length_us <= LONG_BLOCK_US:
            self._note(state, spot, 1, 0, 1, length_us)
        elif at not in self._looked_at:
            self._looked_at.add(at)
            self._note(state, spot, 0, length_us, 1, length_us)

    def _close(self, state: int, length_us: int) -> None:
        """A stretch is over."""
        if self._head is not None and not self._head.over:
            self._head.end(length_us, self._open, self._open_looks)
            self._open_looks = 0
            return
        long = state != RUNNING and length_us > LONG_BLOCK_US
        if long:
            self._long_us[state] += length_us
        if self._open_looks:
            looks, whole_us = (0, length_us) if long else (self._open_looks, 0)
            self._note(state, self._open, looks, whole_us, 1, length_us)
            self._open_looks = 0

    def _note(self, state: int, spot: Spot, looks: int, whole_us: int, count: int, longest_us: int) -> None:
        spots = self._seen.setdefault(state, {})
        seen = spots.get(spot)
        if seen is None:
            if len(spots) >= _MOST_SPOTS:
                _thin(spots)
            seen = spots[spot] = _Seen()
        seen.looks += looks
        seen.whole_us += whole_us
        seen.count += count
        seen.longest_us = max(seen.longest_us, longest_us)

    # ---- piece after piece

    def state(self) -> list[Any] | None:
        """All of it, to be stored; None where no track came."""
        if self._head is None:
            return None
        tail = [self._track[-2], self._open_began_us, self._end_us, self._open, self._open_looks]
        seen = [
            [state, spot, one.looks, one.whole_us, one.count, one.longest_us]
            for state, spots in self._seen.items()
            for spot, one in spots.items()
        ]
        return [self._head.start_us, self._head.to_state(), tail, self._long_us, seen]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows: its first stretch may be the one that goes on here."""
        start_us, head, tail, long_us, seen = state
        first = head[0] if head else tail[0]
        if self._track and (start_us != self._end_us or first != self._track[-2]):
            self._close(self._track[-2], self._end_us - self._open_began_us)
            self._track = []
        if not self._track:
            self._open_began_us = start_us
            if self._piece and self._head is None:
                self._head = _Head(first, start_us)
        spot, looks = head[2:4] if head else tail[3:5]
        if looks:
            self._open = Spot(*spot)
            self._open_looks += looks
        if head:
            self._absorb_head(
                first, start_us + head[1] - self._open_began_us, [Spot(*one) for one in head[4]]
            )
            self._open_began_us, self._open, self._open_looks = tail[1], Spot(*tail[3]), tail[4]
        for one, us in enumerate(long_us):
            self._long_us[one] += us
        for one, spot, *sums in seen:
            self._note(one, Spot(*spot), *sums)
        self._end_us = tail[2]
        self._start_us = self._began_us = self._open_began_us
        self._track = [tail[0], self._end_us - self._start_us]

    def _absorb_head(self, state: int, length_us: int, late: list[Spot]) -> None:
        """The stretch that went on has ended so; of the `late` looks it was told when it had."""
        head, looked_at = self._head, bool(self._open_looks)
        ends_head = head is not None and not head.over
        self._close(state, length_us)
        for spot in late:
            if head is not None and ends_head:
                head.late.append(spot)
            elif length_us <= LONG_BLOCK_US:
                self._note(state, spot, 1, 0, 1, length_us)
            elif not looked_at:
                looked_at = True
                self._note(state, spot, 0, length_us, 1, length_us)

    # ---- what it adds up to

    def shares(self, state_us: list[int]) -> Iterator[Share]:
        """Where the time in each state went; `state_us` is how long the thread was in each."""
        for state, total_us in enumerate(state_us):
            if total_us:
                yield from self._shares_of(state, total_us)

    def _shares_of(self, state: int, total_us: int) -> Iterator[Share]:
        spots = self._seen.get(state, {})
        long_us = self._long_us[state]
        open_spot, open_us, open_looks = NOWHERE, 0, 0
        if self._track and self._track[-2] == state != RUNNING:
            open_us = self._end_us - self._open_began_us
            open_spot, open_looks = self._open, self._open_looks
        long_open = open_us > LONG_BLOCK_US
        if long_open:
            long_us += open_us
        if open_looks:
            now = _Seen()
            now.looks, now.whole_us = (0, open_us) if long_open else (open_looks, 0)
            now.count, now.longest_us = 1, open_us
            now.add(spots.get(open_spot, _Seen()))
            spots = {**spots, open_spot: now}
        whole_us = sum(seen.whole_us for seen in spots.values())
        looks = sum(seen.looks for seen in spots.values())
        short_us = max(total_us - max(long_us, whole_us), 0)
        missed_us = total_us - whole_us - short_us
        for spot, seen in spots.items():
            part_us: float = seen.whole_us
            if looks:
                part_us += short_us * seen.looks / looks
            if whole_us:
                part_us += missed_us * seen.whole_us / whole_us
            yield Share(state, spot, part_us, seen.count, None if state == RUNNING else seen.longest_us)
        unseen_us = (0 if looks else short_us) + (0 if whole_us else missed_us)
        if unseen_us:
            yield Share(state, NOWHERE, unseen_us, 0, None)


class Whereabouts:
    """Where the time of a run's threads went, of those too that nobody speaks of any more."""

    def __init__(self) -> None:
        self._forgotten: list[Share] = []

    def forget(self, shares: Iterable[Share]) -> None:
        """A thread's row is given up; its time stays in that of all threads."""
        self._forgotten = merged([*self._forgotten, *shares])[: _MOST_SPOTS * len(STATES)]

    def all(self, shares: Iterable[Share]) -> list[Share]:
        """Those of the threads that are kept, and of the others."""
        return merged([*self._forgotten, *shares])


def merged(shares: Iterable[Share]) -> list[Share]:
    """One share for each state and spot, the largest first."""
    found: dict[tuple[int, Spot], Share] = {}
    for share in shares:
        known = found.get((share.state, share.spot))
        found[share.state, share.spot] = share if known is None else _sum(known, share)
    return sorted(found.values(), key=lambda share: (-share.total_us, share.state))


def table(shares: Iterable[Share], functions: Functions, limit: int = ROWS) -> list[TimeRow]:
    """The table, largest first: a row for each state, place and task, `limit` of them, and one a state."""
    by_place: dict[tuple[int, tuple[Place, ...]], list[Share]] = {}
    for share in shares:
        by_place.setdefault((share.state, _place(share.spot, functions)), []).append(share)
    found: dict[tuple[int, tuple[Place, ...], str | None], Share] = {}
    for (state, place), there in by_place.items():
        many = len({share.spot.task for share in there}) > TASKS
        for share in there:
            key = state, place, None if many else share.spot.task
            spot = share.spot._replace(task=key[2])
            known = found.get(key)
            found[key] = share._replace(spot=spot) if known is None else _sum(known, share)
    named = sorted((key for key in found if key[1]), key=lambda key: -found[key].total_us)
    rest: dict[int, Share] = {}
    for key in [key for key in found if not key[1]] + named[limit:]:
        state = key[0]
        share = found[key]._replace(spot=NOWHERE)
        rest[state] = _sum(rest[state], share) if state in rest else share
    told = [_row(found[key], key[1], functions) for key in named[:limit]]
    told += [_row(share, (), functions) for share in rest.values()]
    return sorted(told, key=lambda row: -row["total_s"])


def flame(shares: Iterable[Share], functions: Functions, name: str) -> FlameNode | None:
    """The flame graph of these shares, the root of which has that name; None where there is none."""
    tree = Flame(STATES)
    for share in sorted(shares, key=lambda share: -share.total_us):
        stack = share.spot.stack
        if stack is None:
            node = tree.unread(share.state)
        else:
            frames = [number for place in functions.stack(stack) for number in place]
            node = tree.node(frames, share.state)
        tree.add(node, round(share.total_us / 1000))
    return tree.to_json(functions, name)


def of_all(shares: list[Share], functions: Functions) -> TimeOfAll:
    """Table and flame graph of all threads together."""
    return {"blocked": table(shares, functions, ALL_ROWS), "flame": flame(shares, functions, ALL)}


def _place(spot: Spot, functions: Functions) -> tuple[Place, ...]:
    if spot.stack is None:
        return ()
    leaf = functions.leaf(spot.stack)
    return (leaf, *functions.callers(spot.stack)) if leaf else ()


def _row(share: Share, place: tuple[Place, ...], functions: Functions) -> TimeRow:
    named = [Caller(functions[at.function].name, functions[at.function].file, at.line) for at in place]
    leaf = named[0] if named else None
    return {
        "state": STATES[share.state],
        "function": leaf.function if leaf else None,
        "file": leaf.file if leaf else None,
        "line": leaf.line if leaf else None,
        "callers": [list(caller) for caller in named[1:]],
        "task": share.spot.task,
        "takes_lock": share.spot.stack in functions.locks,
        "total_s": share.total_us / 1e6,
        "count": share.stretches,
        "longest_s": None if share.longest_us is None else share.longest_us / 1e6,
    }


def _sum(one: Share, other: Share) -> Share:
    longest = [share.longest_us for share in (one, other) if share.longest_us is not None]
    return one._replace(
        total_us=one.total_us + other.total_us,
        stretches=one.stretches + other.stretches,
        longest_us=max(longest, default=None),
    )


def _thin(spots: dict[Spot, _Seen]) -> None:
    """Put the smaller half of the spots together: those of one stack whatever the task, then all of them."""
    smallest = sorted(spots, key=lambda spot: (spots[spot].whole_us, spots[spot].looks))[: _MOST_SPOTS // 2]
    for spot in smallest:
        if spot.task is not None:
            _move(spots, spot, Spot(spot.stack))
    if len(spots) >= _MOST_SPOTS:
        for spot in smallest:
            if spot in spots:
                _move(spots, spot, NOWHERE)


def _move(spots: dict[Spot, _Seen], spot: Spot, into: Spot) -> None:
    seen = spots.pop(spot)
    spots.setdefault(into, _Seen()).add(seen)
