"""What a process's live objects are, by type: judged by a random sample, an interpreter after the other."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

from app.model.frames import Types
from app.probe.cpython.census.reading import Census, CensusReader
from app.probe.cpython.heap.reading import Tally
from app.probe.cpython.runtime import Runtime
from app.probe.processes.watched import Watched
from app.probe.sampling.slow import Cost

from .read import Parts, SeldomRead


class CensusRead(SeldomRead):
    """Of one process."""

    def __init__(self, process: Watched) -> None:
        super().__init__(process)
        self._reader: tuple[Runtime, CensusReader] | None = None

    def is_ready(self, now_us: int) -> bool:
        """A heap's reading has to tell first where its pools are."""
        reader = self.process.reader
        return reader is not None and bool(reader.heaps.newest)

    def parts(self) -> Parts:
        """Each heap."""
        reader = self.process.reader
        if reader is None:
            return
        runtime = reader.sampler.runtime
        if self._reader is None or self._reader[0] is not runtime:
            self._reader = runtime, CensusReader(runtime)
        for interpreter, tally in reader.heaps.newest:
            yield self._read(self._reader[1], tally), partial(self._read_of, interpreter)

    def _read(self, reader: CensusReader, tally: Tally) -> Generator[None, None, Census]:
        return reader.read(tally)

    def _read_of(self, interpreter: int, found: Census, at_us: int, cost: Cost) -> Types:
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
        )
