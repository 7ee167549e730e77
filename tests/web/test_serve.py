"""The server as a process: what it prints, how it ends, and what it leaves behind when it is killed."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from support.plain import NO_TLS
from websockets.sync.client import ClientConnection, connect

from app.model.errors import BadRequest, Conflict
from app.runs.settings import Settings
from app.web.serve import serve

SERVE = (
    "from app.web.serve import serve; from app.runs.settings import Settings; serve(Settings.load(), {!r}, 0)"
)
CERTIFICATE = str(Path(__file__).parents[1] / "support" / "tls.pem")
LINE = re.compile(r"GILScope is at (https?://(?:127\.[\d.]+|\[::1\]):\d+)/\?code=([\w-]+)\n")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], httpx.Client]]]:
    """Start servers on free ports, and clients that came in through the printed address."""
    processes: list[subprocess.Popen[str]] = []
    clients: list[httpx.Client] = []

    def start(host: str = "127.0.0.1", **env: str) -> tuple[subprocess.Popen[str], httpx.Client]:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE.format(host)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GILSCOPE_DATA_DIR": str(tmp_path), **env},
        )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        found = LINE.fullmatch(line)
        assert found, line
        trusted = ssl.create_default_context(cafile=CERTIFICATE)
        clients.append(httpx.Client(base_url=found[1], timeout=60, verify=trusted))
        entrance = clients[-1].get(f"/?code={found[2]}")
        assert entrance.status_code == 303
        return process, clients[-1]

    yield start
    for client in clients:
        client.close()
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def begin(client: httpx.Client) -> str:
    """Start a workload of several processes and wait until it is watched; the run's id."""
    body = {"workload": "cpu-bound", "executor": "processes", "workers": 2, "seconds": 60}
    run = client.post("/api/v1/runs", json=body).json()
    while run["state"] == "starting":
        run = client.get(f"/api/v1/runs/{run['id']}").json()
    assert run["state"] == "running", run["error"]
    return run["id"]


def viewing(client: httpx.Client, run_id: str) -> ClientConnection:
    """A viewer of a run's stream."""
    return connect(
        f"{str(client.base_url).replace('http', 'ws')}/api/v1/runs/{run_id}/stream",
        additional_headers={"Cookie": "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar)},
        proxy=None,
        max_size=None,
        close_timeout=0.1,  # a server that was killed does not say goodbye
    )


def observer_of(process: subprocess.Popen[str]) -> psutil.Process:
    """A server's observer. Beside it a keeper may be starting, and interpreters be asked what they are."""
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # it has ended since it was listed
            if "app.probe" in child.cmdline():
                return child
    raise AssertionError("the server has no observer")


def all_ended(processes: list[psutil.Process], within_s: float) -> bool:
    """Whether all of them end in time; a pidfd tells it of those that are not children too."""
    ends = select.poll()
    pidfds = {}
    for process in processes:
        try:
            pidfds[os.pidfd_open(process.pid)] = process
        except ProcessLookupError:
            continue
    for pidfd in pidfds:
        ends.register(pidfd, select.POLLIN)
    remaining = set(pidfds)
    while remaining:
        ready = ends.poll(within_s * 1000)
        if not ready:
            break
        for pidfd, _ in ready:
            ends.unregister(pidfd)
            remaining.discard(pidfd)
    for pidfd in pidfds:
        os.close(pidfd)
    return not remaining


def test_the_token_of_the_settings_is_used_at_its_own_address_and_at_127_0_0_1(started):
    _, client = started(GILSCOPE_TOKEN="chosen-by-one-hand")
    assert client.get("/api/v1/runs").json()["runs"] == []  # by the printed address
    headers = {"Authorization": "Bearer chosen-by-one-hand"}
    for host in (client.base_url.host, "127.0.0.1"):
        address = f"http://{host}:{client.base_url.port}/api/v1/runs"
        assert httpx.get(address, headers=headers, verify=NO_TLS).status_code == 200


def test_every_start_has_an_address_and_sessions_of_its_own(started):
    _, one = started()
    _, other = started()
    assert one.base_url.host != other.base_url.host
    assert "127.0.0.1" not in (one.base_url.host, other.base_url.host)
    cookies = {cookie.value for client in (one, other) for cookie in client.cookies.jar}
    assert len(cookies) == 2
    assert all(len(cookie) >= 32 for cookie in cookies)


def test_a_browser_comes_back_after_a_restart_with_the_same_token(started):
    process, client = started(GILSCOPE_TOKEN="chosen-by-one-hand")
    process.terminate()
    process.wait()
    _, again = started(GILSCOPE_TOKEN="chosen-by-one-hand")
    assert again.base_url.host == client.base_url.host
    # A port of 0 is another one each time, and the cookie's name holds it.
    [session] = [cookie.value for cookie in client.cookies.jar]
    cookies = {f"gilscope-{again.base_url.port}": session}
    with httpx.Client(base_url=again.base_url, cookies=cookies, verify=NO_TLS) as back:
        assert back.get("/api/v1/runs").status_code == 200
        assert back.delete("/api/v1/sessions").status_code == 204
        assert back.get("/api/v1/runs").status_code == 401


def test_a_stranger_at_the_door_makes_the_server_print_a_new_address_once(started):
    process, client = started()
    for _ in range(3):
        assert httpx.get(client.base_url, headers={"Accept": "text/html"}, verify=NO_TLS).status_code == 401
    assert process.stdout is not None
    found = LINE.fullmatch(process.stdout.readline())
    assert found
    assert select.select([process.stdout], [], [], 0) == ([], [], [])
    assert httpx.get(f"{found[1]}/?code={found[2]}", verify=NO_TLS).status_code == 303


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_ends_its_runs_first(started, number):
    process, client = started()
    begin(client)
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 4  # observer, workload, two workers
    process.send_signal(number)
    process.wait(15)
    assert all_ended(below, 0)


def test_nothing_is_left_behind_two_seconds_after_the_server_is_killed(started):
    process, client = started()
    begin(client)
    below = psutil.Process(process.pid).children(recursive=True)
    assert len(below) >= 4
    process.kill()
    assert all_ended(below, 2.0)


def test_nothing_is_left_when_server_and_observer_are_killed_together(started):
    process, client = started()
    sleep = "import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True)"
    wait = "import signal; signal.pause()"
    command = [sys.executable, "-c", f"{sleep}; {wait}"]
    run = client.post("/api/v1/runs", json={"command": command}).json()
    with viewing(client, run["id"]) as viewer:
        message = json.loads(viewer.recv())
        while message.get("kind") != "forked":  # the one in a session of its own
            message = json.loads(viewer.recv())
    observer = observer_of(process)
    below = observer.children(recursive=True)
    assert message["pid"] in [child.pid for child in below]
    process.kill()
    observer.kill()
    assert all_ended(below, 5.0)


def test_an_observer_that_is_killed_fails_its_run_and_takes_its_target_along(started):
    process, client = started()
    begin(client)
    observer = observer_of(process)
    below = observer.children(recursive=True)
    assert len(below) >= 3
    observer.kill()
    assert all_ended(below, 5.0)
    (run,) = client.get("/api/v1/runs").json()["runs"]
    while run["state"] == "running":
        run = client.get(f"/api/v1/runs/{run['id']}").json()
    assert run["state"] == "failed"
    assert "by signal 9" in run["error"]["detail"]


def test_a_run_of_a_server_that_was_killed_is_there_after_its_restart(started):
    process, client = started()
    run_id = begin(client)
    with viewing(client, run_id) as viewer:
        seen_us = 0
        while seen_us < 1_500_000:
            message = json.loads(viewer.recv())
            seen_us = message.get("end_us", 0) if message["type"] == "frame" else seen_us
    process.kill()
    process.wait()
    _, again = started()
    run = again.get(f"/api/v1/runs/{run_id}").json()
    assert run["state"] == "failed"
    assert run["error"]["code"] == "interrupted"
    lines = again.get(f"/api/v1/runs/{run_id}/messages").text.splitlines()
    frames = [message for line in lines if (message := json.loads(line))["type"] == "frame"]
    assert frames[-1]["end_us"] > seen_us - 1_000_000
    assert json.loads(lines[-1])["type"] == "end"


def test_a_port_in_use_is_said_with_a_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict) as caught:
            serve(Settings(), "127.0.0.1", port)
    assert str(port) in caught.value.detail
    assert "--port" in caught.value.remedy


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_this_machines_is_refused(host):
    with pytest.raises(BadRequest) as caught:
        serve(Settings(), host, 0)
    assert host in caught.value.detail


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_by_http_it_listens_where_other_machines_come_only_if_it_is_told_to(host):
    with pytest.raises(BadRequest) as caught:
        serve(Settings(), host, 0)
    assert host in caught.value.detail
    assert "--tls-cert" in caught.value.remedy
    assert "--insecure-http" in caught.value.remedy


