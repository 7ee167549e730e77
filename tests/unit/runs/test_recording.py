"""Recordings: what was written is read back, wherever the file was cut."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.model import frames
from app.model.errors import BadRequest, GilscopeError, NotReadable
from app.runs import recording
from app.runs.playback import Recorded
from app.runs.recording import MEMBER_BYTES, Recording, read
from app.runs.timeline import beside, opened

LINES = [
    json.dumps({"type": "end", "seq": n, "at_us": n * 1000, "state": "ä" * (n % 50)}) for n in range(900)
]


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def written(path: Path, lines: list[str], clock: Clock | None = None) -> Recording:
    made = Recording(path, clock or Clock())
    for number, line in enumerate(lines):
        made.write(line, number * 1000)
    return made


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_what_was_written_is_read_back(tmp_path: Path, name: str):
    written(tmp_path / name, LINES).close()
    assert list(read(tmp_path / name)) == LINES


def test_a_compressed_recording_is_what_gzip_understands(tmp_path: Path):
    written(tmp_path / "run.gz", LINES).close()
    assert gzip.decompress((tmp_path / "run.gz").read_bytes()).decode().splitlines() == LINES


def test_messages_that_come_together_are_recorded_as_those_that_do_not(tmp_path: Path):
    made = Recording(tmp_path / "run.jsonl.gz", Clock())
    for first in range(0, len(LINES), 90):
        made.write_all(LINES[first : first + 90])
        made.write_all([])
    assert made.messages == len(LINES)
    made.keep(500)
    made.close()
    assert list(read(tmp_path / "run.jsonl.gz")) == LINES[:500]


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_what_was_written_a_second_ago_is_in_the_file_whatever_happens_now(tmp_path: Path, name: str):
    clock = Clock()
    made = written(tmp_path / name, LINES[:100], clock)
    clock.now_s = recording.FLUSH_S
    made.write(LINES[100])
    made.write(LINES[101])
    assert list(read(tmp_path / name))[:101] == LINES[:101]
    made.close()


@given(cut=st.integers(min_value=0, max_value=20_000), name=st.sampled_from(["run.jsonl", "run.jsonl.gz"]))
@settings(max_examples=60, deadline=None)
def test_a_recording_that_was_cut_anywhere_gives_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, cut: int, name: str
):
    path = tmp_path_factory.mktemp("cut") / name
    written(path, LINES).close()
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    lines = list(read(path))
    assert lines == LINES[: len(lines)]
    assert len(lines) == len(LINES) or cut < len(data)


def test_members_begin_where_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recording, "MEMBER_BYTES", 5_000)
    made = written(tmp_path / "run.gz", LINES)
    made.close()
    assert len(made.members) > 5
    for member in made.members:
        assert next(read(tmp_path / "run.gz", member.offset)) == LINES[member.number]
        assert member.at_us == member.number * 1000


def test_a_span_has_what_touches_it_and_every_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recording, "MEMBER_BYTES", 5_000)
    lines = list(LINES)
    lines[3] = json.dumps({"type": "names", "seq": 3, "at_us": 3000}, separators=(",", ":"))
    made = written(tmp_path / "run.gz", lines)
    made.close()
    recorded = Recorded(made.path, made.members, lambda: opened(beside(made.path), lambda: read(made.path)))
    got = list(recorded.span(500_000, 510_000))
    assert got[0] == lines[3]
    assert [json.loads(line)["seq"] for line in got[1:]] == list(range(500, 511))
    assert list(recorded.span()) == lines


def test_what_is_named_after_the_span_begins_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recording, "MEMBER_BYTES", 5_000)
    lines = list(LINES)
    for number in (3, 505, 800):
        lines[number] = json.dumps(
            {"type": "names", "seq": number, "at_us": number * 1000}, separators=(",", ":")
        )
    made = written(tmp_path / "run.gz", lines)
    made.close()
    recorded = Recorded(made.path, made.members, lambda: opened(beside(made.path), lambda: read(made.path)))
    got = [json.loads(line)["seq"] for line in recorded.span(500_000, 510_000)]
    assert [number for number in got if number in (3, 505, 800)] == [3, 505]
    assert sorted(set(got)) == sorted(got)


def test_a_tail_ends_before_the_message_that_is_told_otherwise(tmp_path: Path):
    lines = [json.dumps({"type": "frame", "seq": n}, separators=(",", ":")) for n in range(10)]
    lines[2] = json.dumps({"type": "event", "seq": 2}, separators=(",", ":"))
    made = written(tmp_path / "run.gz", lines)
    made.close()
    recorded = Recorded(made.path, made.members, lambda: opened(beside(made.path), lambda: read(made.path)))
    assert [json.loads(line)["seq"] for line in recorded.tail(6)] == [0, 1, 3, 4, 5]


def test_of_a_long_run_that_has_ended_a_viewer_is_sent_what_no_window_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recording, "MEMBER_BYTES", 5_000)
    told = [frames.Frame(n * 1000, n * 1000 + 1000, 1, 0, 0) for n in range(600)]
    messages = [frames.Names(0), *told, frames.Report(600_000, {}), frames.End(600_000, "finished")]
    lines = [frames.encode(message, number) for number, message in enumerate(messages)]
    made = written(tmp_path / "run.gz", lines)
    made.close()
    recorded = Recorded(made.path, made.members, lambda: opened(beside(made.path), lambda: read(made.path)))
    assert [json.loads(line)["type"] for line in recorded.tail()] == ["names", "report", "end"]
    on = [json.loads(line)["type"] for line in recorded.tail(len(lines))]
    assert on.count("frame") > 1, "a run that goes on is drawn from its last messages"


def test_a_file_that_cannot_be_opened_is_refused_with_the_field(tmp_path: Path):
    with pytest.raises(BadRequest, match="cannot be written") as caught:
        Recording(tmp_path / "no" / "folder")
    assert caught.value.field == "output"


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_a_full_disk_ends_the_recording_and_says_so_at_the_end(tmp_path: Path, name: str):
    (tmp_path / name).symlink_to("/dev/full")
    made = Recording(tmp_path / name, Clock())
    for _ in range(MEMBER_BYTES // 10_000):
        made.write("x" * 20_000)
    with pytest.raises(GilscopeError, match="not whole: No space left on device"):
        made.close()
    made.close()  # once is enough


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_a_reader_of_a_run_on_a_full_disk_does_not_meet_its_error(tmp_path: Path, name: str):
    (tmp_path / name).symlink_to("/dev/full")
    made = Recording(tmp_path / name, Clock())
    made.write("x")
    made.flush()
    assert made.failure is not None
    made.flush()
    with pytest.raises(GilscopeError, match="No space left"):
        made.close()


def test_what_is_no_recording_is_refused(tmp_path: Path):
    with pytest.raises(NotReadable, match="No such file"):
        list(read(tmp_path / "none"))
    (tmp_path / "endless").write_bytes(b"x" * (17 << 20))
    with pytest.raises(NotReadable, match="a line without an end"):
        list(read(tmp_path / "endless"))


def test_a_member_counts_once_it_is_known_when_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recording, "MEMBER_BYTES", 5000)
    at_once = written(tmp_path / "at_once.gz", LINES)
    later = Recording(tmp_path / "later.gz", Clock())
    for line in LINES:
        later.write(line)
    assert later.members == []
    for number in range(len(LINES)):
        later.reached(number, number * 1000)
        assert all(member.number <= number for member in later.members)
    assert later.members == at_once.members
    assert len(later.members) > 5
    for made in (at_once, later):
        made.close()


@pytest.mark.parametrize("kept", [0, 1, 450, 899, 900])
def test_what_could_not_be_understood_is_no_part_of_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
):
    monkeypatch.setattr(recording, "MEMBER_BYTES", 5000)
    made = Recording(tmp_path / "run.jsonl.gz", Clock())
    for line in LINES:
        made.write(line)
    for number in range(kept):
        made.reached(number, number * 1000)
    made.keep(kept)
    assert made.messages == kept
    made.write("the end", kept * 1000)
    made.close()
    lines = [*LINES[:kept], "the end"]
    assert list(read(tmp_path / "run.jsonl.gz")) == lines
    for member in made.members:
        assert member.at_us == member.number * 1000
        assert list(read(tmp_path / "run.jsonl.gz", member.offset)) == lines[member.number :]
