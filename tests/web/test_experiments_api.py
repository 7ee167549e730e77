"""Experiments over the interface: planned, started, followed, stopped, listed, removed, and after a kill."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from websockets.sync.client import connect

from .conftest import TOKEN

ROOT = "/api/v1/experiments"
BODY = {"workload": "primes", "executors": ["threads"], "workers": [1, 2], "seconds": 0.1, "repeats": 2}
LOOK = "the-token-that-may-look"


def ended(site, experiment_id: str, within_s: float = 30.0) -> dict:
    """The experiment once it has ended."""
    until = time.monotonic() + within_s
    while (found := site.client.get(f"{ROOT}/{experiment_id}").json())["state"] == "running":
        assert time.monotonic() < until, found["progress"]
        time.sleep(0.05)
    return found


def started(site, **change: object) -> str:
    answer = site.client.post(ROOT, json=BODY | change)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{ROOT}/{answer.json()['id']}"
    return answer.json()["id"]


def followed(site, experiment_id: str):
    """What its stream tells, until it closes."""
    address = f"ws://127.0.0.1:{site.port}{ROOT}/{experiment_id}/stream"
    head = {"Authorization": f"Bearer {TOKEN}"}
    with connect(address, additional_headers=head, proxy=None) as viewer:
        yield from map(json.loads, viewer)


def test_one_is_measured_kept_and_read_after_a_restart(site_with):
    site = site_with("brief")
    experiment = started(site, name="of primes")
    states = list(followed(site, experiment))
    assert [state["state"] for state in states][-1] == "finished"
    assert {"number", "of", "left_s", "run"} <= states[0]["progress"].keys() | states[1]["progress"].keys()
    found = ended(site, experiment)
    assert found == states[-1]
    assert (found["name"], found["runs_planned"]) == ("of primes", 6)
    assert found["runs_done"] == 6 + sum(row["made_again"] for row in found["configurations"])
    assert [row["repetitions"] for row in found["configurations"]] == [2, 2]
    for row in found["configurations"]:
        assert all(site.client.get(f"/api/v1/runs/{run}").status_code == 200 for run in row["runs"])
    [listed] = site.client.get(ROOT).json()["experiments"]
    assert (listed["id"], listed["sentence"]) == (experiment, found["verdict"]["sentence"])
    again = site_with("brief")
    assert again.client.get(f"{ROOT}/{experiment}").json() == found


def test_what_it_comes_to_is_told_before_it_is_begun(site):
    plan = site.client.post(f"{ROOT}/plan", json=BODY | {"repeats": 4}).json()
    assert (plan["configurations"], plan["runs"]) == (2, 10)
    assert plan["about_s"] == pytest.approx(10 * 2.6)
    program = {"command": ["{python}", "-c", "{workers}"], "workers": [1]}
    assert site.client.post(f"{ROOT}/plan", json=program).json()["about_s"] is None
    assert site.client.get(ROOT).json() == {"experiments": [], "next": None}


def test_one_goes_on_at_a_time_and_is_stopped_with_what_is_there(site_with, problem):
    site = site_with("steady")
    experiment = started(site)
    states = followed(site, experiment)
    run = next(run for state in states if (run := state["progress"]["run"]))
    assert site.client.get(f"/api/v1/runs/{run}").json()["state"] in ("starting", "running")
    refused = problem(site.client.post(ROOT, json=BODY), 409)
    assert experiment in refused["detail"]
    found = site.client.post(f"{ROOT}/{experiment}/stop").json()
    assert (found["state"], found["progress"]) == ("stopped", None)
    assert site.client.post(f"{ROOT}/{experiment}/stop").json() == found
    started(site)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "workload"),
        ({"workload": "primes", "script": "1"}, "script"),
        (BODY | {"executors": ["fibres"]}, "executors"),
        (BODY | {"pythons": ["2.7"]}, "pythons"),
        (BODY | {"workers": [0]}, "workers.0"),
        (BODY | {"workers": ["2"]}, "workers.0"),
        (BODY | {"repeats": 101}, "repeats"),
        (BODY | {"seconds": 0.0}, "seconds"),
        (BODY | {"other": 1}, "other"),
        (BODY | {"params": {"nosuch": 1}}, "params.nosuch"),
        ({"command": ["x"], "workers": [1]}, "workers"),
        ({"command": ["x {workers}"]}, "workers"),
        ({"command": ["x"], "pythons": ["3.12"]}, "pythons"),
        ({"command": ["x"], "executors": ["threads"]}, "executors"),
        ({"command": ["x"], "workers": [1], "workers_variable": "A=B"}, "workers_variable"),
        ({"command": []}, "command"),
        ({"script": " "}, "script"),
    ],
)
@pytest.mark.asks
def test_what_cannot_be_is_refused_with_the_field(site, problem, body, field):
    for path in (ROOT, f"{ROOT}/plan"):
        answer = site.client.post(path, json=body)
        problem(answer, 404 if field == "pythons" and "workload" in body else 422, field)


def test_who_may_only_look_starts_stops_and_removes_none(site_with, problem):
    site = site_with("brief", look_token=LOOK)
    experiment = started(site)
    ended(site, experiment)
    head = {"Authorization": f"Bearer {LOOK}"}
    assert site.client.get(f"{ROOT}/{experiment}", headers=head).status_code == 200
    assert len(site.client.get(ROOT, headers=head).json()["experiments"]) == 1
    for path in (ROOT, f"{ROOT}/plan", f"{ROOT}/{experiment}/stop"):
        problem(site.client.post(path, json=BODY, headers=head), 403)
    problem(site.client.delete(f"{ROOT}/{experiment}", headers=head), 403)


def test_without_commands_no_program_of_the_user_is_measured(site_with, problem):
    site = site_with("brief", commands=False)
    problem(site.client.post(ROOT, json={"script": "pass", "workers": [1]}), 403)
    ended(site, started(site))


def test_removed_and_restored(site_with, problem):
    site = site_with("brief")
    experiment = started(site)
    ended(site, experiment)
    assert site.client.delete(f"{ROOT}/{experiment}").status_code == 204
    problem(site.client.get(f"{ROOT}/{experiment}"), 404)
    assert site.client.get(ROOT).json()["experiments"] == []
    restored = site.client.post(f"{ROOT}/{experiment}/restore").json()
    assert restored["id"] == experiment
    assert len(site.runs()) >= 6


def test_pages_of_the_list(site_with, problem):
    site = site_with("brief")
    made = [started(site, repeats=1, workers=[1])]
    ended(site, made[0])
    made.append(started(site, repeats=1, workers=[1]))
    ended(site, made[1])
    first = site.client.get(ROOT, params={"limit": 1}).json()
    second = site.client.get(ROOT, params={"limit": 1, "cursor": first["next"]}).json()
    assert [first["experiments"][0]["id"], second["experiments"][0]["id"]] == made[::-1]
    assert second["next"] is None
    problem(site.client.get(ROOT, params={"cursor": "x"}), 422, "cursor")


def test_one_that_cannot_begin_says_why(site_with):
    site = site_with("brief", max_runs=1)
    with_steady = site_with("steady", max_runs=1)
    with_steady.start()
    found = ended(with_steady, started(with_steady))
    assert (found["state"], found["error"]["code"]) == ("failed", "conflict")
    assert found["runs_done"] == 0
    assert ended(site, started(site))["state"] == "finished"


def test_after_one_that_ended_by_an_error_of_nobodys_making_the_next_can_start(site_with, monkeypatch):
    def broken(summary, times):
        raise ZeroDivisionError("of nobody's making")

    site = site_with("brief")
    with monkeypatch.context() as patched:
        patched.setattr("app.lab.experiment.measured", broken)
        found = ended(site, started(site))
    assert (found["state"], found["error"]["code"]) == ("failed", "internal")
    assert "of nobody's making" in found["error"]["detail"]
    [listed] = site.client.get(ROOT).json()["experiments"]
    assert listed["state"] == "failed"
    assert ended(site, started(site))["state"] == "finished"


def finished_run(site, **body) -> str:
    run = site.start(**body)["id"]
    until = time.monotonic() + 60
    while site.client.get(f"/api/v1/runs/{run}").json()["state"] in ("starting", "running"):
        assert time.monotonic() < until
        time.sleep(0.05)
    return run


def measuring(site, run: str) -> dict[str, dict]:
    """Of each way whether it can be measured."""
    answer = site.client.get(f"/api/v1/runs/{run}/advice").json()
    return {each["choice"]: each for each in answer["measuring"]}


def test_a_forecast_is_measured_and_both_are_kept_and_told_together(site_with, monkeypatch, problem):
    monkeypatch.setattr("app.lab.experiment_plan.SECONDS", 0.3)
    monkeypatch.setattr("app.lab.experiment_plan.REPEATS", 4)
    site = site_with()
    none = site.client.get(f"{ROOT}/accuracy").json()
    assert (none["count"], none["pairs"]) == (0, [])
    assert none["sentence"].startswith("No forecast was measured")
    here = {"workload": "cpu-bound", "workers": 2, "executor": "threads", "python": sys.executable}
    run = finished_run(site, **here, seconds=1.5)
    told = measuring(site, run)
    assert told["processes"]["why_not"] is None
    assert (told["processes"]["runs"], told["processes"]["pairs"]) == (10, [])
    [row] = [
        row
        for row in site.client.get(f"/api/v1/runs/{run}/advice").json()["forecast"]["rows"]
        if row["choice"] == "processes"
    ]

    answer = site.client.post(f"{ROOT}/forecast", json={"run": run, "choice": "processes"})
    assert answer.status_code == 201, answer.text
    experiment = answer.json()["id"]
    assert answer.headers["Location"] == f"{ROOT}/{experiment}"
    problem(site.client.post(f"{ROOT}/forecast", json={"run": run, "choice": "thread-fewer"}), 409)
    found = ended(site, experiment, 120)
    assert found["state"] == "finished"
    assert [each["executor"] for each in found["configurations"]] == ["threads", "processes"]
    proof = found["forecast"]
    assert (proof["run"], proof["choice"], proof["throughput"]) == (run, "processes", row["throughput"])
    rates = [each["measures"]["ops_per_s"]["median"] for each in found["configurations"]]
    assert proof["measured"]["throughput"] == pytest.approx(rates[1] / rates[0])
    band = proof["throughput"]
    assert proof["in_band"] is (band["low"] <= rates[1] / rates[0] <= band["high"])

    again = site_with()  # the same archive after a restart
    for each in (site, again):
        accuracy = each.client.get(f"{ROOT}/accuracy").json()
        assert accuracy["count"] == 1
        [pair] = accuracy["pairs"]
        assert pair == {**proof, "experiment": experiment, "started_at": found["started_at"]}
        assert accuracy["in_band"] == int(proof["in_band"])
        assert measuring(each, run)["processes"]["pairs"] == [pair]
    assert again.client.delete(f"{ROOT}/{experiment}").status_code == 204
    assert again.client.get(f"{ROOT}/accuracy").json()["count"] == 0


COMPUTES = """
import threading
def work():
    while True:
        sum(range(1000))
