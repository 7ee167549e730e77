"""The C extensions of each process; a row has how many of them say what, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.model.readings.extensions import Extensions, LoadedExtension

from .kept import Kept


class KeptExtensions(Kept[Extensions]):
    """Of all processes of a run."""

    message = Extensions
    columns = ("loaded",)

    def row(self, reading: Extensions) -> Mapping[str, Any]:
        """With the numbers of those that declare it, that do not, and of which it is not known."""
        files = [LoadedExtension(*map(str, row)) for row in reading.rows]
        said = [file.says for file in files]
        return {
            "loaded": len(files) + reading.left_out,
            "declares": said.count("declares"),
            "does_not": said.count("does-not"),
            "unknown": said.count("unknown"),
            "rows": [file._asdict() for file in files],
            "left_out": reading.left_out,
        }


KEPT = KeptExtensions
