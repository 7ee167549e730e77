"""Who held each GIL, for how long at a stretch, and how often it changed hands."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from app.analysis.holders import Holders, HoldersAtEnds
from app.analysis.longest import Hold, Longest
from app.analysis.thread import StoredThread, Thread
from app.analysis.threads import Threads
from app.analysis.tracks import GilTime, gil_time
from app.model.frames import Names
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN
from app.model.summary import GilFigures, GilRow
from app.model.tracks import gil_names, gil_pieces

END_US = 1_000_000  # of the ends of a piece: waits that lasted over a border are rarely longer
MARGIN = 0.05  # of held share: by less no lock takes another's place as the main one


class Gil:
    """One lock: whose it is, and the sums over the time in which it was read."""

    def __init__(self, index: int, pid: int, interpreter: int | None, named_us: int) -> None:
        self.index = index
        self.pid = pid
        self.interpreter = interpreter
        self.named_us = named_us
        self.holders = Holders(index, [], named_us)  # in the newest slice
        self.seen_us = -1  # the end of that slice
        self._holder = HOLDER_NONE
        self._first: tuple[int, int, int] | None = None  # its first slice, first instant read, holder then
        self._ends: list[list[Any]] | None = (
            None  # of pieces put together: the tracks where they begin and end
        )
        self.switches = 0
        self.lifetime_us = 0
        self.time = GilTime()

    def feed(
        self,
        switches: int,
        track: list[int],
        start_us: int,
        end_us: int,
        threads: Threads,
        longest: Longest,
        joined: bool = False,
    ) -> None:
        """Add the track of the slice from `start_us` to `end_us`, and its holds to the threads that had them.

        `joined`: the holders of the slices before are asked for as well, see joined.py.

        A hold goes on from one slice into the next. It is ended by another holder and by nobody (a piece of
        length 0 too), and cut by time in which the lock could not be read and by a slice that is missing.
        """
        self.switches += switches
        self.lifetime_us += end_us - start_us
        self.time.add(gil_time(track))
        at_us = max(start_us, self.named_us)
        if joined or threads.piece:
            self.holders.add(track, at_us)
        else:
            self.holders = Holders(self.index, track, at_us)
        holder = self._holder
        if 0 <= self.seen_us != start_us:
            self._end_hold(holder, self.seen_us, threads, longest, unread=True)
            holder = HOLDER_UNKNOWN
            self.time.unknown_us += start_us - self.seen_us
        self.seen_us = end_us
        if self._first is None and track:
            self._begin(start_us, at_us, track[0], threads)
        for now, waiters, length_us in gil_pieces(track):
            if now != holder:
                before, holder = holder, now
                self._end_hold(before, at_us, threads, longest, unread=holder == HOLDER_UNKNOWN)
                if holder >= 0:
                    threads[holder].holds.torn = before == HOLDER_UNKNOWN
            at_us += length_us
            if holder >= 0:
                threads[holder].holds.open_us += length_us
                if waiters:
                    threads[holder].kept.open_us += length_us
        self._holder = holder

    def state(self, heads_us: int, tails_us: int) -> list[Any] | None:
        """All of it, to be stored; None where it was never read. `heads_us` and `tails_us`: see open_ends."""
        if self._first is None:
            return None
        ends = self._ends or self._holders_at_ends(heads_us, tails_us)
        return [
            *(self.index, self.pid, self.interpreter, self.named_us, ends, self._first, self.seen_us),
            *(self._holder, self.switches, self.lifetime_us, self.time.state()),
        ]

    def _holders_at_ends(self, heads_us: int, tails_us: int) -> list[Any]:
        """Up to the former, and from the latter on, of END_US at the most."""
        begin_us, end_us = self._first[0] if self._first else 0, self.seen_us
        return [
            self.holders.within(begin_us, min(heads_us, begin_us + END_US)),
            self.holders.within(max(tails_us, end_us - END_US), end_us),
        ]

    def absorb(
        self, state: list[Any], threads: Threads, longest: Longest, told: dict[int, StoredThread]
    ) -> None:
        """Add the piece that follows, and its first hold to the one that goes on.

        `told` are the stored states of that piece's threads, by lane.
        """
        ends, (start_us, at_us, first), seen_us, holder, switches, lifetime_us, time = state[4:]
        self._ends = [self._ends[0] if self._ends else ends[0], ends[1]]
        if 0 <= self.seen_us != start_us:
            self._end_hold(self._holder, self.seen_us, threads, longest, unread=True)
            self._holder = HOLDER_UNKNOWN
            self.time.unknown_us += start_us - self.seen_us
        if self._first is None:
            self._begin(start_us, at_us, first, threads)
        if first != self._holder:
            self._end_hold(self._holder, at_us, threads, longest, unread=first == HOLDER_UNKNOWN)
            if first >= 0:
                threads[first].holds.torn = self._holder == HOLDER_UNKNOWN
        if first >= 0:
            tracked = told[first].tracked
            assert tracked is not None  # it held the lock
            self._absorb_hold(threads[first], at_us, tracked.holds, tracked.kept, threads, longest)
        self._holder, self.seen_us = holder, seen_us
        self.switches += switches
        self.lifetime_us += lifetime_us
        self.time.add(GilTime(*time))

    def _absorb_hold(
        self,
        thread: Thread,
        at_us: int,
        hold: list[Any],
        kept: list[Any],
        threads: Threads,
        longest: Longest,
    ) -> None:
        """Add a piece's first hold, which the thread had."""
        fresh, head, *_, open_us, _ = hold
        if fresh:
            thread.holds.open_us += open_us
            thread.kept.open_us += kept[5]
        elif head is not None:
            length_us, unread = head
            thread.holds.open_us += length_us
            thread.kept.open_us += kept[1][0]
            self._end_hold(thread.lane, at_us + length_us, threads, longest, unread)

    def _begin(self, start_us: int, at_us: int, holder: int, threads: Threads) -> None:
        """Of a piece the first hold may have begun before it."""
        self._first = start_us, at_us, holder
        if holder >= 0 and threads.piece:
            threads[holder].holds.fresh = threads[holder].kept.fresh = True

    def still(self, threads: Threads) -> Iterator[Hold]:
        """The hold that was not ended."""
        thread = threads.get(self._holder)
        if thread is not None and thread.holds.open_us:
            yield self._hold(thread, self.seen_us, thread.holds.torn)

    def rates(self) -> GilFigures:
        """Shares, waiters and switches a second over all of its measured time."""
        per_s = self.switches * 1e6 / self.lifetime_us if self.lifetime_us else None
        return {"switches_per_s": per_s, **self.time.shares()}

    def to_json(self) -> GilRow:
        """The lock's row, as it stands in a summary."""
        return {
            "pid": self.pid,
            "interpreter": self.interpreter,
            "switches": self.switches,
            **self.rates(),
            **self.time.seconds(),
        }

    def _end_hold(self, holder: int, at_us: int, threads: Threads, longest: Longest, unread: bool) -> None:
        if holder < 0:
            return
        thread = threads[holder]
        length_us = thread.holds.open_us
        whole = length_us and not thread.holds.fresh
        if whole and (-length_us, at_us - length_us, thread.lane) < longest.bar:
            longest.offer(self._hold(thread, at_us, thread.holds.torn or unread))
        thread.holds.close(unread)
        thread.kept.close()  # of a hold that is cut too: another waited for so long at least

    def _hold(self, thread: Thread, end_us: int, at_least: bool) -> Hold:
        return Hold(end_us - thread.holds.open_us, thread.holds.open_us, thread, self.index, at_least)


