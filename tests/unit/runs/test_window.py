"""The figures of a span of a recording are what all of its messages make, however few of them are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.made import SLICE_US, observation

from app.analysis import pieces
from app.analysis.excerpt import Excerpt
from app.model.errors import BadRequest
from app.model.frames import Collector, encode
from app.runs import recording
from app.runs.playback import Recorded
from app.runs.recording import Recording
from app.runs.timeline import Timeline, TimelineWriter
from app.runs.window import LEAD_US, figures_of

SLICES = 600
MADE = observation(SLICES)
RUN = {**MADE.run, "exit_code": 0}
SPANS = [
    (0, SLICES * SLICE_US),
    (0, 1),
    (10_001, 29_000_123),
    (4_000_000, 4_000_001),
    (7_123_456, 8_000_000),
    (12_345_678, 23_456_789),
    (29_000_000, 10**9),
]


@pytest.fixture
def written(tmp_path: Path, monkeypatch):
    """The run's recording, and the writer of what lies beside it."""
    monkeypatch.setattr(recording, "MEMBER_BYTES", 20_000)
    monkeypatch.setattr(pieces, "LENGTH_US", 500_000)
    file, beside = Recording(tmp_path / "run.jsonl.gz"), TimelineWriter(tmp_path / "run.timeline")
    at_us = 0
    for number, message in enumerate(MADE.told):
        line = encode(message, number)
        file.write(line, at_us)
        at_us = max(at_us, getattr(message, "end_us", 0))
        beside.feed(message, line, number)
    file.flush()
    yield file, beside
    file.close()
    beside.close()


def expected(from_us: int, to_us: int) -> dict:
    made = Excerpt(from_us, to_us)
    for message in MADE.told:
        long_before = isinstance(message, Collector) and message.at_us < from_us - LEAD_US
        if not long_before:
            made.feed(message)
    return made.summary(RUN)


@pytest.mark.parametrize("finished", [False, True])
def test_they_are_what_its_messages_make(tmp_path: Path, written, finished: bool, monkeypatch):
    file, beside = written
    if finished:
        file.close()
        beside.close()
    timeline = Timeline.open(str(tmp_path / "run.timeline")) if finished else beside.view()
    recorded = Recorded(file.path, list(file.members), lambda: timeline)
    for span in SPANS:
        assert figures_of(recorded, RUN, *span) == expected(*span)
    assert figures_of(recorded, RUN, *SPANS[0])["gils"] == MADE.summary["gils"]
    read = []
    numbered = recorded.numbered
    monkeypatch.setattr(
        recorded, "numbered", lambda *span: [read.append(line) or line for line in numbered(*span)]
    )
    figures_of(recorded, RUN, 1_000_000, 29_000_000)
    assert len(read) < len(MADE.told) / 4


def test_a_span_that_is_none_is_refused(written):
    file, beside = written
    recorded = Recorded(file.path, list(file.members), beside.view)
    with pytest.raises(BadRequest) as caught:
        figures_of(recorded, RUN, 7, 7)
    assert caught.value.field == "to_us"
