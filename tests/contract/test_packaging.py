"""The Dockerfile's steps, taken from it and carried out in a folder: a test has no container engine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener, urlopen

import httpx
import pytest
from playwright.sync_api import sync_playwright
from support.plain import NO_TLS

from bench.page_loads import loaded

ROOT = Path(__file__).parents[2]
STEPS = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
PREFIX = "/opt/gilscope"
PORT = "8642"
CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
]
MOST = (15, 300_000, 10_000)  # requests, bytes cold, bytes warm


def _step(instruction: str) -> list[str]:
    """The arguments of every step of that name, in order."""
    return [line.partition(" ")[2] for line in STEPS if line.startswith(instruction + " ")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix into which the build stage installs, from the files that it copies and no other."""
    source = tmp_path_factory.mktemp("src")
    prefix = tmp_path_factory.mktemp("opt") / "gilscope"
    for copied in _step("COPY"):
        if not copied.startswith("--from"):
            *names, _ = copied.split()
            for name in names:
                if (ROOT / name).is_dir():
                    skip = shutil.ignore_patterns("__pycache__", "node_modules")
                    shutil.copytree(ROOT / name, source / name, ignore=skip)
                else:
                    shutil.copy(ROOT / name, source)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        _step("RUN")[0].replace(PREFIX, str(prefix)),
        shell=True,
        cwd=source,
        env=os.environ | {"PATH": path},
        check=True,
        capture_output=True,
    )
    return prefix


def test_the_context_lets_through_what_is_copied() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for step in _step("COPY") if not step.startswith("--from") for name in step.split()[:-1]}
    assert copied == allowed
    assert not [name for name in copied if not (ROOT / name).exists()]


def test_the_server_runs_without_privileges_and_on_the_port_that_is_published() -> None:
    assert _step("USER") == ["gilscope"]
    assert _step("EXPOSE") == [PORT]
    assert f"-p 127.0.0.1:{PORT}:{PORT}" in (ROOT / "README.md").read_text()


def test_the_installed_server_is_whole_and_healthy(installed: Path, tmp_path: Path) -> None:
    with _server(installed, tmp_path) as address:
        port = str(urlsplit(address).port)
        health = _step("HEALTHCHECK")[0].partition("CMD ")[2].replace(PORT, port)
        environment = {"PATH": f"{installed}/bin:/usr/bin:/bin"}
        subprocess.run(shlex.split(health), env=environment, cwd=tmp_path, check=True, timeout=10)

        with pytest.raises(HTTPError) as refused:
            urlopen(address.partition("?")[0], timeout=10)
        with refused.value:
            assert refused.value.code == 401
        browser = build_opener(HTTPCookieProcessor())
        browser.addheaders = [("Accept", "text/html")]
        page = _read(browser, address)
        parts = set(re.findall(r'(?:src|href)="(/[a-z]+/[^"]+\.[a-z]+)"', page))
        assert {PurePath(part).suffix for part in parts} >= {".js", ".css"}
        assert {part.split("/")[1] for part in parts} == {"bundle"}
        read = {part: _read(browser, urljoin(address, part)) for part in parts}
        assert all(read.values())
        assert "uplot" in "".join(read[part] for part in parts if part.startswith("/bundle/lab-"))


def test_an_installed_page_is_light(installed: Path, tmp_path: Path) -> None:
    token = "the-token-of-the-test"
    bearer = {"Authorization": f"Bearer {token}"}
    with (
        _server(installed, tmp_path, GILSCOPE_TOKEN=token) as address,
        httpx.Client(base_url=urljoin(address, "/"), headers=bearer, verify=NO_TLS) as client,
        sync_playwright() as playwright,
    ):
        body = {"workload": "cpu-bound", "seconds": 0.5}
        run_id = client.post("/api/v1/runs", json=body).json()["id"]
        while client.get(f"/api/v1/runs/{run_id}").json()["state"] in ("starting", "running"):
            time.sleep(0.05)
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        weights, late = {}, []
        for path in (
            *("/", f"/runs/{run_id}", "/history", f"/compare?runs={run_id},{run_id}", "/memory"),
            *("/teach", "/teach/15/convoy"),
        ):
            context = browser.new_context()
            code = client.post("/api/v1/codes").json()["code"]
            context.new_page().goto(urljoin(address, f"/static/icon.svg?code={code}"))  # no part of a page
            (cold, *_), (warm, *_) = (loaded(context, urljoin(address, path)) for _ in range(2))
            weights[path] = (len(cold), sum(cold.values()), sum(warm.values()))
            # The stream brings all of a run of half a second; what it is about to bring is not asked for.
            late += [url for url in (*cold, *warm) if "/timeline" in url]
            context.close()
        browser.close()
    heavy = {
        path: weight
        for path, weight in weights.items()
        if any(is_ > most for is_, most in zip(weight, MOST, strict=True))
    }
    assert not late
    assert not heavy, f"requests, bytes cold, bytes warm: {heavy}, of {MOST} at the most"
    assert all(cold > warm > 0 for _, cold, warm in weights.values()), weights


def _read(browser: OpenerDirector, address: str) -> str:
    with browser.open(address, timeout=10) as answer:
        return str(answer.read().decode())


@contextmanager
def _server(prefix: Path, home: Path, **variables: str) -> Iterator[str]:
    """The image's command, on a free port of this machine; its whole address."""
    command = re.findall(r'"([^"]+)"', _step("CMD")[0])
    command[0] = str(prefix / "bin" / command[0])
    environment = {"HOME": str(home), **variables}
    process = subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=home, env=environment
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield next(word for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()
