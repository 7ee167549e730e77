"""Attaching: the process lives on, and one that cannot be attached to is refused at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

BUSY = """
import sys, threading
threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """A Python whose one worker computes, and which ends with its standard input."""
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=-1, stdout=-1) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def ended(site, run_id: str) -> dict:
    """The run once it has ended: its stream closes then."""
    with site.stream(run_id) as viewer:
        for _ in viewer:
            pass
    return site.client.get(f"/api/v1/runs/{run_id}").json()


def attach(site, pid: int, **more: object):
    return site.client.post("/api/v1/runs", json={"attach": {"pid": pid}, **more})


def test_a_stop_lets_go_of_the_process_which_lives_on(site_with, busy):
    site = site_with()
    response = attach(site, busy.pid)
    assert response.status_code == 201, response.text
    run = response.json()
    assert (run["kind"], run["attach"], run["state"]) == ("attach", {"pid": busy.pid}, "running")
    stopped = site.client.post(f"/api/v1/runs/{run['id']}/stop").json()
    assert (stopped["state"], stopped["error"]) == ("stopped", None)
    assert busy.poll() is None


def test_the_seconds_over_the_run_is_finished_and_the_process_lives_on(site_with, busy):
    site = site_with()
    run = ended(site, attach(site, busy.pid, seconds=0.5).json()["id"])
    assert (run["state"], run["error"]) == ("finished", None)
    assert busy.poll() is None
    summary = site.client.get(f"/api/v1/runs/{run['id']}/summary").json()
    assert summary["target"]["pid"] == busy.pid
    assert len(summary["threads"]) == 2


def test_a_process_that_ends_finishes_its_run(site_with, busy):
    site = site_with()
    run = attach(site, busy.pid).json()
    busy.stdin.close()
    run = ended(site, run["id"])
    assert (run["state"], run["error"]) == ("finished", None)


def test_an_observer_that_is_lost_leaves_the_process_alone(site_with, busy):
    site = site_with()
    run = attach(site, busy.pid).json()
    (observer,) = (
        child for child in psutil.Process().children() if child.cmdline()[-2:] == ["-m", "app.probe"]
    )
    observer.kill()
    run = ended(site, run["id"])
    assert run["state"] == "failed"
    assert "by signal 9" in run["error"]["detail"]
    assert busy.poll() is None


def test_what_cannot_be_attached_to_is_refused_with_the_reason_and_leaves_no_run(site_with, problem):
    site = site_with()
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            body = problem(attach(site, sleeper.pid), 422)
            assert "no CPython" in body["detail"]
            assert body["type"].endswith(":not-readable")
            assert sleeper.poll() is None
        finally:
            sleeper.kill()
    body = problem(attach(site, sleeper.pid), 404)
    assert body["type"].endswith(":no-such-process")
    assert site.client.get("/api/v1/runs").json()["runs"] == []
