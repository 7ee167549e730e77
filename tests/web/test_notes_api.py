"""Notes on the timeline: of a run that goes on and of one that has ended, and where it is taken."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.plain import NO_TLS
from web.conftest import Site

LOOK = "the-token-of-those-who-look"
SAID = '<script>alert("1")</script> & 100 %'


def noted(site: Site, run_id: str, at_us: int, text: str) -> dict:
    response = site.client.post(f"/api/v1/runs/{run_id}/notes", json={"at_us": at_us, "text": text})
    assert response.status_code == 201, response.text
    return response.json()


def test_a_live_run_is_noted_its_viewers_are_told_and_its_end_keeps_what_was_noted(
    site_with: Callable[..., Site],
) -> None:
    site = site_with("steady")
    run = site.start()["id"]
    with site.stream(run) as viewer:
        assert json.loads(viewer.recv(timeout=20))["run"]["notes"] == []
        note = noted(site, run, 1_000, SAID)
        told = next(
            each for each in map(json.loads, viewer) if each["type"] == "run" and each["run"]["notes"]
        )
        assert told["run"]["notes"] == [note]
    changed = site.client.patch(f"/api/v1/runs/{run}/notes/{note['id']}", json={"text": "now"}).json()
    assert changed == {**note, "text": "now"}
    assert site.client.get(f"/api/v1/runs/{run}").json()["notes"] == [changed]
    assert site.client.post(f"/api/v1/runs/{run}/stop").json()["notes"] == [changed]
    other = site_with("brief")
    assert other.client.get(f"/api/v1/runs/{run}").json()["notes"] == [changed]
    with other.stream(run) as viewer:
        assert json.loads(viewer.recv(timeout=20))["run"]["notes"] == [changed]


def test_a_stored_run_is_noted_and_what_is_wrong_is_said(
    site_with: Callable[..., Site], problem: Callable[..., dict]
) -> None:
    site = site_with("steady")
    run = site.start()["id"]
    site.client.post(f"/api/v1/runs/{run}/stop")
    path = f"/api/v1/runs/{run}/notes"
    late, early = noted(site, run, 2_000, "late"), noted(site, run, 1_000, "early")
    assert site.client.get(f"/api/v1/runs/{run}").json()["notes"] == [early, late]
    assert site.client.delete(f"{path}/{late['id']}").status_code == 204
    assert [found["notes"] for found in site.runs(text="EARLY")] == [[early]]
    problem(site.client.delete(f"{path}/{late['id']}"), 404)
    problem(site.client.post("/api/v1/runs/none/notes", json={"at_us": 1, "text": "x"}), 404)
    for body, field in (
        ({"at_us": -1, "text": "x"}, "at_us"),
        ({"at_us": 1, "text": ""}, "text"),
        ({"at_us": 1, "text": "x" * 201}, "text"),
        ({"at_us": 1, "text": "   "}, "text"),
    ):
        problem(site.client.post(path, json=body), 422, field)
    for number in range(49):
        noted(site, run, number, "x")
    problem(site.client.post(path, json={"at_us": 1, "text": "one too many"}), 409)


def test_they_are_taken_away_with_the_recording_and_with_the_page_in_a_file(
    site_with: Callable[..., Site], tmp_path: Path
) -> None:
    site = site_with("steady")
    run = site.start()["id"]
    site.client.post(f"/api/v1/runs/{run}/stop")
    note = noted(site, run, 1_000, SAID)
    sent = site.client.get(f"/api/v1/runs/{run}/messages").content
    part = site.client.get(f"/api/v1/runs/{run}/messages?from_us=0&to_us=1").text
    assert '"type":"notes"' not in part
    elsewhere = site_with("brief", data_dir=str(tmp_path / "elsewhere"))
    assert elsewhere.client.post("/api/v1/runs/import", content=sent).json()["notes"] == [note]
    page = site.client.get(f"/api/v1/runs/{run}/export?format=html").text
    assert SAID not in page
    packed = re.search(r'id="data">([^<]+)<', page)
    assert packed
    assert json.loads(gzip.decompress(base64.b64decode(packed[1])))["notes"] == [note]


@pytest.mark.parametrize("ended", [False, True])
def test_who_may_only_look_reads_them_and_writes_none(
    site_with: Callable[..., Site], problem: Callable[..., dict], ended: bool
) -> None:
    site = site_with("steady", look_token=LOOK)
    run = site.start()["id"]
    if ended:
        site.client.post(f"/api/v1/runs/{run}/stop")
    note = noted(site, run, 1_000, "seen")
    path = f"/api/v1/runs/{run}"
    looks = {"Authorization": f"Bearer {LOOK}"}
    with httpx.Client(base_url=site.url, headers=looks, verify=NO_TLS) as looker:
        assert looker.get(path).json()["notes"] == [note]
        problem(looker.post(f"{path}/notes", json={"at_us": 1, "text": "x"}), 403)
        problem(looker.patch(f"{path}/notes/{note['id']}", json={"text": "x"}), 403)
        problem(looker.delete(f"{path}/notes/{note['id']}"), 403)
    assert site.client.get(path).json()["notes"] == [note]
