"""What of a recording a replay needs: the pieces of each thread, who let it go on, and what it executed."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from app.analysis.functions import Functions
from app.model.frames import Blocked, Frame, Message, Names, Process, Stacks
from app.model.states import NATIVE, RUNNING, STALLED
from app.model.tracks import Cast, blocked_looks, gil_pieces, lane_pieces, looks

MOST_PIECES = 60_000  # of all threads: a replay of so many takes a third of a second
_LET_GO_US = 2_000  # before a thread went on, who let it go on was seen with the GIL


class LaneRecord:
    """One thread's states, in order; where there is a gap, nothing was seen of it."""

    def __init__(self) -> None:
        self.starts_us = array("q")
        self.lengths_us = array("q")
        self.states = array("b")

    def add(self, start_us: int, state: int, length_us: int) -> None:
        """The next piece; one of the same state is joined to that before it."""
        if length_us <= 0:
            return
        if self.states and self.states[-1] == state and self.starts_us[-1] + self.lengths_us[-1] == start_us:
            self.lengths_us[-1] += length_us
            return
        self.starts_us.append(start_us)
        self.lengths_us.append(length_us)
        self.states.append(state)


class Observed:
    """Feed it the messages of a span, and before them all that name; it stops where there are MOST_PIECES."""

    def __init__(self) -> None:
        self.functions = Functions()
        self.lanes: dict[int, LaneRecord] = {}
        self.interval_us = 5_000
        self.start_us: int | None = None
        self.end_us = 0
        self._cast = Cast()
        self._looks: dict[int, tuple[list[int], list[int]]] = {}  # lane: instants, functions
        self._holders: dict[int, tuple[list[int], list[int]]] = {}  # GIL: when each began, who
        self._contended: dict[
            int, tuple[list[int], list[int]]
        ] = {}  # GIL: when a piece began, what came before
        self._pieces = 0

    @property
    def full(self) -> bool:
        """Whether more would take too long to replay."""
        return self._pieces >= MOST_PIECES

    def feed(self, message: Message) -> None:
        """Take the next message."""
        match message:
            case Names():
                self._cast.names(message)
                self.functions.names(message)
            case Process():
                self._cast.process(message)
                if message.switch_interval_us:
                    self.interval_us = message.switch_interval_us
            case Frame() if not self.full:
                self._frame(message)
            case Stacks():
                for look in looks(message):
                    if look.holder >= 0 and look.holder_stack is not None:
                        self._look(look.holder, look.at_us, look.holder_stack)
            case Blocked():
                for row in blocked_looks(message):
                    if row.state == NATIVE and row.stack is not None:
                        self._look(row.lane, row.at_us, row.stack)

    def gil_of(self, lane: int) -> int | None:
        """The GIL that a thread takes; None where it takes none."""
        who = self._cast.lanes[lane].who
        own = [
            one.whose
            for one in self._cast.gils.values()
            if one.whose.pid == who.pid and one.whose.gil in self._holders
        ]
        exact = [gil.gil for gil in own if gil.interpreter == who.interpreter]
        return exact[0] if exact else own[0].gil if own else None

    def let_on_by(self, lane: int, at_us: int) -> int | None:
        """The thread that held the GIL last before a lock or a queue let `lane` go on; None: nobody seen."""
        gil = self.gil_of(lane)
        if gil is None or gil not in self._holders:
            return None
        starts, who = self._holders[gil]
        place, end_us = bisect_left(starts, at_us) - 1, at_us
        while place >= 0 and end_us >= at_us - _LET_GO_US:
            if who[place] >= 0 and who[place] != lane:
                return who[place]
            end_us = starts[place]
            place -= 1
        return None

    def contended_us(self, lane: int, start_us: int, end_us: int) -> int:
        """For how long in a span of time somebody waited for the GIL that a thread takes."""
        gil = self.gil_of(lane)
        if gil is None or gil not in self._contended:
            return 0
        starts, sums = self._contended[gil]
        first, last = bisect_left(starts, start_us), bisect_left(starts, end_us)
        return sums[min(last, len(sums) - 1)] - sums[min(first, len(sums) - 1)]

    def function_at(self, lane: int, start_us: int, end_us: int) -> int | None:
        """The function to blame for what a thread executed in a piece: that of the look nearest to it."""
        seen = self._looks.get(lane)
        if not seen:
            return None
        instants, functions = seen
        middle_us = (start_us + end_us) // 2
        place = bisect_right(instants, middle_us)
        near = [at for at in (place - 1, place) if 0 <= at < len(instants)]
        return functions[min(near, key=lambda at: abs(instants[at] - middle_us))]

    def looks_within(self, lane: int, start_us: int, end_us: int) -> Iterable[tuple[int, int]]:
        """(instant, function) of the looks at a thread in a piece of its time."""
        instants, functions = self._looks.get(lane, ([], []))
        first, last = bisect_left(instants, start_us), bisect_left(instants, end_us)
        return zip(instants[first:last], functions[first:last], strict=True)

    def _frame(self, frame: Frame) -> None:
        if self.start_us is None:
            self.start_us = frame.start_us
        self.end_us = frame.end_us
        for lane, start_us, track in self._cast.lane_tracks(frame):
            pieces = self.lanes.setdefault(lane, LaneRecord())
            before = len(pieces.states)
            for state, length_us in lane_pieces(track):
                pieces.add(start_us, state, length_us)
                start_us += length_us
            self._pieces += len(pieces.states) - before
        for gil, start_us, track in self._cast.gil_tracks(frame):
            if all(holder < 0 for holder, _, _ in gil_pieces(track)) and gil not in self._holders:
                continue  # nobody ever took it: a free-threaded build
            starts, who = self._holders.setdefault(gil, ([], []))
            instants, sums = self._contended.setdefault(gil, ([], [0]))
            for holder, waiters, length_us in gil_pieces(track):
                instants.append(start_us)
                sums.append(sums[-1] + (length_us if waiters else 0))
                if not who or who[-1] != holder:
                    starts.append(start_us)
                    who.append(holder)
                start_us += length_us

    def _look(self, lane: int, at_us: int, stack: int) -> None:
        blamed = self.functions.blamed(stack)
        if blamed is None:
            return
        instants, functions = self._looks.setdefault(lane, ([], []))
        place = len(instants)
        while place and instants[place - 1] > at_us:
            place -= 1
        instants.insert(place, at_us)
        functions.insert(place, blamed.function)


BUSY = (RUNNING, STALLED, NATIVE)
