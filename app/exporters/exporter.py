"""What an exporter is, and what it is given: the seam between a run and a format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from app.model.frames import Message
from app.model.summary import RunInfo, Summary

Json = dict[str, Any]


class Source(Protocol):
    """A run as an exporter sees it; one that goes on, as far as it has come."""

    @property
    def run(self) -> RunInfo:
        """The run itself."""
        ...

    @property
    def header(self) -> Json | None:
        """What a viewer needs to draw from the start, as app/analysis/header.py says; None where the
        observation never began."""
        ...

    @property
    def summary(self) -> Summary:
        """Its result, or that so far."""
        ...

    @property
    def span(self) -> tuple[int, int] | None:
        """From when to when, in microseconds, a page in a file opens; None: all of it."""
        ...

    @property
    def notes(self) -> Sequence[Json]:
        """What people noted on its timeline: see app/runs/notes.py."""
        ...

    def within(self) -> Summary | None:
        """The figures of that time; None where it is all of it."""
        ...

    def lines(self) -> Iterator[str]:
        """Its messages as they are recorded, from the first."""
        ...

    def messages(self) -> Iterator[Message]:
        """The same, decoded."""
        ...

    def timeline(self, bins: int) -> Json:
        """All of it in at most so many bins."""
        ...


class Exporter(Protocol):
    """A format. What it keeps in memory does not grow with the length of the run."""

    name: str  # as it is asked for
    suffix: str  # of a file
    media_type: str
    title: str  # as a menu shows it

    def export(self, source: Source) -> Iterator[bytes]:
        """The file, in pieces."""
        ...
