"""An exported trace in a real Perfetto: its trace processor counts what our own figures count."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from support.made import PID, SLICE_US, observation, turns
from support.perfetto import opened, query

from app.lab.export import exporter_of

SLICES = 40


@pytest.fixture(scope="module")
def made():
    return observation(SLICES)


@pytest.fixture(scope="module")
def perfetto(browser: Browser, made) -> Iterator[Page]:
    with opened(browser, b"".join(exporter_of("perfetto").export(made))) as page:
        yield page


def test_it_takes_all_of_the_trace(perfetto: Page):
    assert query(perfetto, "SELECT name FROM stats WHERE severity = 'error' AND value > 0") == []


def test_threads_have_the_time_of_each_state(perfetto: Page, made):
    rows = query(
        perfetto,
        "SELECT tid, thread.name, slice.name, sum(dur) FROM slice"
        " JOIN thread_track ON track_id = thread_track.id JOIN thread USING (utid)"
        " GROUP BY 1, 2, 3 ORDER BY 1, 3",
    )
    expected = [
        (str(row["tid"]), row["name"], state, str(round(share * SLICES * SLICE_US) * 1000))
        for row in made.summary["threads"]
        for state, share in sorted(row["shares"].items())
        if share
    ]
    assert rows == expected


def test_holds_handovers_and_switches_are_as_many_as_ours(perfetto: Page, made):
    ((holds,),) = query(
        perfetto,
        "SELECT count(*) FROM slice JOIN process_track track ON track_id = track.id WHERE track.name = 'GIL'",
    )
    assert int(holds) == turns(SLICES)
    flows = query(
        perfetto,
        "SELECT one.tid, other.tid, slice_in.ts - slice_out.ts - slice_out.dur FROM flow"
        " JOIN slice slice_out ON slice_out.id = flow.slice_out"
        " JOIN slice slice_in ON slice_in.id = flow.slice_in"
        " JOIN thread_track a ON a.id = slice_out.track_id JOIN thread one ON one.utid = a.utid"
        " JOIN thread_track b ON b.id = slice_in.track_id JOIN thread other ON other.utid = b.utid"
        " ORDER BY slice_in.ts",
    )
    there, back = (str(PID), str(PID + 1), "0"), (str(PID + 1), str(PID), "0")
    assert flows == [there if number % 2 == 0 else back for number in range(turns(SLICES) - 1)]
    ((switches,),) = query(
        perfetto,
        "SELECT CAST(max(value) AS INT) FROM counter JOIN process_counter_track track ON track_id = track.id"
        " WHERE track.name = 'GIL switches'",
    )
    assert int(switches) == made.summary["gils"][0]["switches"]


def test_collections_events_findings_and_counters_are_there(perfetto: Page, made):
    named = "SELECT slice.name FROM slice JOIN track ON track_id = track.id WHERE track.name = "
    assert query(perfetto, f"{named}'Collector'") == [("generation 0",)]
    assert query(perfetto, f"{named}'Events'") == [("forked",)]
    titles = [(finding["title"],) for finding in made.summary["findings"]]
    assert query(perfetto, f"{named}'Findings'") == titles
    counters = query(perfetto, "SELECT DISTINCT name FROM process_counter_track ORDER BY name")
    assert counters == [("CPU",), ("GIL switches",), ("GIL switches/s",), ("RSS",)]
