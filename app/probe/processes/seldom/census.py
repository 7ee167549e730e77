"""What a process's live objects are, by type, and which names hold the large containers."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

from app.model.frames import ContainerHolders, Types
from app.probe.cpython.capabilities import ALL, BLOCKS_ALONE, NOTHING, POOLS_ALONE
from app.probe.cpython.census.holders import Holder, HolderReader
from app.probe.cpython.census.reading import Census, CensusReader
from app.probe.cpython.heap.reading import Tally
from app.probe.cpython.runtime import Runtime
from app.probe.kernel.memory import Range
from app.probe.libc.in_use import InUse, InUseReader
from app.probe.processes.watched import Watched
from app.probe.sampling.reader import Reader
from app.probe.sampling.slow import Cost

from .read import Parts, SeldomRead

_MOVED_SHARE = 0.2  # after that the last census is out of date


class _ObjectsRead(SeldomRead):
    """A reading of live objects: out of date once there is much more of them, or less."""

    is_spread = True

    def __init__(self, process: Watched) -> None:
        super().__init__(process)
        self._bytes = self._own = 0  # in Python's heaps, and of the whole process, at the last reading

    def is_pressing(self) -> bool:
        """Python's heaps hold so much more, or less, than they did; or the process has to itself.

        What is larger than 512 bytes lies in the C library's heap.
        """
        reader = self.process.reader
        if reader is None:
            return False
        self._own = self._own or self.process.own  # which is told only after the first reading has begun
        return _has_moved(_bytes(reader), self._bytes) or _has_moved(self.process.own, self._own)

    def is_up(self) -> bool:
        """Nor is one that has no interpreter any more: what had been read until then was going."""
        return self.process.reader is not None and super().is_up()

    def _begin(self, reader: Reader) -> None:
        self._bytes, self._own = _bytes(reader), self.process.own


class CensusRead(_ObjectsRead):
    """The types of a process: judged by a random sample, an interpreter after the other."""

    def __init__(self, process: Watched) -> None:
        super().__init__(process)
        self._reader: tuple[Runtime, CensusReader, InUseReader] | None = None
        self._in_use: InUse | None = None  # of the reading in hand

    def is_ready(self, now_us: int) -> bool:
        """A heap's reading has to tell first where its pools are, or that there are none."""
        reader = self.process.reader
        return reader is not None and reader.heaps.is_known

    def parts(self) -> Parts:
        """Each heap."""
        reader = self.process.reader
        if reader is None:
            return
        self._begin(reader)
        runtime = reader.sampler.runtime
        if self._reader is None or self._reader[0] is not runtime:
            self._reader = runtime, CensusReader(runtime), InUseReader(runtime.memory)
        _, census, in_use = self._reader
        pools = _pools(reader)
        if not pools:
            yield self._all(census, in_use, reader), partial(self._read_of, 0, True, "malloc")
            return
        arenas = reader.heaps.arenas or []
        for number, (interpreter, tally) in enumerate(pools):
            if tally.pages:
                self._in_use, steps = None, census.read(tally, False, [])
            elif number:
                steps = self._more(census, tally)
            else:
                steps = self._first(census, in_use, tally, arenas, reader)
            yield steps, partial(self._read_of, interpreter, number == 0, tally.allocator)

    def _all(
        self, census: CensusReader, in_use: InUseReader, reader: Reader
    ) -> Generator[None, None, Census | None]:
        """Where there is no heap of Python's every object is a block of the C library's."""
        self._in_use = yield from in_use.read([], least=0)
        reader.census_of = BLOCKS_ALONE if self._in_use else NOTHING
        return (yield from census.read_blocks(self._in_use.blocks)) if self._in_use else None

    def _first(
        self,
        census: CensusReader,
        in_use: InUseReader,
        tally: Tally,
        arenas: list[Range],
        reader: Reader,
    ) -> Generator[None, None, Census]:
        """The first heap's; what lies in no pool counts with it, for nobody can tell whose it is."""
        self._in_use = yield from in_use.read(arenas)
        reader.census_of = ALL if self._in_use else POOLS_ALONE
        blocks = self._in_use.blocks if self._in_use else []
        return (yield from census.read(tally, self._in_use is not None, blocks))

    def _more(self, census: CensusReader, tally: Tally) -> Generator[None, None, Census]:
        return census.read(tally, self._in_use is not None, [])

    def _read_of(
        self, interpreter: int, is_first: bool, allocator: str, found: Census, at_us: int, cost: Cost
    ) -> Types:
        in_use = self._in_use if is_first else None
        return Types(
            at_us,
            self.process.pid,
            interpreter,
            cost.took_us,
            cost.cpu_us,
            found.pages,
            found.pages_read,
            found.torn,
            found.bytes_used,
            round(found.objects),
            [
                [name, round(of.count), round(of.count_off), round(of.bytes), round(of.bytes_off)]
                for name, of in found.largest()
            ],
            in_use.bytes if in_use else None,
            round(found.large_known),
            len(in_use.blocks) if in_use else 0,
            in_use.torn if in_use else 0,
            in_use.cut if in_use else False,
            allocator,
        )


class HoldersRead(_ObjectsRead):
    """Which names of a process hold its large containers."""

    def __init__(self, process: Watched) -> None:
        super().__init__(process)
        self._reader: tuple[Runtime, HolderReader] | None = None

    def is_ready(self, now_us: int) -> bool:
        """Once it is read."""
        return self.process.reader is not None

    def parts(self) -> Parts:
        """All of it."""
        reader = self.process.reader
        if reader is None:
            return
        self._begin(reader)
        runtime = reader.sampler.runtime
        if self._reader is None or self._reader[0] is not runtime:
            self._reader = runtime, HolderReader(runtime)
        yield self._reader[1].read(), self._found

    def _found(self, found: list[Holder], at_us: int, cost: Cost) -> ContainerHolders:
        return ContainerHolders(
            at_us, self.process.pid, cost.took_us, cost.cpu_us, [list(each) for each in found]
        )


def _has_moved(now: int, then: int) -> bool:
    return abs(now - then) > _MOVED_SHARE * then


def _bytes(reader: Reader) -> int:
    return sum(tally.bytes_used for _, tally in _pools(reader))


def _pools(reader: Reader) -> list[tuple[int, Tally]]:
    """The newest reading of each heap of Python's."""
    return [(interpreter, tally) for interpreter, tally in reader.heaps.newest if tally.kinds or tally.pages]
