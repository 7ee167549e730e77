"""Faults of the server and of its observer: docs/faults.md says what is done about each."""

from __future__ import annotations

import json
import random
import signal
import socket
import sys
import time

import psutil

from .test_serve import all_ended, begin, started, viewing
from .test_stream import never_reads

__all__ = ["started"]  # a fixture

WILL_NOT_HEAR = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
STOPPED_S = 3.0
GOES_ON = ("starting", "running")


def observer_of(process) -> psutil.Process:
    """The observer of a server's run, once it is there."""
    while True:
        # It leaves out what ends meanwhile: the server has asked interpreters who they are just now.
        for each in psutil.process_iter(["ppid", "cmdline"]):
            if each.info["ppid"] == process.pid and "app.probe" in (each.info["cmdline"] or ()):
                return each


def test_a_server_that_is_killed_while_a_run_starts_leaves_nothing(started):
    process, client = started()
    client.post("/api/v1/runs", json={"command": [sys.executable, "-c", WILL_NOT_HEAR]}).raise_for_status()
    observer_of(process)
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert all_ended(below, 5.0)


def test_a_server_that_is_killed_while_a_run_ends_leaves_nothing(started):
    process, client = started()
    run = client.post("/api/v1/runs", json={"command": [sys.executable, "-c", WILL_NOT_HEAR]}).json()
    with viewing(client, run["id"]) as viewer:
        while json.loads(viewer.recv())["type"] != "frame":
            pass
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) >= 2  # observer and target
        client.post(f"/api/v1/runs/{run['id']}/stop")
        while json.loads(viewer.recv()).get("kind") != "stopping":
            pass
        process.kill()
    assert all_ended(below, 5.0)


def test_an_observer_that_is_killed_while_a_run_starts_fails_it_with_the_reason(started):
    process, client = started()
    run = client.post("/api/v1/runs", json={"command": [sys.executable, "-c", WILL_NOT_HEAR]}).json()
    observer = observer_of(process)
    below = observer.children(recursive=True)
    observer.kill()
    assert all_ended(below, 5.0)
    while run["state"] in ("starting", "running"):
        run = client.get(f"/api/v1/runs/{run['id']}").json()
    assert run["state"] == "failed"
    assert "by signal 9" in run["error"]["detail"]


def test_a_server_that_is_told_to_end_ends_in_three_seconds_though_its_observer_is_stopped(started):
    process, client = started()
    begin(client)
    observer = observer_of(process)
    below = observer.children(recursive=True)
    observer.suspend()
    told = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(STOPPED_S)
    assert time.monotonic() - told < STOPPED_S
    assert all_ended([observer, *below], 0)


def test_many_viewers_that_come_and_go_leave_nothing_behind(site):
    run = site.start()
    server = psutil.Process()
    with site.stream(run["id"]) as viewer:
        viewer.recv()
        open_before = server.num_fds()
        for number in range(40):
            gone = never_reads(site, run["id"])
            if number % 2:  # half of them vanish as a machine that is unplugged and comes back: by a reset
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            gone.close()
        while server.num_fds() > open_before:
            viewer.recv(timeout=10)  # it still hears of the run, meanwhile
    assert site.client.get(f"/api/v1/runs/{run['id']}").json()["state"] in GOES_ON


def test_bytes_that_are_no_request_get_a_clear_answer_or_none(site, caplog):
    run = site.start()
    token = site.client.headers["authorization"]
    path = f"/api/v1/runs/{run['id']}/stream"
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n"
    whole = (head + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()
    chance = random.Random(12)
    for _ in range(200):
        sent = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            sent[chance.randrange(len(sent))] = chance.randrange(256)
        with socket.create_connection(("127.0.0.1", site.port), 10) as stranger:
            stranger.sendall(sent)
            stranger.shutdown(socket.SHUT_WR)
            try:
                answer = stranger.recv(12)
            except ConnectionResetError:  # it had not read all
                continue
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 2", b"HTTP/1.1 3")), answer
    assert "Traceback" not in caplog.text
    assert site.client.get("/api/v1/health").status_code == 200


def test_frames_of_a_viewer_that_are_none_close_its_stream_alone(site, caplog):
    run = site.start()
    chance = random.Random(12)
    with site.stream(run["id"]) as viewer:
        for _ in range(20):
            with never_reads(site, run["id"]) as broken:
                broken.sendall(chance.randbytes(chance.randrange(1, 200)))
        assert json.loads(viewer.recv(timeout=10))["type"] == "header"
    assert "Traceback" not in caplog.text
    assert site.client.get(f"/api/v1/runs/{run['id']}").json()["state"] in GOES_ON
