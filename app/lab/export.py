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
from app.runs.notes import Notes, line_of
from app.runs.playback import Recorded, in_thread
from app.runs.record import RunRecord
from app.runs.timeline import level_for
from app.runs.window import figures_of

Json = dict[str, Any]
Span = tuple[int, int]  # from_us, to_us

WITH_SPAN = ("html",)  # formats that can be of a span of the run

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


def export(run: RunRecord, exporter: Exporter, span: Span | None = None) -> Iterator[bytes]:
    """The file, in pieces: of a run that goes on, as far as it has come. They are made where they are taken.

    `span` is the time (from_us, to_us) that a page in a file opens at, with the figures of that time.
    Conflict where the run is not recorded; BadRequest where there is no such span, or the format has none.
    """
    if span is not None and exporter.name not in WITH_SPAN:
        raise BadRequest(
            f"{exporter.name} is always of the whole run", "Leave the span out.", field="from_us"
        )
    if span is not None and span[1] <= span[0]:
        raise BadRequest(f"to_us must be greater than from_us, {span[0]}; it was {span[1]}", field="to_us")
    return _exported(
        exporter, run.summary(), run.header(), run.recorded(), span, run.to_json().get("notes", [])
    )


async def recording_of(run: RunRecord, from_us: int = 0, to_us: int | None = None) -> AsyncIterator[str]:
    """Its messages of a span of time; of all of it also its notes, so that who imports it has them too."""
    async for line in run.messages(from_us, to_us):
        yield line
    notes = run.to_json()["notes"]
    if notes and from_us <= 0 and to_us is None:
        yield line_of(notes)


def span_of(from_us: int | None, to_us: int | None) -> Span | None:
    """A span as it was asked for, None where none was; BadRequest where half of it is missing."""
    if from_us is None and to_us is None:
        return None
    if from_us is None or to_us is None:
        missing = "from_us" if from_us is None else "to_us"
        raise BadRequest("from_us and to_us come together", "Give both, or neither.", field=missing)
    return from_us, to_us


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
    span: Span | None
    notes: Notes

    def within(self) -> Summary | None:
        if self.span is None:
            return None
        # Its exit code and the like are those of the whole.
        return {**figures_of(self.recorded, {**self.run}, *self.span), "run": self.run}

    def lines(self) -> Iterator[str]:
        return map(_line_to_share, self.recorded.span())

    def messages(self) -> Iterator[frames.Message]:
        return map(frames.decode, self.lines())

    def timeline(self, bins: int) -> Json:
        timeline = self.recorded.timeline()
        to_us = max(timeline.end_us, 1)
        return timeline.window(level_for(0, to_us, bins), 0, to_us)


def _exported(
    exporter: Exporter,
    summary: Summary,
    header: Json | None,
    recorded: Recorded,
    span: Span | None,
    notes: Notes,
) -> Iterator[bytes]:
    told = _to_share(summary["run"])  # without how it is kept, which is not the run's own
    if header is not None:
        said = {name: told.get(name, value) for name, value in header["hello"]["run"].items()}
        header = {**header, "run": told, "hello": {**header["hello"], "run": said}}
    yield from exporter.export(_Recorded(told, header, {**summary, "run": told}, recorded, span, notes))


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
