"""Spans of a run: its timeline in bins, and its figures, of one that goes on and of one that is stored."""

from __future__ import annotations

import base64
import json

import pytest

from app.exporters import EXPORTERS


@pytest.fixture(params=["live", "stored"])
def run(request, site_with):
    """A site, and the id of a run of which at least five frames of 20 ms have come."""
    site = site_with("steady")
    run_id = site.start(command=["target"])["id"]
    with site.stream(run_id) as viewer:
        frames = 0
        while frames < 5:
            frames += json.loads(viewer.recv(timeout=30))["type"] == "frame"
    if request.param == "stored":
        site.client.post(f"/api/v1/runs/{run_id}/stop")
    return site, run_id


def test_the_timeline_is_told_in_bins_whose_shares_are_those_of_the_messages(run):
    site, run_id = run
    window = site.client.get(f"/api/v1/runs/{run_id}/timeline", params={"to_us": 65_536, "bins": 64}).json()
    assert (window["from_us"], window["to_us"], window["bin_us"], window["bins"]) == (0, 65_536, 65_536, 1)
    (lane,), (gil,) = window["lanes"], window["gils"]
    assert (lane["lane"], lane["name"]) == (0, "main")
    assert {state: base64.b64decode(text) for state, text in lane["shares"].items()} == {"running": b"\xff"}
    assert base64.b64decode(gil["holders"]["0"]) == b"\xff"
    assert gil["contended"] is None


def test_of_a_run_of_which_nothing_was_seen_the_timeline_is_empty(site_with):
    site = site_with("garbage")
    run_id = site.start(command=["target"])["id"]
    site.client.post(f"/api/v1/runs/{run_id}/stop")
    for query in ({}, {"from_us": 5_000_000}, {"to_us": 1}):
        answer = site.client.get(f"/api/v1/runs/{run_id}/timeline", params=query)
        assert answer.status_code == 200, answer.text
        window = answer.json()
        assert (window["lanes"], window["gils"], window["bins"]) == ([], [], 1)


def test_advice_says_what_it_rests_on_and_is_of_a_span_where_one_is_given(run):
    site, run_id = run
    answer = site.client.get(f"/api/v1/runs/{run_id}/advice")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["run"] == run_id
    assert told["verdict"]["sentence"]
    assert told["mend"]["why_not"] == "Less than half a second was seen."
    of_span = site.client.get(f"/api/v1/runs/{run_id}/advice", params={"from_us": 25_000, "to_us": 85_000})
    assert of_span.json()["mend"]["to_s"] <= 0.1
    refused = site.client.get(f"/api/v1/runs/{run_id}/advice", params={"from_us": 9, "to_us": 9})
    assert refused.status_code == 422


def test_the_figures_of_a_window_are_of_that_window_alone(run):
    site, run_id = run
    span = {"from_us": 25_000, "to_us": 85_000}
    figures = site.client.get(f"/api/v1/runs/{run_id}/figures", params=span).json()
    whole = site.client.get(f"/api/v1/runs/{run_id}/summary").json()
    assert set(figures) == set(whole)
    assert figures["run"] == {**whole["run"], "state": figures["run"]["state"], "duration_s": 0.06}
    assert figures["threads"][0]["observed_s"] == 0.06
    assert figures["gils"][0]["held_share"] == 1
    assert figures["gils"][0]["switches"] == 3


def test_a_bad_range_names_the_field(run, problem):
    site, run_id = run
    for path, query, field in (
        ("timeline", {"from_us": -1}, "from_us"),
        ("timeline", {"from_us": 7, "to_us": 7}, "to_us"),
        ("timeline", {"bins": 63}, "bins"),
        ("timeline", {"bins": 4097}, "bins"),
        ("figures", {"from_us": 0}, "to_us"),
        ("figures", {"from_us": 9, "to_us": 8}, "to_us"),
    ):
        problem(site.client.get(f"/api/v1/runs/{run_id}/{path}", params=query), 422, field)
    problem(site.client.get("/api/v1/runs/none/timeline"), 404)


def test_a_run_is_exported_in_every_format(run, problem):
    site, run_id = run
    for exporter in EXPORTERS:
        answer = site.client.get(f"/api/v1/runs/{run_id}/export", params={"format": exporter.name})
        assert answer.status_code == 200
        assert answer.content
        assert answer.headers["content-type"] == exporter.media_type
        named = f"target-{run_id}{exporter.suffix}"
        assert answer.headers["content-disposition"] == f'attachment; filename="{named}"'
    problem(site.client.get(f"/api/v1/runs/{run_id}/export", params={"format": "pdf"}), 422, "format")
    problem(site.client.get(f"/api/v1/runs/{run_id}/export"), 422, "format")
    problem(site.client.get("/api/v1/runs/none/export", params={"format": "csv"}), 404)
