"""A real server in a process of its own, and a real browser before it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from support.plain import NO_TLS

TOKEN = "the-token-of-the-tests"
CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Debian's headless shell is the same engine without the windows of a browser, which nobody sees here: a page
# takes half of the CPU time in it. That a whole browser shows the pages is seen in tests/contract.
BROWSERS = (
    "/usr/lib/chromium/chromium-headless-shell",
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
)
# The machine may be busy with other tests; what is waited for comes much sooner.
PATIENCE_MS = 30_000


@dataclass(frozen=True)
class Site:
    """Where the server is, for a browser that is to be let in."""

    host: str
    port: int

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKEN}"}

    def address(self, path: str = "/", port: int | None = None) -> str:
        """An address that lets one browser in, once; `port` is that of a relay, at 127.0.0.1."""
        here = f"http://{self.host}:{self.port}"
        code = httpx.post(f"{here}/api/v1/codes", headers=self.bearer, verify=NO_TLS).json()["code"]
        return f"{f'http://127.0.0.1:{port}' if port else here}{path}?code={code}"


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with served(["-m", "app"]) as site:
        yield site


@pytest.fixture(scope="session")
def site_of_sources() -> Iterator[Site]:
    """One whose pages load their sources, as after a change of them, and no bundle."""
    program = "from app import assets; assets.bundle = lambda: None; from app.cli.main import main; main()"
    with served(["-c", program]) as site:
        yield site


@contextmanager
def served(program: list[str]) -> Iterator[Site]:
    command = [sys.executable, *program, "serve", "--port", "0", "--no-open"]
    environment = os.environ | {"GILSCOPE_TOKEN": TOKEN}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            found = re.search(r"http://\S+", line)
            assert found, f"the server did not say where it is, but {line!r}"
            where = urlsplit(found[0])
            assert where.hostname
            assert where.port
            yield Site(where.hostname, where.port)
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="package")  # while it is there no other test of this process can run an event loop
def browser() -> Iterator[Browser]:
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert chromium, "there is no chromium on PATH: `make test` installs Debian's where apt-get is there"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Make pages of the lab; what a page complains of fails the test, and what it started is stopped."""
    complaints: list[str] = []
    contexts = []

    def make(tolerate: str = r"$.", **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()

        def complain(text: str) -> None:
            if not re.search(tolerate, text):
                complaints.append(text)

        def heard(said: ConsoleMessage) -> None:
            if said.type in ("error", "warning"):
                complain(f"{said.text} {said.location.get('url', '')}")

        page.on("console", heard)
        page.on("pageerror", lambda error: complain(str(error)))
        page.goto(site.address())
        return page

    yield make
    for context in contexts:
        stop_all(context.pages[0], site)
        context.close()
    assert complaints == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


def stop_all(page: Page, site: Site) -> None:
    """End every run that still goes on, so that none is in the way of the next test's."""
    api = f"http://{site.host}:{site.port}/api/v1/runs"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for run in page.request.get(api, headers=headers).json()["runs"]:
        if run["state"] in ("starting", "running"):
            page.request.post(f"{api}/{run['id']}/stop", headers=headers, data={})