for _ in range(2):
    threading.Thread(target=work, name="worker").start()
print("ready", flush=True)
"""


def test_what_was_attached_to_cannot_be_measured_and_says_why(site_with, problem):
    site = site_with()
    with subprocess.Popen([sys.executable, "-c", COMPUTES], stdout=subprocess.PIPE, text=True) as target:
        try:
            assert target.stdout.readline() == "ready\n"
            run = finished_run(site, attach={"pid": target.pid}, seconds=1.5)
        finally:
            target.kill()
    told = measuring(site, run)
    assert set(told) >= {"processes", "thread-more"}
    for way in told.values():
        assert way["why_not"].startswith("It was attached to")
    asked = {"run": run, "choice": "processes"}
    refused = problem(site.client.post(f"{ROOT}/forecast", json=asked), 409)
    assert "It was attached to" in refused["detail"]
    problem(site.client.post(f"{ROOT}/forecast", json=asked | {"run": "nosuch"}), 404)
    problem(site.client.post(f"{ROOT}/forecast", json=asked | {"choice": "fibres"}), 422, "choice")


def test_of_a_run_that_goes_on_no_forecast_is_measured(site_with, problem):
    site = site_with()
    run = site.start(workload="cpu-bound", workers=2, executor="threads", seconds=60)["id"]
    until = time.monotonic() + 30
    while not (told := measuring(site, run)):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert {way["why_not"] for way in told.values()} == {
        "The run goes on still, and both would be in each other's way. Wait for its end."
    }
    refused = problem(site.client.post(f"{ROOT}/forecast", json={"run": run, "choice": "processes"}), 409)
    assert "goes on still" in refused["detail"]
