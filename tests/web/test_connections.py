"""Who has no token can open sockets, and shuts nobody out with them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack, closing
from http.client import HTTPResponse
from ipaddress import ip_address

import httpx
import pytest
from support.plain import NO_TLS
from websockets.sync.client import connect

from app.web.connections import Client, Strangers
from app.web.peers import owner

from .conftest import TOKEN
from .test_serve import CERTIFICATE

REQUEST = f"GET /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
SERVE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
from app.runs.settings import Settings
from app.web.serve import serve
serve(Settings.load(), "127.0.0.1", 0)
"""
PATIENCE_S = 60


class Expiring(Strangers):
    """Strangers whose time is over when a test says so."""

    def __init__(self) -> None:
        super().__init__(16, PATIENCE_S)

    def add(self, connection: socket.socket, client: Client) -> None:
        self._loop = asyncio.get_running_loop()
        super().add(connection, client)

    def expire(self) -> None:
        """Wait until what the server has to do because of it is done, too."""
        self._loop.call_soon_threadsafe(self.close_all)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(PATIENCE_S)


@pytest.fixture
def brief(site_with):
    """A site that has no patience with strangers."""
    return site_with("steady", strangers=Strangers(16, limit_s=0.2))


@pytest.fixture
def dial():
    """Make connections to a site, closed with the test."""
    with ExitStack() as opened:

        def connected(site, sent: bytes = b"") -> socket.socket:
            here = socket.create_connection(("127.0.0.1", site.port), PATIENCE_S)
            opened.enter_context(closing(here))
            here.sendall(sent)
            return here

        yield connected


def until_closed(here: socket.socket) -> bytes:
    """What comes until the other end closes."""
    received = b""
    try:
        while piece := here.recv(65536):
            received += piece
    except ConnectionResetError:  # it had not read all that was sent
        pass
    return received


def answer(here: socket.socket) -> int:
    """The status of the next answer, which is read whole; the connection is kept for another request."""
    with HTTPResponse(here) as response:
        response.begin()
        response.read()
        return response.status


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-More: ",
        b"POST /enter HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000\r\n\r\ntoken=",
        b"POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000\r\n\r\n{",
        b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    ids=["nothing", "half a line", "half a head", "half a form", "half a body", "health"],
)
def test_a_connection_without_a_token_is_closed_after_its_time(brief, dial, sent):
    until_closed(dial(brief, sent))


def test_a_viewer_stays_and_so_does_a_request_that_was_let_in(site_with, dial):
    strangers = Expiring()
    site = site_with("steady", strangers=strangers)
    run = site.start()
    with site.stream(run["id"]) as viewer:
        asks = dial(site, REQUEST + b"\r\n")
        assert answer(asks) == 200
        stranger = dial(site, b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert answer(stranger) == 200
        strangers.expire()
        until_closed(stranger)
        assert json.loads(viewer.recv())["type"]
        asks.sendall(REQUEST + b"\r\n")
        assert answer(asks) == 200


def test_a_proxys_word_for_its_client_changes_nothing(site_with, dial):
    strangers = Expiring()
    site = site_with("steady", strangers=strangers)
    asks = dial(site, REQUEST + b"X-Forwarded-For: 192.0.2.7\r\n\r\n")
    assert answer(asks) == 200
    strangers.expire()
    asks.sendall(REQUEST + b"\r\n")
    assert answer(asks) == 200


def test_of_too_many_the_oldest_is_closed(site_with, dial):
    site = site_with("steady", strangers=Strangers(4, limit_s=PATIENCE_S))
    first, *_, last = [dial(site) for _ in range(5)]
    until_closed(first)
    last.sendall(REQUEST + b"\r\n")
    assert answer(last) == 200


def test_of_too_many_the_oldest_of_whoever_has_the_most_is_closed(site_with, dial):
    """Even a client that is slow with its head, while another user of the machine opens one after another."""
    slow: list[int] = []
    strangers = Strangers(4, PATIENCE_S, lambda _, client: "slow" if client[1] in slow else "greedy")
    site = site_with("steady", strangers=strangers)
    patient = dial(site, REQUEST)
    slow.append(patient.getsockname()[1])
    greedy = [dial(site) for _ in range(20)]
    for each in greedy[:-3]:
        until_closed(each)
    patient.sendall(b"\r\n")
    assert answer(patient) == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.64.1.1", "::1"])
def test_a_connection_of_this_machine_is_its_users(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.create_server((host, 0), family=family)
    with server, socket.create_connection(server.getsockname()[:2]):
        accepted, client = server.accept()
        with accepted:
            assert owner(accepted, client[:2]) == ("user", os.geteuid())


def test_a_connection_whose_other_end_is_closed_is_not_taken_for_roots():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        accepted, client = server.accept()
        with accepted:
            assert owner(accepted, client) == "closed"


def test_a_connection_of_another_machine_is_its_addresses():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        with accepted:
            assert owner(accepted, ("192.0.2.7", 4000)) == ip_address("192.0.2.7")


def test_a_tls_handshake_that_never_ends_is_cut_off(site_with, dial):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATE)
    site = site_with("steady", strangers=Strangers(16, limit_s=0.2), tls=tls)
    until_closed(dial(site))
    until_closed(dial(site, b"\x16\x03\x01"))


def test_more_idle_sockets_than_descriptors_leave_the_dashboard_usable_and_the_log_quiet(tmp_path):
    # Few enough that this process's own table of descriptors need not grow: beside other threads the kernel
    # takes its time for that, seconds on a busy machine.
    limit, sockets = 128, 150
    environment = {**os.environ, "GILSCOPE_TOKEN": TOKEN, "GILSCOPE_DATA_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(limit)], stdout=-1, stderr=-1, text=True, env=environment
    ) as server:
        try:
            assert server.stdout
            assert server.stderr
            base = server.stdout.readline().split()[-1].partition("/?")[0]
            host, _, port = base.rpartition("//")[2].partition(":")
            headers = {"Authorization": f"Bearer {TOKEN}"}
            body = {"workload": "cpu-bound", "seconds": 60}
            known = httpx.Client(base_url=base, headers=headers, timeout=PATIENCE_S, verify=NO_TLS)
            with known as client, ExitStack() as idle:
                run = client.post("/api/v1/runs", json=body).json()["id"]
                viewer = connect(
                    f"{base.replace('http', 'ws')}/api/v1/runs/{run}/stream",
                    additional_headers=headers,
                    proxy=None,
                    max_size=None,
                    max_queue=None,  # what was not read must not be in the way of the end
                )
                idle.enter_context(viewer)
                for number in range(sockets):
                    here = idle.enter_context(socket.create_connection((host, int(port)), PATIENCE_S))
                    here.sendall((b"", b"no such protocol\r\n\r\n", b"GET / HTTP/1.1\r\nHo")[number % 3])
                    if number % 50 == 0:
                        assert client.get("/").status_code == 200
                # A browser that comes now, on connections of its own.
                for _ in range(6):
                    newcomer = httpx.get(f"{base}/", headers=headers, timeout=PATIENCE_S, verify=NO_TLS)
                    assert newcomer.status_code == 200
                viewer.recv()
                assert client.post(f"/api/v1/runs/{run}/stop").json()["state"] == "stopped"
        finally:
            server.terminate()
            logged = server.communicate()[1]
    assert len(logged.splitlines()) <= 2, logged
