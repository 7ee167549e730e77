"""Runs that are kept: found, named, pinned, removed and restored, taken away and brought back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support import recorded
from web.conftest import Site


@pytest.fixture
def kept(site_with: Callable[..., Site]) -> tuple[Site, dict]:
    """A site, and a run of it that has ended."""
    site = site_with("brief")
    return site, ended(site, site.start(command=["target", "--fast"], name="first"))


def ended(site: Site, run: dict) -> dict:
    with site.stream(run["id"]) as viewer:
        for text in viewer:
            if json.loads(text)["type"] == "summary":
                break
    return site.client.post(f"/api/v1/runs/{run['id']}/stop").json()


def test_another_server_with_the_same_archive_shows_the_same_run(kept, site_with):
    site, run = kept
    other = site_with("brief")
    path = f"/api/v1/runs/{run['id']}"
    assert other.client.get(path).json() == run
    assert other.client.get(f"{path}/summary").text == site.client.get(f"{path}/summary").text
    with other.stream(run["id"]) as viewer:
        types = [json.loads(text)["type"] for text in viewer]
    assert types[0] == "header"
    assert types.count("frame") == 5
    assert types[-1] == "summary"
    assert other.client.get(f"/runs/{run['id']}").status_code == 200


def test_the_page_of_a_run_that_another_process_records_says_so(site_with):
    site, other = site_with("steady"), site_with("brief")
    run = site.start(command=["target"])
    page = other.client.get(f"/runs/{run['id']}")
    assert page.status_code == 409
    assert page.headers["content-type"].startswith("text/html")
    assert "That run is still being recorded" in page.text


def test_a_run_is_renamed_tagged_and_pinned_and_found_by_it(kept, problem):
    site, run = kept
    path = f"/api/v1/runs/{run['id']}"
    changed = site.client.patch(path, json={"name": "slow one", "tags": ["before"], "pinned": True}).json()
    assert (changed["name"], changed["tags"], changed["pinned"]) == ("slow one", ["before"], True)
    assert site.client.patch(path, json={"pinned": False}).json()["tags"] == ["before"]
    assert site.client.get(f"{path}/summary").json()["run"]["name"] == "slow one"
    assert [found["id"] for found in site.runs(text="SLOW")] == [run["id"]]
    assert [found["id"] for found in site.runs(tag="before")] == [run["id"]]
    assert [found["id"] for found in site.runs(text="--fast", kind="command")] == [run["id"]]
    assert site.runs(tag="after") == []
    assert site.runs(pinned=True) == []
    problem(site.client.patch(path, json={"name": ""}), 422, "name")
    problem(site.client.patch(path, json={"tags": ["x"] * 21}), 422, "tags")
    problem(site.client.patch("/api/v1/runs/none", json={"pinned": True}), 404)


def test_a_page_says_what_the_archive_takes(kept):
    site, run = kept
    page = site.client.get("/api/v1/runs").json()
    assert page["archive"]["runs"] == 1
    assert page["archive"]["bytes"] == run["bytes"] > 0
    assert page["archive"]["budget_bytes"] == 2 << 30
    assert page["error"] is None


def test_the_messages_of_a_run_can_be_taken_to_another_server(kept, site_with, tmp_path: Path, problem):
    site, run = kept
    response = site.client.get(f"/api/v1/runs/{run['id']}/messages")
    assert response.headers["content-disposition"] == f'attachment; filename="{run["id"]}.jsonl"'
    seqs = [json.loads(line)["seq"] for line in response.text.splitlines()]
    assert seqs == list(range(len(seqs)))
    elsewhere = site_with("brief", data_dir=str(tmp_path / "elsewhere"))
    taken = elsewhere.client.post("/api/v1/runs/import", content=response.content)
    assert taken.status_code == 201
    assert taken.headers["location"] == f"/api/v1/runs/{run['id']}"
    path = f"/api/v1/runs/{run['id']}/summary"
    assert elsewhere.client.get(path).text == site.client.get(path).text
    assert elsewhere.client.post("/api/v1/runs/import", content=response.content).json() == taken.json()
    assert len(elsewhere.runs()) == 1
    for content in (b"", b"nothing of the kind\n"):
        refused = problem(elsewhere.client.post("/api/v1/runs/import", content=content), 422)
        assert refused["detail"].startswith("What was sent is no recording of GILScope: "), (
            "not a file's name"
        )


def test_a_span_of_time_is_given_alone(kept):
    site, run = kept
    lines = site.client.get(f"/api/v1/runs/{run['id']}/messages?from_us=0&to_us=1").text.splitlines()
    frames = [message for line in lines if (message := json.loads(line))["type"] == "frame"]
    assert all(message["start_us"] <= 1 for message in frames)


def test_an_archive_that_cannot_be_used_is_said_and_the_server_goes_on(site_with, tmp_path: Path):
    data = tmp_path / "spoilt"
    data.mkdir()
    (data / "index.db").write_bytes(b"no database, but something else entirely " * 100)
    site = site_with("brief", data_dir=str(data))
    run = ended(site, site.start())
    assert run["state"] == "finished"
    assert "not a database" in run["unrecorded"]["detail"]
    page = site.client.get("/api/v1/runs").json()
    assert [one["id"] for one in page["runs"]] == [run["id"]]
    assert page["archive"] is None
    assert page["error"]["code"] == "archive-failed"
    assert "GILSCOPE_DATA_DIR" in page["error"]["remedy"]


def test_a_run_of_a_cluster_is_imported_listed_and_fetched(site_with, tmp_path):
    attach = {"scheduler": "tcp://10.0.0.5:8786"}
    asked = {"id": "dask", "kind": "attach", "name": "Dask at 10.0.0.5", "attach": attach}
    site = site_with("brief")
    sent = recorded.write(tmp_path / "dask.jsonl", seconds=1, run=asked).read_bytes()
    taken = site.client.post("/api/v1/runs/import", content=sent)
    assert taken.status_code == 201, taken.text
    assert taken.json()["attach"] == attach
    [listed] = site.runs()
    assert listed["attach"] == attach
    fetched = site.client.get(f"/api/v1/runs/{listed['id']}")
    assert fetched.json()["attach"] == attach


def test_a_long_import_is_answered_before_it_is_over_and_its_stream_goes_on_with_the_run(
    site_with, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem
):
    monkeypatch.setattr("app.web.api.runs.AT_ONCE_S", 0.0)
    site = site_with("brief")
    sent = recorded.write(tmp_path / "long.jsonl", seconds=200, run={"id": "long"}).read_bytes()
    answer = site.client.post("/api/v1/runs/import", content=sent)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == "/api/v1/runs/long"
    assert answer.json()["state"] == "importing"
    assert [run["state"] for run in site.runs()] == ["importing"]
    problem(site.client.get("/api/v1/runs/long/summary"), 409)
    with site.stream("long") as viewer:
        told = [json.loads(text) for text in viewer]
    assert told[0]["run"]["state"] == "importing"
    assert told[-1]["summary"]["run"]["state"] == "finished"
    assert site.client.get("/api/v1/runs/long").json()["state"] == "finished"
