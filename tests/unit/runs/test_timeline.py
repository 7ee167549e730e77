"""The timeline of a run in its file: windows of it, and what was named before a message."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from app.analysis.bins import FINEST
from app.model.errors import BadRequest
from app.model.frames import Frame, Names, encode
from app.runs import timeline
from app.runs.timeline import Timeline, TimelineWriter, is_whole, level_for, opened

BINS = 1000
STEP_US = 1 << FINEST


def messages() -> list:
    """Two threads that take turns of a bin each, of which one comes after half of the time."""
    told = [Names(0, [[0, 1, 11, "Main", 0]], [[0, 1, 0]])]
    for number in range(BINS):
        start_us, end_us = number * STEP_US, (number + 1) * STEP_US
        if number == BINS // 2:
            told.append(Names(start_us, [[1, 1, 12, "late", 0]]))
        lanes = [[0, [number % 2, STEP_US]]] + ([[1, [2, STEP_US]]] if number >= BINS // 2 else [])
        told.append(Frame(start_us, end_us, 50, 0, 0, [[0, 1, [0, 1, STEP_US]]], lanes))
    return told


def write(path: Path) -> TimelineWriter:
    writer = TimelineWriter(path)
    for number, message in enumerate(messages()):
        writer.feed(message, encode(message, number), number)
    return writer


def lines() -> list[str]:
    return [encode(message, number) for number, message in enumerate(messages())]


def shares(window: dict, lane: int) -> dict[str, list[int]]:
    (row,) = (row for row in window["lanes"] if row["lane"] == lane)
    return {state: list(base64.b64decode(text)) for state, text in row["shares"].items()}


@pytest.mark.parametrize("finished", [False, True])
def test_a_window_is_the_same_while_it_is_written_and_afterwards(tmp_path: Path, finished: bool):
    writer = write(tmp_path / "run.timeline")
    level = level_for(490 * STEP_US, 530 * STEP_US, 64)
    if finished:
        writer.close()
    reader = Timeline.open(str(tmp_path / "run.timeline")) if finished else writer.view([level])
    window = reader.window(level, 490 * STEP_US + 5, 530 * STEP_US)
    assert (window["from_us"], window["bin_us"], window["bins"]) == (490 * STEP_US, STEP_US, 40)
    assert shares(window, 0) == {"running": [255, 0] * 20, "stalled": [0, 255] * 20}
    assert shares(window, 1) == {"waiting": [0] * 10 + [255] * 30}
    (gil,) = window["gils"]
    assert base64.b64decode(gil["holders"]["0"]) == base64.b64decode(gil["contended"]) == b"\xff" * 40
    assert [row["name"] for row in window["lanes"]] == ["Main", "late"]
    writer.close()


@pytest.mark.parametrize("finished", [False, True])
def test_a_coarse_window_of_all_is_the_same_too(tmp_path: Path, finished: bool):
    writer = write(tmp_path / "run.timeline")
    level = level_for(0, BINS * STEP_US, 64)
    if finished:
        writer.close()
    reader = Timeline.open(str(tmp_path / "run.timeline")) if finished else writer.view([level])
    window = reader.window(level, 0, BINS * STEP_US)
    assert window["bins"] == 63
    assert shares(window, 0)["running"][:62] == [127] * 62
    assert window["to_us"] - window["bin_us"] < BINS * STEP_US <= window["to_us"]
    writer.close()


def test_the_finest_bins_of_which_there_are_not_too_many():
    assert level_for(0, 64 * STEP_US, 64) == FINEST
    assert level_for(1, 64 * STEP_US + 1, 64) == FINEST + 1
    for bad in (0, 5):
        with pytest.raises(BadRequest, match="to_us must be greater than from_us, 5") as caught:
            level_for(5, bad, 64)
        assert caught.value.field == "to_us"


def test_what_was_named_before_a_message_is_read_without_the_rest(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(timeline, "CAST_BYTES", 10)
    path = tmp_path / "run.timeline"
    write(path).close()
    told = lines()
    assert list(Timeline.open(str(path)).names(5)) == [(0, told[0])]
    assert list(Timeline.open(str(path)).names(BINS)) == [(0, told[0]), (BINS // 2 + 1, told[BINS // 2 + 1])]


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-40], lambda data: data[:-20] + b"x" * 20]
)
def test_a_file_that_is_missing_or_not_whole_is_made_anew(tmp_path: Path, damage):
    path = tmp_path / "run.timeline"
    write(path).close()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    opened(str(path), lambda: iter(lines()))
    assert path.read_bytes() == whole
    path.unlink()
    opened(str(path), lambda: iter(lines()))
    assert path.read_bytes() == whole
    assert [left.name for left in tmp_path.iterdir()] == ["run.timeline"]


def test_a_file_whose_pieces_are_of_another_form_is_made_anew(tmp_path: Path, monkeypatch):
    path = tmp_path / "run.timeline"
    with monkeypatch.context() as earlier:
        earlier.setattr(timeline, "form", lambda: [1, "of an earlier version"])
        write(path).close()
    assert not is_whole(str(path))
    opened(str(path), lambda: iter(lines()))
    assert is_whole(str(path))


def test_a_full_disk_ends_the_timeline_and_not_the_run(tmp_path: Path):
    path = tmp_path / "run.timeline"
    path.symlink_to("/dev/full")
    writer = write(path)
    writer.close()
    assert writer.failure is not None
