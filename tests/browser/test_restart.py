"""A server that was killed and started again on its port: the page comes back to its view, or says how."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from .steps import choose_a_view

TOKEN = "the-token-of-both-servers"
GIVEN_UP = r"ERR_|WebSocket connection|401"


class Restarted:
    """A server with a data directory and, once it was started, a port that it gets again."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[str] | None = None
        self._port = "0"

    def start(self, token: str = TOKEN) -> str:
        """Start it; the address that it prints."""
        command = [sys.executable, "-m", "app", "serve", "--no-open", "--port", self._port]
        environment = os.environ | {"GILSCOPE_TOKEN": token, "GILSCOPE_DATA_DIR": str(self._home)}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        address = re.search(r"http://\S+?:(\d+)/\S*", self._process.stdout.readline())
        assert address
        self._port = address[1]
        return address[0]

    def kill(self) -> None:
        """As a machine does that runs out of memory."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Restarted]:
    server = Restarted(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def running(server: Restarted, new_page: Callable[..., Page]) -> Page:
    """A page of a run that goes on, with a panel, a window and a slice that a hand chose."""
    page = new_page(tolerate=GIVEN_UP)
    page.goto(server.start())
    run = page.evaluate(
        """async () => {
          const body = JSON.stringify({workload: "convoy", seconds: 60});
          const headers = {"content-type": "application/json"};
          return (await fetch("/api/v1/runs", {method: "POST", headers, body})).json();
        }"""
    )
    page.goto(f"{page.evaluate('location.origin')}/runs/{run['id']}")
    page.wait_for_function("() => parseFloat(document.querySelector('.elapsed').textContent) > 2")
    choose_a_view(page)
    expect(page).to_have_url(re.compile(r"tab=waits&window=[\d.]+-[\d.]+.*slice=\d@[\d.]+$"))
    return page


def test_with_a_token_of_its_own_the_page_comes_back_to_the_same_view(
    server: Restarted, running: Page
) -> None:
    page, url = running, running.url
    began = re.search(r"from [\d.\s]+s", running.locator(".slice h3").inner_text())
    assert began
    server.kill()
    expect(page.locator(".connection")).to_contain_text("Server not reachable")
    server.start()
    expect(page.locator(".badge[data-state=failed]")).to_be_visible()
    expect(page.locator(".failure")).to_contain_text("What recorded this run was killed")
    for _ in ("by itself", "when it is loaded again"):
        assert page.url == url
        expect(page.get_by_role("tabpanel", name="Waits")).to_be_visible()
        expect(page.locator(".slice h3")).to_contain_text(began[0])
        page.reload()


def test_with_a_new_token_the_page_says_what_to_do_and_the_run_opens_where_it_was(
    server: Restarted, running: Page
) -> None:
    page, before = running, urlsplit(running.url)
    server.kill()
    expect(page.locator(".connection")).to_contain_text("Server not reachable")
    address = server.start("another-token-than-before")
    expect(page.locator(".connection")).to_contain_text("another address: open the one that it printed")
    page.goto(address)
    now = urlsplit(address)
    assert now.hostname != before.hostname, "an address for each token"
    page.goto(before._replace(netloc=now.netloc).geturl())
    expect(page.locator(".badge[data-state=failed]")).to_be_visible()
    assert urlsplit(page.url)[2:] == before[2:]
    expect(page.get_by_role("tabpanel", name="Waits")).to_be_visible()
