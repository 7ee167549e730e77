"""The heaps of one process: which it has, when each is read, and what is told of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Callable

from app.model.frames import Heap
from app.probe.cpython.heap import pymalloc
from app.probe.cpython.heap.mimalloc import MimallocReader, owned
from app.probe.cpython.heap.reading import MapChanges, Tally
from app.probe.cpython.heap.statics import StaticArenas
from app.probe.cpython.layouts import ObmallocOffsets
from app.probe.cpython.runtime import Runtime
from app.probe.cpython.survey import Inconsistent, interpreters
from app.probe.kernel.memory import AddressSpaceGone, Range, Unmapped
from app.probe.kernel.scatter import Scatter

from .heap_schedule import Schedule
from .slow import Cost, SlowReads

_LATE_CPU_US = 8_000  # a reading for the end of a run may keep the next sample waiting for so long
_OLD_US = 100_000

Found = list[tuple[int, Tally]]  # by interpreter
Steps = Generator[None, None, Found]


class HeapReads:
    """Reads the heaps of one process, by slow reads, and tells of them."""

    def __init__(
        self, runtime: Runtime, slow: SlowReads, tell: Callable[[Heap], None], looked_at: bool
    ) -> None:
        self.present = True  # as far as is known: a process can do without a heap of its own
        self.arenas: list[Range] | None = None  # of all heaps, sorted; None before they were read
        self.newest: Found = []  # the last reading of each heap
        self._was_read = False  # or has been tried
        self._runtime, self._slow, self._tell = runtime, slow, tell
        self._schedule = Schedule()
        self._looked_at = looked_at
        self._maps: dict[int, MapChanges] = {}
        self._reading = 0  # reads begun that have not ended
        self._found: Found = []
        self._cost = Cost(0, 0)
        self._scatter = Scatter(runtime.memory, pymalloc.HEADER)
        layout = runtime.layout
        self._of = layout.obmalloc or ObmallocOffsets()
        self._statics = StaticArenas(runtime) if layout.version == (3, 11) else None
        self._mimalloc = MimallocReader(runtime) if layout.mimalloc is not None else None

    @property
    def is_known(self) -> bool:
        """Whether there is nothing to wait for: it has been read, or has none."""
        return self._was_read or not self.present

    @property
    def is_reading(self) -> bool:
        """Whether a reading is in hand."""
        return self._reading > 0

    @property
    def began_us(self) -> int:
        """When the last reading was begun; 0 before the first."""
        return self._schedule.began_us

    def known_arenas(self) -> list[Range] | None:
        """`arenas` as of now, with what mimalloc keeps for later ones."""
        return self.arenas if self.arenas is None or self._mimalloc is None else owned(self.arenas)

    def is_up(self) -> bool:
        """Whether the interpreter is not being taken down: what is left then says nothing of the run.

        Raises AddressSpaceGone.
        """
        runtime = self._runtime
        return not runtime.memory.u64(runtime.address + runtime.layout.runtime_state.finalizing)

    def look_at(self, looked_at: bool) -> None:
        """Somebody looks at the map from now on, and is told all of it; or nobody does."""
        self._looked_at = looked_at
        if looked_at:
            self._maps = {}
            self._schedule.hurry()

    def read_if_due(self, now_us: int, processes: int) -> None:
        """Begins a reading of each heap when it is time, of one of so many processes."""
        if not self._reading and self._schedule.due(now_us, self._looked_at, processes):
            self._begin(now_us)

    def read_for_the_end(self, now_us: int) -> None:
        """Begins one more reading, where the last is old and a reading is quick."""
        quick = self._schedule.cost.cpu_us <= _LATE_CPU_US
        if not self._reading and quick and now_us - self._schedule.began_us >= _OLD_US:
            self._begin(now_us)

    def _begin(self, now_us: int) -> None:
        self._schedule.begin(now_us)
        mapped, self._found = self._schedule.wants_map(now_us, self._looked_at), []
        self._cost = Cost(0, 0)
        try:
            reads = self._reads(mapped) if self.is_up() else []
        except (AddressSpaceGone, Inconsistent, Unmapped):
            reads = []
        if not reads:
            self._schedule.cost = self._cost
        self._reading = len(reads)
        for steps in reads:
            self._slow.begin(
                self._of_a_running_program(steps),
                lambda found, cost: self._ended(found, cost, now_us, mapped),
            )

    def _of_a_running_program(self, steps: Steps) -> Steps:
        found = yield from steps
        return found if self.is_up() else []

    def _reads(self, mapped: bool) -> list[Steps]:
        if self._mimalloc is not None:
            return [self._mimalloc.read(mapped)]
        if self._statics is not None:
            return [self._read_static(self._statics, mapped)]
        states = self._states()
        self.present = bool(states)
        return [self._read_state(number, state, mapped) for number, state in states]

    def _read_static(self, statics: StaticArenas, mapped: bool) -> Steps:
        vector = yield from statics.vector()
        self.present = vector is not None
        if vector is None:
            return []
        return [(0, (yield from self._read_pymalloc(vector, mapped)))]

    def _read_state(self, interpreter: int, state: int, mapped: bool) -> Steps:
        memory, of = self._runtime.memory, self._of
        vector = pymalloc.Vector(
            memory.u64(state + of.arenas),
            memory.u32(state + of.maxarenas),
            memory.u64(state + of.raw_allocated_blocks),
        )
        return [(interpreter, (yield from self._read_pymalloc(vector, mapped)))]

    def _read_pymalloc(self, vector: pymalloc.Vector, mapped: bool) -> Generator[None, None, Tally]:
        return pymalloc.read(self._runtime.memory, self._scatter, vector, mapped)

    def _states(self) -> list[tuple[int, int]]:
        """(interpreter, _obmalloc_state) of each heap, with its first interpreter where several share it."""
        memory, layout = self._runtime.memory, self._runtime.layout
        at = layout.interpreter_state
        heaps: dict[int, int] = {}
        for interp in interpreters(memory, self._runtime.address, layout):
            number = memory.u64(interp + at.id)
            if at.obmalloc is not None:
                state = interp + at.obmalloc
            else:
                assert at.obmalloc_pointer is not None
                state = memory.u64(interp + at.obmalloc_pointer)
            if state and memory.u64(state + self._of.arenas):
                heaps[state] = min(number, heaps.get(state, number))
        return sorted((number, state) for state, number in heaps.items())

    def _ended(self, found: Found | None, cost: Cost, began_us: int, mapped: bool) -> None:
        self._reading -= 1
        self._cost = Cost(max(self._cost.took_us, cost.took_us), self._cost.cpu_us + cost.cpu_us)
        self._found += found or ()
        for interpreter, tally in found or ():
            fields: dict[str, Any] = tally.figures()
            if mapped:
                fields.update(self._maps.setdefault(interpreter, MapChanges()).since(tally.map))
            at_us, pid = began_us + cost.took_us, self._runtime.memory.pid
            self._tell(Heap(at_us, pid, interpreter, took_us=cost.took_us, cpu_us=cost.cpu_us, **fields))
            cost = Cost(cost.took_us, 0)  # of one walk that has found several heaps, told once
        if not self._reading:
            self.newest = self._found or self.newest  # nothing was read of one that is taken down
            self.arenas = sorted(arena for _, tally in self.newest for arena in tally.arenas) or self.arenas
            self._was_read = True
            self._schedule.cost = self._cost
