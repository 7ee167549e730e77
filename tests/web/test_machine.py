"""The machine through the interface: its processes, and what works here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.fixture
def waiting():
    """A Python that waits for the end of its standard input, with a secret on its command line."""
    code = "print('ready', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code, "--token", "hush-hush"], stdin=-1, stdout=-1) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        yield child
        child.kill()


def test_processes_are_listed_those_first_that_can_be_attached_to(site, waiting):
    rows = site.client.get("/api/v1/processes").json()["processes"]
    assert [row["attachable"] for row in rows] == sorted((row["attachable"] for row in rows), reverse=True)
    (row,) = (row for row in rows if row["pid"] == waiting.pid)
    assert (row["attachable"], row["why"], row["remedy"], row["own"]) == (True, None, None, False)
    assert row["python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert row["command"][-2:] == ["--token", "***"]
    assert row["parent"] == os.getpid()
    assert row["rss"] > 1 << 20


def test_the_servers_own_processes_are_listed_only_when_asked_for(site_with, waiting):
    site = site_with()
    run = site.client.post("/api/v1/runs", json={"attach": {"pid": waiting.pid}}).json()
    others = {row["pid"] for row in site.client.get("/api/v1/processes").json()["processes"]}
    rows = site.client.get("/api/v1/processes?own=true").json()["processes"]
    own = {row["pid"]: row["command"] for row in rows if row["own"]}
    assert os.getpid() in own
    assert any(command[1:] == ["-m", "app.probe"] for command in own.values())
    assert not others & own.keys()
    assert site.client.post(f"/api/v1/runs/{run['id']}/stop").json()["state"] == "stopped"


def test_doctor_tells_of_the_machine_and_of_a_process(site_with, waiting, problem):
    site = site_with()
    machine = site.client.get("/api/v1/doctor").json()
    assert {check["name"] for check in machine["checks"]} >= {"system", "user", "yama", "pid namespace"}
    assert all(check["remedy"] or check["status"] != "missing" for check in machine["checks"])
    assert machine["process"] is None
    process = site.client.get(f"/api/v1/doctor?pid={waiting.pid}").json()["process"]
    assert (process["readable"], process["error"]) == (True, None)
    assert process["capabilities"]["gil"] == "exact"
    refused = site.client.get("/api/v1/doctor?pid=4194304").json()["process"]
    attach = problem(site.client.post("/api/v1/runs", json={"attach": {"pid": 4194304}}), 404)
    assert refused["error"]["detail"] == attach["detail"]
    assert refused["error"]["remedy"] == attach["remedy"]
    problem(site.client.get("/api/v1/doctor?pid=0"), 422, "pid")


@pytest.mark.parametrize("path", ["/static/js/pages/lab.js", "/static/css/base.css"])
def test_files_are_kept_only_for_as_long_as_they_stay_as_they_are(site, path):
    first = site.client.get(path)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = site.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"
