"""What is exported says what the run's own figures say."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.made import SLICE_US, TURN_US, observation, turns

from app.exporters import EXPORTERS, FORMATS
from app.exporters.course import Closed, GilSlice, LaneSlice, course
from app.lab.export import exporter_of, file_name
from app.model.errors import BadRequest
from app.model.frames import Collector, Counters, Event, Frame
from app.model.states import HOLDER_NONE
from app.model.tracks import Cast

SLICES = 40
DENO = {"DENO_TLS_CA_STORE": "system,mozilla", "DENO_NO_UPDATE_CHECK": "1"}


@pytest.fixture(scope="module")
def made():
    return observation(SLICES)


def exported(name: str, made) -> bytes:
    return b"".join(exporter_of(name).export(made))


def test_stretches_go_on_from_slice_to_slice_and_end_with_the_measured_time(made):
    parts = list(course(made.messages(), Cast()))
    holds = [part for part in parts if isinstance(part, GilSlice)]
    assert len(holds) == turns(SLICES)
    assert {part.end_us - part.start_us for part in holds} == {TURN_US}
    sleeps = [part for part in parts if isinstance(part, LaneSlice) and part.lane == 2]
    assert [(part.start_us, part.end_us) for part in sleeps] == [(0, SLICES * SLICE_US)]
    assert parts[-1] == Closed(SLICES * SLICE_US)
    assert sum(isinstance(part, Frame) for part in parts) == SLICES


def test_a_missing_slice_and_a_moment_without_a_holder_end_a_stretch(made):
    held = Frame(
        50_000,
        100_000,
        1,
        0,
        0,
        [[0, 1, [0, 0, 20_000, HOLDER_NONE, 0, 0, 0, 0, 30_000]]],
        [[2, [6, 50_000]]],
    )
    beginning = made.told[:4]
    parts = list(course([*beginning, held], Cast()))
    assert [part[2:] for part in parts if isinstance(part, GilSlice)] == [(50_000, 70_000), (70_000, 100_000)]
    later = Frame(150_000, 200_000, 1, 0, 0, [[0, 1, [0, 0, 50_000]]], [[2, [6, 50_000]]])
    parts = list(course([*beginning, held, later], Cast()))
    assert [part[2:] for part in parts if isinstance(part, LaneSlice)] == [
        (50_000, 100_000),
        (150_000, 200_000),
    ]


def test_csv_adds_up_to_the_shares_of_the_summary(made):
    rows = list(csv.DictReader(io.StringIO(exported("csv", made).decode())))
    for thread in made.summary["threads"]:
        for state, share in thread["shares"].items():
            own = (row for row in rows if row["what"] == "state" and int(row["tid"]) == thread["tid"])
            told_us = sum(int(row["end_us"]) - int(row["start_us"]) for row in own if row["value"] == state)
            assert told_us / 1e6 == pytest.approx(share * thread["observed_s"])
    assert sum(row["what"] == "hold" for row in rows) == turns(SLICES)


def test_json_is_the_summary(made):
    assert json.loads(exported("json", made)) == json.loads(json.dumps(made.summary))


def test_speedscope_has_all_time_of_each_state_and_keeps_to_its_schema(made, tmp_path: Path):
    text = exported("speedscope", made)
    (tmp_path / "made.json").write_bytes(text)
    script = Path(__file__).parents[2] / "support" / "speedscope.js"
    done = subprocess.run(
        [Path(sys.executable).with_name("deno"), "run", "--quiet", "--no-lock", "--allow-read", "--allow-env",
         script, tmp_path / "made.json"],
        env=os.environ | DENO,
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "valid\n"), done.stderr
    profiles = {re.split("[: ]", told["name"])[0]: told for told in json.loads(text)["profiles"]}
    shares = [thread["shares"] for thread in made.summary["threads"]]
    length_ms = SLICES * SLICE_US / 1000
    for name, states in (("Held", ("running",)), ("Waiting", ("waiting",)), ("Blocked", ("sleep",))):
        told_ms = sum(profiles[name]["weights"])
        assert told_ms == pytest.approx(
            sum(share[state] for share in shares for state in states) * length_ms, rel=0.01
        )


def test_no_time_of_a_stack_is_lost_though_small_ones_are_not_told():
    told = observation(SLICES)
    [state] = [node for node in told.summary["where"]["flame"]["children"] if node["name"] == "running"]
    state["samples"] += 7  # of children too small to be told
    profiles = json.loads(exported("speedscope", told))["profiles"]
    for exported_ms, states in (
        (sum(profiles[0]["weights"]), ("running", "stalled")),
        (
            sum(float(line.rsplit(" ", 1)[1]) for line in exported("folded", told).decode().splitlines()),
            [node["name"] for node in told.summary["where"]["flame"]["children"]],
        ),
    ):
        nodes = told.summary["where"]["flame"]["children"]
        assert exported_ms == sum(node["samples"] for node in nodes if node["name"] in states)


def test_nothing_is_told_of_what_came_after_the_measured_time():
    end_us = SLICES * SLICE_US
    after = [
        message
        for message in course(observation(SLICES, after=14).messages(), Cast())
        if isinstance(message, Counters | Event | Collector)
    ]
    assert after
    assert max(message.at_us for message in after) <= end_us


def test_an_unknown_format_names_those_there_are():
    with pytest.raises(BadRequest, match=f"format must be one of {', '.join(FORMATS)}") as caught:
        exporter_of("pdf")
    assert caught.value.field == "format"


def test_a_files_name_is_safe_in_a_shell_and_a_header():
    run = {"id": "ab12", "name": 'pid 7: "ä" && rm -rf /'}
    assert file_name(run, exporter_of("csv")) == "pid-7-rm-rf-ab12.csv"
    assert file_name({"id": "x", "name": "…"}, exporter_of("json")) == "run-x.json"


@pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda exporter: exporter.name)
def test_a_run_that_was_never_seen_is_exported_too(exporter):
    empty = observation(0, 0)
    empty.told = empty.told[:1]
    assert all(isinstance(piece, bytes) for piece in exporter.export(empty))
