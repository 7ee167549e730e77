"""A run played again, started again, and set beside another, over the interface."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support import recorded
from web.conftest import TOKEN, Site
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect


@pytest.fixture
def site(site_with: Callable[..., Site]) -> Site:
    return site_with("steady")


def imported(site: Site, folder: Path, **how: object) -> str:
    content = recorded.write(folder / "made.jsonl", **how).read_bytes()
    first = site.client.post("/api/v1/runs/import", content=content)
    again = site.client.post("/api/v1/runs/import", content=content)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    return first.json()["id"]


def playing(site: Site, run_id: str, query: str = "") -> ClientConnection:
    address = f"ws://127.0.0.1:{site.port}/api/v1/runs/{run_id}/replay?{query}"
    return connect(
        address, additional_headers={"Authorization": f"Bearer {TOKEN}"}, compression=None, proxy=None
    )


def until_it_stands(viewer: ClientConnection) -> list[dict]:
    told = []
    while not told or told[-1]["type"] != "playhead" or told[-1]["speed"]:
        told.append(json.loads(viewer.recv(20)))
    return told


def test_a_viewer_puts_the_playhead_where_it_wants_and_plays_from_there(site: Site, tmp_path: Path) -> None:
    run_id = imported(site, tmp_path, seconds=3)
    with playing(site, run_id, "at_us=1000000") as viewer:
        told = until_it_stands(viewer)
        assert [part["type"] for part in told] == ["header", "where", "playhead"]
        assert told[0]["figures"]["at_us"] == told[-1]["at_us"] == 1_000_000
        viewer.send(json.dumps({"at_us": None, "speed": 100}))
        assert until_it_stands(viewer)[-1]["at_us"] == 3_000_000
        viewer.send(json.dumps({"at_us": 500_000, "speed": 0}))
        assert until_it_stands(viewer)[0]["figures"]["at_us"] == 500_000
        viewer.send(json.dumps({"at_us": -1}))
        with pytest.raises(ConnectionClosed, match="1003"):
            viewer.recv(20)


def test_a_run_that_goes_on_is_not_played_again(site: Site) -> None:
    run = site.start(command=["target", "--fast"])
    with pytest.raises(InvalidStatus) as refused, playing(site, run["id"]):
        pass
    assert refused.value.response.status_code == 409
    site.client.post(f"/api/v1/runs/{run['id']}/stop")


def test_what_starts_a_run_again_is_told_while_it_goes_on_and_afterwards(site: Site, problem) -> None:
    run = site.start(command=["target", "--fast"], seconds=50)
    path = f"/api/v1/runs/{run['id']}"
    wanted = {"command": ["target", "--fast"], "seconds": 50.0, "name": "target"}
    assert site.client.get(f"{path}/request").json() == wanted
    site.client.post(f"{path}/stop")
    assert site.client.get(f"{path}/request").json() == wanted
    secret = site.start(command=["target", "--password", "hunter2"])
    site.client.post(f"/api/v1/runs/{secret['id']}/stop")
    problem(site.client.get(f"/api/v1/runs/{secret['id']}/request"), 409)


def test_two_runs_are_set_side_by_side(site: Site, tmp_path: Path, problem) -> None:
    a, b = imported(site, tmp_path, seconds=9), imported(site, tmp_path, seconds=9, held=0.9)
    found = site.client.get("/api/v1/compare", params={"a": a, "b": b}).json()
    assert [run["id"] for run in found["runs"]] == [a, b]
    figures = {figure["key"]: figure for figure in found["figures"]}
    assert figures["ops"]["says"] == "alike"
    assert found["reported"] == [{"name": "held", "a": 0.5, "b": 0.9}]
    assert found["program"]["same"] is None
    assert found["at_once"]["more"] == "alike"
    c = imported(site, tmp_path, seconds=9, run={"script": "one()"})
    d = imported(site, tmp_path, seconds=9, run={"script": "two()"})
    found = site.client.get("/api/v1/compare", params={"a": c, "b": d}).json()
    assert {line["text"]: line["in"] for line in found["program"]["lines"]} == {"one()": "a", "two()": "b"}
    problem(site.client.get("/api/v1/compare", params={"a": a, "b": "none"}), 404)
