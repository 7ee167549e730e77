"""The Dockerfile's steps, taken from it and carried out in a folder: a test has no container engine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener, urlopen

import pytest

ROOT = Path(__file__).parents[2]
STEPS = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
PREFIX = "/opt/gilscope"
PORT = "8642"


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
        parts = set(re.findall(r'(?:src|href)="(/(?:static|vendor)/[^"]+)"', page))
        assert {PurePath(part).suffix for part in parts} >= {".js", ".css"}
        assert all(_read(browser, urljoin(address, part)) for part in parts)
        assert "uPlot" in _read(browser, urljoin(address, "/vendor/uplot/uPlot.esm.js"))


def _read(browser: OpenerDirector, address: str) -> str:
    with browser.open(address, timeout=10) as answer:
        return str(answer.read().decode())


@contextmanager
def _server(prefix: Path, home: Path) -> Iterator[str]:
    """The image's command, on a free port of this machine; its whole address."""
    command = re.findall(r'"([^"]+)"', _step("CMD")[0])
    command[0] = str(prefix / "bin" / command[0])
    process = subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=home, env={"HOME": str(home)}
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield next(word for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()
