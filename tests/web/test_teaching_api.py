"""What a teacher shows: set by who may do everything, followed by an audience that may only look."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from support.plain import NO_TLS
from websockets.sync.client import ClientConnection, connect

from .conftest import TOKEN, Site

ROOT = "/api/v1/teaching"
STEP = {"chapter": 15, "workload": "cpu-bound"}
MANY = 200


def follower(site: Site, headers: dict[str, str]) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{site.port}{ROOT}/stream", additional_headers=headers, proxy=None, open_timeout=30
    )


def heard(connection: ClientConnection) -> dict | None:
    told = json.loads(connection.recv(timeout=30))
    assert set(told) == {"shown"}
    return told["shown"]


def come_in(site: Site, code: str) -> dict[str, str]:
    """The headers of somebody who opened the link of an audience."""
    answer = httpx.get(f"{site.url}/teach/follow?code={code}", verify=NO_TLS)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/teach/follow"
    cookie = answer.headers["set-cookie"]
    assert int(re.search(r"Max-Age=(\d+)", cookie)[1]) <= 4 * 3600
    return {"Cookie": cookie.split(";")[0]}


@pytest.mark.asks
def test_nothing_is_on_view_at_first_and_then_what_was_put(site: Site) -> None:
    assert site.client.get(ROOT).json() == {"shown": None, "followers": 0}
    shown = {**STEP, "run": None, "answer": None}
    with follower(site, {"Authorization": f"Bearer {TOKEN}"}) as page:
        assert heard(page) is None
        assert site.client.put(ROOT, json=STEP).json() == {"shown": shown, "followers": 1}
        assert heard(page) == shown
    assert site.client.get(ROOT).json()["shown"] == shown


@pytest.mark.asks
@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"workload": "nothing"}, 404, None),
        ({"chapter": 2}, 422, "chapter"),
        ({"chapter": 99}, 422, "chapter"),
        ({"revealed": True}, 422, "run"),
        ({"run": "nobody"}, 404, None),
        ({"chapter": "x"}, 422, "chapter"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_what_was_on_view_stays(
    site: Site, problem, change: dict, status: int, field: str | None
) -> None:
    before = site.client.get(ROOT).json()
    body = problem(site.client.put(ROOT, json=STEP | change), status)
    if field:
        assert [error["field"] for error in body["errors"]] == [field]
    assert site.client.get(ROOT).json() == before


def test_an_answer_is_of_the_run_that_is_on_view(site_with) -> None:
    site = site_with()
    run = site.start(workload="cpu-bound", seconds=0.5)["id"]
    with site.stream(run) as viewer:
        for _ in viewer:
            pass
    hidden = site.client.put(ROOT, json={**STEP, "run": run}).json()["shown"]
    assert (hidden["run"], hidden["answer"]) == (run, None)
    answer = site.client.put(ROOT, json={**STEP, "run": run, "revealed": True}).json()["shown"]["answer"]
    summary = site.client.get(f"/api/v1/runs/{run}/summary").json()
    held = round(max(gil["held_share"] for gil in summary["gils"]) * 100)
    assert any(f"held for {held} %" in said for said in answer["says"]), answer
    assert answer["reported"] == summary["workload"]["showed"]
    codes = [row["code"] for row in summary["findings"] if row["code"] != "observation-thin"]
    assert [found["code"] for found in answer["found"]] == codes
    assert not answer["so_far"]


def test_an_audience_of_many_comes_in_by_one_link_looks_and_changes_nothing(site: Site, problem) -> None:
    code = site.client.post("/api/v1/codes?audience=true").json()
    assert code["expires_s"] == 4 * 3600
    with ThreadPoolExecutor(8) as hands:
        guests = list(hands.map(lambda _: come_in(site, code["code"]), range(MANY)))
    assert len({guest["Cookie"] for guest in guests}) == MANY
    run = site.start()["id"]
    with ExitStack() as room:
        pages = [room.enter_context(follower(site, guest)) for guest in guests]
        assert [heard(page) for page in pages] == [None] * MANY
        shown = site.client.put(ROOT, json={**STEP, "run": run}).json()
        assert shown["followers"] == MANY
        assert all(heard(page) == shown["shown"] for page in pages)
    guest = guests[0]
    with httpx.Client(base_url=site.url, headers=guest, verify=NO_TLS) as client:
        assert client.get(ROOT).json()["shown"]["run"] == run
        assert client.get(f"/api/v1/runs/{run}").status_code == 200
        problem(client.put(ROOT, json=STEP), 403)
        problem(client.post(f"/api/v1/runs/{run}/stop", json={}), 403)
        problem(client.post("/api/v1/runs", json={"workload": "cpu-bound"}), 403)
        problem(client.post("/api/v1/codes?audience=true"), 403)
    assert site.client.delete("/api/v1/sessions").status_code == 204
    assert httpx.get(f"{site.url}{ROOT}", headers=guest, verify=NO_TLS).status_code == 401
    again = httpx.get(f"{site.url}/teach/follow?code={code['code']}", verify=NO_TLS)
    assert again.status_code == 401


def test_a_page_that_goes_is_counted_no_more(site: Site) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with follower(site, headers) as stays:
        assert heard(stays) is None
        with follower(site, headers) as goes:
            assert heard(goes) is None
            assert site.client.get(ROOT).json()["followers"] == 2
        # The server has heard that one went once the other is told of what comes after.
        for _ in range(100):
            site.client.put(ROOT, json=STEP)
            heard(stays)
            if site.client.get(ROOT).json()["followers"] == 1:
                break
        else:
            pytest.fail("who went is counted still")