def test_it_listens_everywhere_by_http_if_it_is_told_to(started):
    _, client = started("0.0.0.0", GILSCOPE_INSECURE_HTTP="on")
    assert client.get("/api/v1/runs").status_code == 200


def test_with_a_certificate_it_speaks_https_alone(started):
    _, client = started("127.0.0.1", GILSCOPE_TLS_CERT=CERTIFICATE)
    assert client.base_url.scheme == "https"
    assert [cookie.secure for cookie in client.cookies.jar] == [True]
    assert client.get("/api/v1/runs", headers={"Origin": str(client.base_url)}).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{client.base_url.port}/api/v1/health", verify=NO_TLS)
    streams = ssl.create_default_context(cafile=CERTIFICATE)
    cookie = "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar)
    run = client.post("/api/v1/runs", json={"command": [sys.executable, "-c", ""]}).json()["id"]
    with connect(
        f"wss://127.0.0.1:{client.base_url.port}/api/v1/runs/{run}/stream",
        additional_headers={"Cookie": cookie},
        ssl=streams,
        proxy=None,
    ) as viewer:
        assert viewer.recv()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (Settings(tls_cert="/no/such.pem"), "tls_cert"),
        (Settings(tls_cert=__file__), "tls_cert"),
        (Settings(tls_key=CERTIFICATE), "tls_key"),
        (Settings(token="the-same-for-both", look_token="the-same-for-both"), "GILSCOPE_LOOK_TOKEN"),
    ],
)
def test_what_cannot_be_served_so_is_said_before_it_listens(settings, field):
    with pytest.raises(BadRequest) as caught:
        serve(settings, "127.0.0.1", 0)
    assert caught.value.field == field


def test_uvicorn_serves_the_application_by_its_name():
    code = (
        "import asyncio, httpx\n"
        "from uvicorn.importer import import_from_string\n"
        "app = import_from_string('app.main:app')\n"
        "async def ask():\n"
        "    transport = httpx.ASGITransport(app)\n"
        "    async with httpx.AsyncClient(transport=transport, base_url='http://localhost') as client:\n"
        "        return (await client.get('/api/v1/health')).json()\n"
        "import json; print(json.dumps(asyncio.run(ask())))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ok"
