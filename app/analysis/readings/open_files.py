"""The open files of each process; a row has their sum too, as `open`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.model.readings.open_files import OpenFiles

from .kept import Kept


class KeptOpenFiles(Kept[OpenFiles]):
    """Of all processes of a run."""

    message = OpenFiles
    columns = ("open", "files", "sockets", "pipes", "others")

    def row(self, reading: OpenFiles) -> Mapping[str, Any]:
        """With the sum."""
        count = reading.files + reading.sockets + reading.pipes + reading.others
        return {"open": count, **super().row(reading)}


KEPT = KeptOpenFiles
