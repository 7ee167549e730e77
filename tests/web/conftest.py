"""A real server on a free port, in a thread of the test's process, with a real observer or one that fails."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from support.plain import NO_TLS
from websockets.sync.client import ClientConnection, connect

from app.runs.manager import Manager
from app.runs.observer import COMMAND
from app.runs.settings import Settings
from app.web.application import create_app
from app.web.serve import Server

TOKEN = "the-token-of-the-tests"
FAKE = str(Path(__file__).parents[1] / "fakes" / "observer.py")
PROBLEM = {"type", "title", "status", "detail", "instance", "errors", "remedy"}


@dataclass(frozen=True)
class Site:
    """A server, and clients of it."""

    port: int
    manager: Manager
    client: httpx.Client  # has the token

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stream(self, run_id: str, query: str = "", **options: object) -> ClientConnection:
        """A viewer of a run."""
        head = {"Authorization": f"Bearer {TOKEN}"}
        # A client that has not read all hears the server's farewell behind that, or waits ten seconds for it.
        usual: dict[str, object] = {"max_size": None, "compression": None, "max_queue": None}
        options = {"additional_headers": head} | usual | options
        address = f"ws://127.0.0.1:{self.port}/api/v1/runs/{run_id}/stream?{query}"
        return connect(address, proxy=None, **options)

    def runs(self, **query: object) -> list[dict]:
        """The runs that it lists."""
        response = self.client.get("/api/v1/runs", params=query)
        assert response.status_code == 200, response.text
        return response.json()["runs"]

    def start(self, **body: object) -> dict:
        """A run started through the interface."""
        response = self.client.post("/api/v1/runs", json=body or {"command": ["target"]})
        assert response.status_code == 201, response.text
        return response.json()


@contextmanager
def serving(how: str | None, settings: Settings, **more: object) -> Iterator[Site]:
    """A site; `how` is what the observer does, see tests/fakes/observer.py, None for the real one."""
    manager = Manager(settings, COMMAND if how is None else [sys.executable, FAKE, how])
    ready = threading.Event()
    server = Server(create_app(settings, manager), ready.set, **more)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert ready.wait(30), "the server did not start"
            headers = {"Authorization": f"Bearer {TOKEN}"}
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, verify=NO_TLS
            ) as client:
                yield Site(port, manager, client)
        finally:
            server.should_exit = True
            thread.join(30)
        assert not thread.is_alive(), "the server did not end"


@pytest.fixture
def site_with(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Make sites: `site_with("steady", max_runs=1)`. They share one archive, which is the test's own."""
    with ExitStack() as sites:

        def make(
            how: str | None = None, strangers: object = None, tls: object = None, **settings: object
        ) -> Site:
            chosen = Settings(**{"token": TOKEN, "data_dir": str(tmp_path / "data"), **settings})
            return sites.enter_context(serving(how, chosen, strangers=strangers, tls=tls))

        yield make


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of all tests of a module that only ask."""
    settings = Settings(token=TOKEN, data_dir=str(tmp_path_factory.mktemp("standing")))
    with serving("steady", settings) as site:
        yield site


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site whose observer goes on until it is stopped: the test's own, or that of all marked `asks`."""
    if request.node.get_closest_marker("asks") is None:
        yield request.getfixturevalue("site_with")("steady")
        return
    site = request.getfixturevalue("standing")
    yield site
    assert site.runs() == site.runs(removed=True) == [], "it has not only asked"


@pytest.fixture
def problem() -> Callable[..., dict]:
    """Check that a response is a problem of the one shape, and give it."""

    def check(response: httpx.Response, status: int, field: str | None = None) -> dict:
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body.keys() == PROBLEM
        assert body["status"] == status
        assert body["type"].startswith("urn:gilscope:problem:")
        assert body["title"]
        assert body["detail"]
        assert body["instance"] == response.request.url.path
        assert isinstance(body["remedy"], str)
        assert all(error.keys() == {"field", "detail"} for error in body["errors"])
        if field is not None:
            assert field in [error["field"] for error in body["errors"]]
        return body

    return check
