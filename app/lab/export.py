"""Export of a run, live or stored: its record, given to the exporter of a format."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from app.exporters import EXPORTERS, FORMATS
from app.exporters.exporter import Exporter
from app.model import frames, redaction
from app.model.errors import BadRequest
from app.model.summary import RunInfo, Summary
from app.runs.playback import Recorded, in_thread
from app.runs.record import RunRecord
from app.runs.timeline import level_for

Json = dict[str, Any]

# Messages that may hold what others are not to see.
_MAY_HOLD = tuple(json.dumps(kind.type) for kind in (frames.Hello, frames.Report))


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
    return _exported(exporter, run.summary(), run.header(), run.recorded())


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
        return map(_line_to_share, self.recorded.span())

    def messages(self) -> Iterator[frames.Message]:
        return map(frames.decode, self.lines())

    def timeline(self, bins: int) -> Json:
        timeline = self.recorded.timeline()
        to_us = max(timeline.end_us, 1)
        return timeline.window(level_for(0, to_us, bins), 0, to_us)


def _exported(
    exporter: Exporter, summary: Summary, header: Json | None, recorded: Recorded
) -> Iterator[bytes]:
    told = _to_share(summary["run"])  # without how it is kept, which is not the run's own
    if header is not None:
        said = {name: told.get(name, value) for name, value in header["hello"]["run"].items()}
        header = {**header, "run": told, "hello": {**header["hello"], "run": said}}
    yield from exporter.export(_Recorded(told, header, {**summary, "run": told}, recorded))


def _to_share(run: RunInfo) -> RunInfo:
    """The run as others may see it: what it printed and the texts that it was given may hold secrets.

    Command lines and environments were blanked before they were recorded.
    """
    output, params = run.get("output"), run["params"] or {}
    given = {name: _blanked(value) if isinstance(value, str) else value for name, value in params.items()}
    return {**run, "output": None if output is None else _blanked(output), "params": given}


def _line_to_share(line: str) -> str:
    """A message as others may see it: without a script's text, and with what was printed blanked."""
    if not any(kind in line for kind in _MAY_HOLD):
        return line
    body = json.loads(line)
    if body["type"] == frames.Hello.type:
        body["run"].pop("script", None)
    elif body["type"] == frames.Report.type and "output" in body["data"]:
        body["data"]["output"] = _blanked(body["data"]["output"])
    else:
        return line
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _blanked(text: str) -> str:
    return "\n".join(map(redaction.text, text.split("\n")))
