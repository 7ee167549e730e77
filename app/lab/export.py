"""Export of a run, live or stored: its record, given to the exporter of a format."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from app.exporters import EXPORTERS, FORMATS
from app.exporters.exporter import Exporter
from app.model import frames
from app.model.errors import BadRequest
from app.model.summary import RunInfo, Summary
from app.runs.playback import Recorded, in_thread
from app.runs.record import RunRecord
from app.runs.timeline import level_for

Json = dict[str, Any]


def exporter_of(name: str) -> Exporter:
    """The exporter of a format; BadRequest says which formats there are."""
    for exporter in EXPORTERS:
        if exporter.name == name:
            return exporter
    raise BadRequest(f"format must be one of {', '.join(FORMATS)}; it was {name!r}", field="format")


def file_name(run: Json, exporter: Exporter) -> str:
    """What to call the file: ASCII, without anything that a shell or a header takes for its own."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", run["name"]).strip("-.")
    return f"{name[:40] or 'run'}-{run['id']}{exporter.suffix}"


def export(run: RunRecord, exporter: Exporter) -> Iterator[bytes]:
    """The file, in pieces: of a run that goes on, as far as it has come. They are made where they are taken.

    Conflict where the run is not recorded.
    """
    summary, header = run.summary(), run.header()
    told = summary["run"]  # without how it is kept, which is not the run's own
    return exporter.export(_Recorded(told, header and {**header, "run": told}, summary, run.recorded()))


def in_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same, made in threads."""
    return in_thread(pieces, at_a_time=1)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A Source."""

    run: RunInfo
    header: Json | None
    summary: Summary
    recorded: Recorded

    def lines(self) -> Iterator[str]:
        return self.recorded.span()

    def messages(self) -> Iterator[frames.Message]:
        return map(frames.decode, self.recorded.span())

    def timeline(self, bins: int) -> Json:
        timeline = self.recorded.timeline()
        to_us = max(timeline.end_us, 1)
        return timeline.window(level_for(0, to_us, bins), 0, to_us)
