"""The open files of a process."""

from __future__ import annotations

from app.model.readings.open_files import OpenFiles
from app.probe.kernel.open_files import Descriptors, descriptors
from app.probe.sampling.slow import Cost

from .read import Parts, SeldomRead


class OpenFilesRead(SeldomRead):
    """Of one process."""

    def parts(self) -> Parts:
        """One read."""
        yield descriptors(self.process.pid), self._message

    def _message(self, found: Descriptors, at_us: int, cost: Cost) -> OpenFiles:
        return OpenFiles(at_us, self.process.pid, **vars(found))


READS = OpenFilesRead
