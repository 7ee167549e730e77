"""The REST interface: what it answers, and that every refusal is a problem of the one shape."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPResponse

import psutil
import pytest

from app.web.api.runs import MOST_IMPORTED
from app.web.application import MOST_SENT

from .conftest import TOKEN

NO_RUN = "/api/v1/runs/none"


def wait_for(site, run_id: str) -> dict:
    """The run once it has ended: the stream closes then."""
    with site.stream(run_id) as viewer:
        for _ in viewer:
            pass
    return site.client.get(f"/api/v1/runs/{run_id}").json()


@pytest.mark.asks
def test_health_says_no_more_than_that_it_is_well(site):
    assert site.client.get("/api/v1/health").json() == {"status": "ok", "version": "0.1.0"}


@pytest.mark.asks
def test_interpreters_are_listed(site):
    found = site.client.get("/api/v1/interpreters").json()["interpreters"]
    assert any(interpreter["supported"] for interpreter in found)
    assert {"path", "version", "free_threaded", "supported", "why"} <= found[0].keys()


@pytest.mark.asks
def test_workloads_are_listed_and_shown(site, problem):
    catalogue = site.client.get("/api/v1/workloads").json()
    assert catalogue["schema"] == 1
    assert {row["name"] for row in catalogue["workloads"]} >= {"cpu-bound", "io-bound", "convoy"}
    assert {row["name"] for row in catalogue["executors"]} >= {"sequential", "threads", "processes"}
    for row in catalogue["workloads"]:
        assert site.client.get(f"/api/v1/workloads/{row['name']}").json() == row
    body = problem(site.client.get("/api/v1/workloads/cpu-bond"), 404)
    assert "cpu-bound" in body["remedy"]


@pytest.mark.asks
@pytest.mark.parametrize(
    ("body", "field", "bound"),
    [
        ({}, "workload", "one workload, of one command"),
        ({"workload": "cpu-bound", "command": ["x"]}, "command", "one workload, of one command"),
        ({"workload": "cpu-bound", "workers": 0}, "workers", "between 1 and"),
        ({"workload": "cpu-bound", "workers": 100_000}, "workers", "between 1 and"),
        ({"workload": "cpu-bound", "workers": "many"}, "workers", "integer"),
        ({"workload": "cpu-bound", "workers": "2"}, "workers", "integer"),
        ({"workload": "cpu-bound", "workers": True}, "workers", "integer"),
        ({"workload": "cpu-bound", "workers": 2.0}, "workers", "integer"),
        ({"workload": "cpu-bound", "seconds": True}, "seconds", "number"),
        ({"workload": "cpu-bound", "sampling": {"gil_hz": True}}, "sampling.gil_hz", "number"),
        ({"attach": {"pid": True}}, "attach.pid", "integer"),
        ({"workload": True}, "workload", "string"),
        ({"command": ["x", "\ud800"]}, "command.1", "surrogate"),
        ({"script": "print('\udfff')"}, "script", "surrogate"),
        ({"workload": "cpu-bound", "params": {"kind": "\ud800"}}, "params.kind", "surrogate"),
        ({"workload": "cpu-bound", "params": {"\ud800": 1}}, "params", "surrogate"),
        ({"workload": "cpu-bound", "\ud800": 1}, "body", "surrogate"),
        ({"workload": "cpu-bound", "name": "\ud800"}, "name", "surrogate"),
        ({"workload": "cpu-bound", "seconds": -3}, "seconds", "between 0.1 and 3600"),
        ({"workload": "cpu-bound", "seconds": 1e9}, "seconds", "between 0.1 and 3600"),
        ({"workload": "cpu-bound", "executor": "fibres"}, "executor", "threads"),
        ({"workload": "cpu-bound", "params": {"kind": "sums"}}, "params.kind", "countdown"),
        ({"workload": "cpu-bound", "params": {"knid": "primes"}}, "params.knid", "no parameter"),
        ({"workload": "io-bound", "params": {"wait_ms": -1}}, "params.wait_ms", "between 0.1 and 300"),
        ({"workload": "cpu-bound", "params": []}, "params", "dictionary"),
        ({"workload": "cpu-bound", "colour": "red"}, "colour", "not permitted"),
        ({"workload": "cpu-bound", "python": "snake"}, "python", "no interpreter"),
        ({"workload": "cpu-bound", "sampling": {"gil_hz": 0}}, "sampling.gil_hz", "between 1 and 10000"),
        ({"workload": "cpu-bound", "sampling": {"counters_hz": 99}}, "sampling.counters_hz", "0.1 and 20"),
        (
            {"workload": "cpu-bound", "sampling": {"stacks_hz": -1}},
            "sampling.stacks_hz",
            "between 0 and 1000",
        ),
        ({"workload": "cpu-bound", "sampling": {"hz": 1}}, "sampling.hz", "not permitted"),
        ({"workload": "cpu-bound", "name": ""}, "name", "at least 1"),
        ({"command": []}, "command", "no program"),
        ({"command": ["a\0b"]}, "command", "NUL"),
        ({"command": "ls -l"}, "command", "list"),
        ({"command": ["x"], "workers": 2}, "workers", "not concern a command"),
        ({"command": ["x"], "seconds": 0}, "seconds", "between 0.1 and 86400"),
        ({"attach": {}}, "attach.pid", "required"),
        ({"attach": {"pid": 0}}, "attach.pid", "between 1 and"),
        ({"attach": {"pid": 1}, "executor": "threads"}, "executor", "runs already"),
        ({"attach": {"pid": 1}, "command": ["x"]}, "attach", "one process"),
    ],
)
def test_a_bad_field_is_named_with_its_bound_and_nothing_is_started(site, problem, body, field, bound):
    before = psutil.Process().children()
    # Not httpx's own JSON, which cannot write every text that JSON can.
    content, headers = json.dumps(body), {"Content-Type": "application/json"}
    answer = problem(site.client.post("/api/v1/runs", content=content, headers=headers), 422, field)
    assert bound in answer["detail"]
    assert site.runs() == []
    assert psutil.Process().children() == before


@pytest.mark.asks
def test_a_number_that_json_does_not_have_is_refused(site, problem):
    body = b'{"workload": "cpu-bound", "seconds": NaN}'
    response = site.client.post("/api/v1/runs", content=body, headers={"Content-Type": "application/json"})
    problem(response, 422, "seconds")


@pytest.mark.asks
@pytest.mark.parametrize(
    ("path", "most"), [("/api/v1/runs", MOST_SENT), ("/api/v1/runs/import", MOST_IMPORTED)]
)
def test_a_body_that_is_too_long_is_refused_before_it_is_read(site, path, most):
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", site.port), 60) as here:
        here.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {most + 1}\r\n\r\n".encode())
        with HTTPResponse(here) as response:
            response.begin()
            assert response.status == 413
            assert response.headers["content-type"] == "application/problem+json"
            assert json.loads(response.read())["type"] == "urn:gilscope:problem:413"


@pytest.mark.asks
def test_a_body_of_unknown_length_is_refused_as_soon_as_it_is_too_long(site, problem):
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        while sent < 4 * MOST_SENT:
            sent += 1 << 20
            yield b" " * (1 << 20)

    headers = {"Content-Type": "application/json"}
    problem(site.client.post("/api/v1/runs", content=pieces(), headers=headers), 413)
    assert site.runs() == []


@pytest.mark.asks
@pytest.mark.parametrize("content", [b"{", b"", b"[]", b"3"])
def test_what_is_no_object_is_refused(site, problem, content):
    headers = {"Content-Type": "application/json"}
    problem(site.client.post("/api/v1/runs", content=content, headers=headers), 422)


@pytest.mark.asks
def test_what_is_no_text_is_refused(site, problem):
    headers = {"Content-Type": "application/json"}
    problem(site.client.post("/api/v1/runs", content=b"\xff", headers=headers), 400)


@pytest.mark.asks
def test_a_form_of_another_page_is_no_json(site, problem):
    headers = {"Content-Type": "text/plain"}
    problem(site.client.post("/api/v1/runs", content=b'{"command": ["x"]}', headers=headers), 422)


@pytest.mark.asks
def test_an_unknown_workload_or_interpreter_is_not_found(site, problem):
    problem(site.client.post("/api/v1/runs", json={"workload": "cpu-bond"}), 404, "workload")
    body = {"workload": "cpu-bound", "python": "3.2"}
    assert "3.2" in problem(site.client.post("/api/v1/runs", json=body), 404, "python")["detail"]


@pytest.mark.asks
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", NO_RUN),
        ("DELETE", NO_RUN),
        ("GET", f"{NO_RUN}/summary"),
        ("POST", f"{NO_RUN}/stop"),
        ("POST", f"{NO_RUN}/actions"),
        ("GET", "/api/v1/none"),
        ("GET", "/no/such/page"),
    ],
)
def test_what_does_not_exist_is_not_found(site, problem, method, path):
    body = {"name": "x"} if path.endswith("actions") else None
    problem(site.client.request(method, path, json=body), 404)


def test_an_action_is_for_a_running_workload_that_has_it(site, problem):
    run = site.start()
    address = f"/api/v1/runs/{run['id']}/actions"
    answer = problem(site.client.post(address, json={"name": "free-all"}), 422, "name")
    assert "target has no action 'free-all'" in answer["detail"]
    assert answer["remedy"] == "Only some workloads have any."
    problem(site.client.post(address, json={}), 422, "name")
    problem(site.client.post(address, json={"name": 3}), 422, "name")
    problem(site.client.post(address, json={"name": "x", "also": 1}), 422, "also")


@pytest.mark.parametrize(
    "body",
    [
        {"command": ["target"]},
        {"script": "print(1)"},
        {"attach": {"pid": 1}},
        {"workload": "object-graph", "params": {"code": "print(1)"}},
        {"workload": "allocate", "params": {"free_threaded": "/bin/true"}},
    ],
)
def test_a_server_without_commands_starts_nothing_but_its_own_workloads(site_with, problem, body):
    site = site_with("steady", commands=False)
    answer = problem(site.client.post("/api/v1/runs", json=body), 403)
    assert answer["type"] == "urn:gilscope:problem:switched-off"
    assert "--no-commands" in answer["remedy"]
    assert site.runs() == []


def test_a_server_without_commands_runs_its_workloads_and_offers_nothing_else(site_with):
    site = site_with("steady", commands=False)
    assert site.start(workload="cpu-bound")["workload"] == "cpu-bound"
    page, usual = site.client.get("/").text, site_with("steady").client.get("/").text
    for offer in ('data-act="script"', 'href="/processes"'):
        assert offer not in page
        assert offer in usual


@pytest.mark.asks
def test_a_method_that_a_route_does_not_have_is_refused(site, problem):
    response = site.client.put("/api/v1/runs")
    problem(response, 405)
    assert "POST" in response.headers["allow"]


def test_a_fault_of_the_program_is_a_problem_with_an_id_that_is_logged(site, problem, monkeypatch, caplog):
    monkeypatch.setattr(site.manager, "page", None)
    body = problem(site.client.get("/api/v1/runs"), 500)
    (record,) = (record for record in caplog.records if record.name == "app.web.problems")
    assert record.args[0] in body["detail"]
    assert record.exc_info


def test_a_run_is_started_seen_stopped_and_forgotten(site, problem):
    response = site.client.post("/api/v1/runs", json={"command": ["target", "-x"], "name": "mine"})
    run = response.json()
    address = response.headers["location"]
    assert address == f"/api/v1/runs/{run['id']}"
    assert (run["kind"], run["name"], run["command"]) == ("command", "mine", ["target", "-x"])
    assert site.client.get(address).json()["state"] in ("starting", "running")
    assert site.client.get(f"{address}/summary").json()["schema"] == 1
    stopped = site.client.post(f"{address}/stop").json()
    assert stopped["state"] == "stopped"
    assert site.client.post(f"{address}/stop").json() == stopped
    summary = site.client.get(f"{address}/summary").json()
    assert summary["run"]["state"] == "stopped"
    assert summary["run"]["id"] == run["id"]
    assert site.client.delete(address).status_code == 204
    problem(site.client.get(address), 404)
    assert site.runs() == []
    assert [run["id"] for run in site.runs(removed=True)] == [run["id"]]
    assert site.client.post(f"{address}/restore").json()["id"] == run["id"]
    assert [run["id"] for run in site.runs()] == [run["id"]]


def test_one_run_too_many_is_refused_with_the_reason(site_with, problem):
    site = site_with("steady", max_runs=1)
    first = site.start()
    body = problem(site.client.post("/api/v1/runs", json={"command": ["x"]}), 409)
    assert first["id"] in body["detail"]
    assert "GILSCOPE_MAX_RUNS" in body["remedy"]


def test_runs_are_listed_in_pages_newest_first(site_with, problem):
    site = site_with("brief")
    ids = []
    for _ in range(5):
        ids.append(site.start()["id"])
        wait_for(site, ids[-1])
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = site.client.get("/api/v1/runs", params=query).json()
        seen += [run["id"] for run in page["runs"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    problem(site.client.get("/api/v1/runs?limit=0"), 422, "limit")
    problem(site.client.get("/api/v1/runs?limit=201"), 422, "limit")
    problem(site.client.get("/api/v1/runs?cursor=x"), 422, "cursor")


def test_why_a_run_failed_is_told(site_with):
    site = site_with("crash")
    run = wait_for(site, site.start()["id"])
    assert run["state"] == "failed"
    assert "last words" in run["error"]["detail"]
    assert run["error"]["remedy"]


def test_a_real_workload_is_observed_from_start_to_result(site_with):
    site = site_with()
    run = wait_for(site, site.start(workload="cpu-bound", workers=2, seconds=0.5)["id"])
    assert (run["state"], run["executor"], run["workers"]) == ("finished", "threads", 2)
    summary = site.client.get(f"/api/v1/runs/{run['id']}/summary").json()
    assert summary["workload"]["ops"] > 0
    assert summary["gils"][0]["held_share"] > 0.5
    assert len(summary["threads"]) >= 2


def test_a_command_that_is_no_program_is_told_as_the_targets_failure(site_with):
    site = site_with()
    run = wait_for(site, site.start(command=["/no/such/program"])["id"])
    assert run["state"] == "failed"
    assert "/no/such/program" in run["error"]["detail"]
