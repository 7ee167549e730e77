"""The figures of a span of a recording are what all of its messages make, however few of them are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import histories
from support.made import SLICE_US, observation

from app.analysis import pieces
from app.analysis.excerpt import Excerpt
from app.analysis.ledger import instant_of
from app.model.errors import BadRequest
from app.model.frames import Collector, Memory, encode
from app.runs import recording, standing, window
from app.runs.playback import Recorded
from app.runs.recording import Recording
from app.runs.timeline import Timeline, TimelineWriter
from app.runs.window import figures_of

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


def by_messages(messages: list, run: dict, from_us: int, to_us: int) -> dict:
    made = Excerpt(from_us, to_us)
    for message in messages:
        made.feed(message)
    return made.summary(run)


def expected(from_us: int, to_us: int) -> dict:
    return by_messages(MADE.told, RUN, from_us, to_us)


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


class InMemory:
    """A Recorded of messages that are in no file."""

    def __init__(self, messages: list, timeline: Timeline) -> None:
        self._messages = messages
        self.timeline = lambda: timeline

    def numbered(self, first: int, after: int | None = None):
        return (encode(message, 0) for message in self._messages[first:after])


def with_one_that_ends(messages: list, gone_us: int) -> list:
    """The same, and a process that is read twice and has ended by then."""
    begun = replace(messages[1], pid=8, parent=histories.PID)
    told = [Memory(at_us, 8, 1 << 20, 1 << 19, 1 << 19, 0, 0, {}) for at_us in (gone_us // 3, gone_us // 2)]
    made = [*messages[:2], begun, *messages[2:]]
    for message in (*told, replace(begun, at_us=gone_us, gone=True)):
        at = next((n for n, one in enumerate(made) if instant_of(one) > message.at_us), len(made))
        made.insert(at, message)
    return made


# A heap is read in one piece, and the C library's two pieces later.
@example(
    {0: (-2, 0, 0, 0, 0)},
    {1, *range(50_000, 450_000, 50_000)},
    set(),
    [],
    [(1, "h", 0), (350_000, "a", 0)],
    *(1, 1, 450_000, 100_000),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    *(histories.HISTORIES, histories.BORDERS, histories.MISSING, histories.LOOKS, histories.READINGS),
    *[histories.INSTANTS] * 3,
    st.sampled_from([100_000, 1_000_000]),
)
def test_what_was_told_long_before_still_stands(
    tmp_path: Path, monkeypatch, history, borders, missing, looks, readings, gone_us, one, other, lead_us
):
    # GIVEN pieces that are short, and a lead that is shorter than the time between some readings
    monkeypatch.setattr(pieces, "LENGTH_US", 150_000)
    monkeypatch.setattr(standing, "LEAD_US", lead_us)
    monkeypatch.setattr(window, "LEAD_US", lead_us)
    from_us, to_us = min(one, other), max(one, other) + 1
    messages = histories.messages_of(history, borders, missing, looks, readings)
    messages = with_one_that_ends(messages, gone_us)
    writer = TimelineWriter(tmp_path / "run.timeline")
    for number, message in enumerate(messages):
        writer.feed(message, encode(message, number), number)
    # THEN a span has what its messages make, while they come and afterwards
    made = by_messages(messages, histories.RUN, from_us, to_us)
    assert figures_of(InMemory(messages, writer.view()), histories.RUN, from_us, to_us) == made
    writer.close()
    timeline = Timeline.open(str(tmp_path / "run.timeline"))
    assert figures_of(InMemory(messages, timeline), histories.RUN, from_us, to_us) == made


def test_collectors_that_did_nothing_for_long_are_counted_from_what_they_had(tmp_path: Path):
    # GIVEN an interpreter whose totals are told at 1 s and at 60 s, and pauses of others in between
    def told(at_us: int, collections: int) -> Collector:
        counts = [[collections] * 3, [collections] * 3, [0] * 3]
        return Collector(at_us, [[histories.PID, 0, True, [700, 10, 10], [1, 1, 1], *counts, 9]])

    messages = histories.messages_of({0: (-1, 0, 0, 0, 0)}, set(), set(), [], [])[:3]
    for number in range(1400):
        frame = histories.frame_of({0: (-1, 0, 0, 0, 0)}, number * 50_000, (number + 1) * 50_000)
        messages.append(frame)
        at_us = frame.end_us
        if at_us in (1_000_000, 60_000_000):
            messages.append(told(at_us, 10 if at_us < 2_000_000 else 17))
        elif number % 20 == 0:
            messages.append(Collector(at_us, [], [[histories.PID, 1, at_us - 9, 5, 0, 0]]))
    writer = TimelineWriter(tmp_path / "run.timeline")
    for number, message in enumerate(messages):
        writer.feed(message, encode(message, number), number)
    writer.close()
    # WHEN a window is asked for that has the later of them
    recorded = InMemory(messages, Timeline.open(str(tmp_path / "run.timeline")))
    figures = figures_of(recorded, histories.RUN, 25_000_000, 65_000_000)
    # THEN it has what was done between them
    (row,) = (row for row in figures["gc"] if row["interpreter"] == 0)
    assert row["collections"] == [7, 7, 7]