class Gils:
    """All GILs of a run, by index. `main` is the one that a view shows first."""

    def __init__(self) -> None:
        self.main: int | None = None
        self.longest_holds = Longest()
        self._gils: dict[int, Gil] = {}
        self._of_process: dict[int, list[Gil]] = {}
        self._forgotten = GilTime()
        self._forgotten_switches = 0

    def __iter__(self) -> Iterator[Gil]:
        return iter(self._gils.values())

    def copy_names(self, other: Gils) -> None:
        """Know the GILs that another knows."""
        for gil in other:
            self._name(gil.index, gil.pid, gil.interpreter, gil.named_us)

    def state(self, heads_us: int, tails_us: int) -> dict[str, Any]:
        """All of it that does not come by names, to be stored."""
        told = [state for gil in self if (state := gil.state(heads_us, tails_us)) is not None]
        return {"gils": told, "longest": self.longest_holds.state()}

    def absorb(self, state: dict[str, Any], threads: Threads, told: dict[int, StoredThread]) -> None:
        """Add the piece that follows; `told` are the stored states of its threads, by lane."""
        for gil in state["gils"]:
            self._name(*gil[:4])
            self[gil[0]].absorb(gil, threads, self.longest_holds, told)
        self.longest_holds.absorb(Hold.of_state(hold, threads.spoken_for) for hold in state["longest"])

    def __getitem__(self, index: int) -> Gil:
        gil = self._gils.get(index)
        if gil is None:
            raise ValueError(f"GIL {index} was never named")
        return gil

    def names(self, message: Names) -> None:
        """Take note of GILs that came."""
        for index, pid, interpreter in gil_names(message):
            self._name(index, pid, interpreter, message.at_us)

    def _name(self, index: int, pid: int, interpreter: int | None, named_us: int) -> None:
        if index not in self._gils:
            gil = self._gils[index] = Gil(index, pid, interpreter, named_us)
            self._of_process.setdefault(pid, []).append(gil)

    def forget(self, pids: set[int], threads: Threads) -> set[int]:
        """The GILs of these processes are not spoken of any more; their indices."""
        gone = [gil for pid in pids for gil in self._of_process.pop(pid, ())]
        for gil in gone:
            for hold in gil.still(threads):
                self.longest_holds.offer(hold)
            self._forgotten.add(gil.time)
            self._forgotten_switches += gil.switches
            del self._gils[gil.index]
        return {gil.index for gil in gone}

    def holders(self, thread: Thread, end_us: int) -> Holders | None:
        """Who held the GIL that the thread takes, in the slice that ends then; None where it takes none.

        Interpreters that share a GIL name it after one of them: it is the first of the process.
        """
        seen = [gil for gil in self._of_process.get(thread.pid, ()) if gil.seen_us == end_us]
        own = (gil for gil in seen if gil.interpreter == thread.interpreter)
        gil = next(own, seen[0] if seen else None)
        return gil.holders if gil else None

    def still_held(self, threads: Threads) -> Iterator[Hold]:
        """The holds that were not ended."""
        for gil in self:
            yield from gil.still(threads)

    def choose_main(self, indices: Collection[int], root: int | None, run_us: int) -> None:
        """Choose `main` among these: the root process's own, unless another was held for clearly longer.

        Held time of the whole run counts, so a helper that idles does not win, nor one that came and went.
        Once chosen a lock stays so until another is MARGIN of the run ahead of it; the root process's takes
        its place back at half of that.
        """
        read = [gil for index in indices if (gil := self._gils.get(index)) and gil.time.read_us]
        if not read:
            self.main = None
            return
        ranks = {gil.index: (gil.time.held_us, gil.switches, -gil.index) for gil in read}
        best = max(read, key=lambda gil: ranks[gil.index])
        ahead_us = {gil.index: best.time.held_us - gil.time.held_us for gil in read}
        own = next((gil.index for gil in read if gil.pid == root), None)
        margin_us = run_us * (MARGIN if self.main in (None, own) else MARGIN / 2)
        if own is not None and ahead_us[own] <= margin_us:
            self.main = own
        elif self.main not in ahead_us or ahead_us[self.main] > run_us * MARGIN:
            self.main = best.index

    def time(self) -> GilTime:
        """What became of the time of all locks that there ever were."""
        total = GilTime()
        for time in (self._forgotten, *(gil.time for gil in self)):
            total.add(time)
        return total

    def switches(self) -> int:
        """How often all locks that there ever were changed hands."""
        return self._forgotten_switches + sum(gil.switches for gil in self)

    def summary_rows(self) -> list[GilRow]:
        """A row for each GIL seen in the measured time."""
        return [gil.to_json() for gil in self if gil.lifetime_us]


def ends_of(state: dict[str, Any]) -> HoldersAtEnds:
    """Who held each GIL at the ends of a piece, of its stored state."""
    return {
        index: (Holders.of_state(index, first), Holders.of_state(index, last))
        for index, _, _, _, (first, last), *_ in state["gils"]
    }
