"""Every command that the documents show is run, as it stands there, or has a reason why it cannot be.

What stands for a process is a small one that runs, every port is a free one, and every run is short. Commands
that are the same then are run once.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.request import urlopen

import pytest
import typer
import yaml

from app.cli.main import app

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROCESS = "PID"
PATIENCE_S = 60
BRIEF_S = "0.3"  # long enough for a run to show something
# What makes a program that is run again and again do less of the same.
LESS = {"invoices.py": ("--rounds", "1"), "invoices_kept.py": ("--rounds", "1")}

# What is not run, by how the command begins, and why. A `gilscope` in it is parsed all the same.
NOT_RUN = {
    "docker ": "needs Docker; its file is there",
    "kubectl ": "needs a cluster",
    "sudo ": "changes the machine",
    "make ": "each sets up, serves or tests this very folder; make itself says what it would do",
    "gilscope dask ": "needs a cluster; tests/process/test_dask.py observes one",
    "pip install .": "tests/contract/test_installing.py installs by pip, pipx and uv",
    "pip install ": "fetches what the case is about; `make cases` runs it",
}
# Of the programs of cases, what they need that the tests do not install.
NEEDS = {
    "daily_sales.py": "pandas",
    "dask_job.py": "dask",
    "dist/frozen": "PyInstaller",
    "granian": "granian",
    "greenlets.py": "gevent",
    "gunicorn": "gunicorn",
    "products.py": "threadpoolctl",
    "pyinstaller": "PyInstaller",
    "uwsgi": "uwsgi",
}


@dataclass(frozen=True)
class Command:
    """One of a block, with what stood in for it."""

    words: tuple[str, ...]
    background: bool

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def lacks(self) -> str | None:
        """The package that it needs and that is not there."""
        needed = [package for word in self.words for name, package in NEEDS.items() if word == name]
        return next((name for name in needed if importlib.util.find_spec(name) is None), None)

    @property
    def not_run(self) -> str | None:
        """Why."""
        reasons = (why for begin, why in NOT_RUN.items() if (self.text + " ").startswith(begin))
        lacks = self.lacks
        return next(reasons, None) or (f"`make cases` runs it: there is no {lacks} here" if lacks else None)


def _blocks(document: Path) -> list[str]:
    return [body for language, body in FENCE.findall(document.read_text()) if language in ("sh", "console")]


def _commands(block: str) -> Iterator[Command]:
    """Of a block, one after the other; whatever stands for a process is one word."""
    whole = re.sub(r"\$\(pgrep [^)]*\)|\$!|\b4711\b", PROCESS, block.replace("\\\n", " "))
    for line in whole.splitlines():
        words: list[str] = []
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&;|")
        lexer.whitespace_split = True
        for word in [*lexer, ";"]:
            if word in ("&", "&&", ";"):
                if words:
                    yield Command(tuple(words), word == "&")
                words = []
            else:
                words.append(word)


ALL = [(document, block) for document in DOCUMENTS for block in _blocks(document)]
CASES = [(document, block) for document, block in ALL if block.startswith("cd docs/cases/programs\n")]
# A case runs whole where all that it needs is there; else what observes its program observes another process.
CASES_WHOLE = [
    pytest.param(block, id=document.stem)
    for document, block in CASES
    if not any(command.lacks for command in _commands(block))
]
WHOLE = {block for param in CASES_WHOLE for block in param.values}
OTHERS = list(
    dict.fromkeys(
        command
        for _, block in ALL
        if block not in WHOLE
        for command in _commands(block)
        if not command.not_run and command.words[0] == "gilscope"
    )
)


def _parsed(words: tuple[str, ...]) -> None:
    """By the real parser, which ends with the reason where it cannot."""
    group = typer.main.get_command(app)
    context = group.make_context("gilscope", list(words), resilient_parsing=True)
    command = group.get_command(context, words[0])  # type: ignore[attr-defined]
    assert command is not None, words
    command.make_context(words[0], list(words[1:]))


@cache
def _environment() -> dict[str, str]:
    path = f"{BIN}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _made_small(command: Command, pid: int | None, port: int) -> list[str]:
    """With a real process in it, a port that is free, an interpreter that is there, for a moment alone."""
    words = [
        word.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("PORT", f"{port}")
        for word in command.words
    ]
    words = [str(port) if word == "8000" else str(pid) if word == PROCESS else word for word in words]
    for option, value in (
        ("--seconds", BRIEF_S),
        ("--python", sys.executable),
        ("--repeats", "1"),
        ("--listen", f"127.0.0.1:{port}"),
    ):
        if option in words:
            words[words.index(option) + 1] = value
    if words[:2] == ["gilscope", "run"] and "--seconds" not in words:
        words += ["--seconds", BRIEF_S]
    if words[:2] == ["gilscope", "compare"] and "--executors" in words:
        words += ["--seconds", "0.2", *([] if "--repeats" in words else ["--repeats", "1"])]
    if words[:3] == ["gilscope", "compare", "--command"]:
        words += [word for program, less in LESS.items() if program in words for word in less]
    if words[:2] == ["gilscope", "exporter"] and "--listen" not in words:
        words += ["--listen", f"127.0.0.1:{port}"]
    return words


@contextmanager
def _started(words: list[str], cwd: Path, output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(words, cwd=cwd, env=_environment(), stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _listens(port: int, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    """Wait until a server does."""
    due = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
            return
        except ConnectionRefusedError:
            assert process.poll() is None, _said(output)
            assert time.monotonic() < due, _said(output)
            time.sleep(0.05)


def _said(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode()


def _run(words: list[str], cwd: Path) -> None:
    done = subprocess.run(words, cwd=cwd, env=_environment(), capture_output=True, timeout=2 * PATIENCE_S)
    said = done.stderr.decode()[-2000:]
    # So brief a comparison may well be noise, or too brief for a figure: then a condition holds, and is told.
    holds = words[:2] == ["gilscope", "compare"] and any(f"gilscope: {word}: " in said for word in words)
    assert done.returncode == (5 if holds else 0), (words, said)
    assert done.stdout or done.stderr


@pytest.fixture
def target() -> Iterator[int]:
    """A process of Python's that is ready."""
    code = "import sys, threading; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.kill()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_says_what_it_is_and_commands_are_not_among_the_others(document: Path) -> None:
    for language, body in FENCE.findall(document.read_text()):
        assert language in ("sh", "console", "text", "yaml", "sql", "promql", "json"), body
        assert not re.search(r"^\$ ", body, re.MULTILINE), "a prompt is not part of a command"


def test_the_commands_are_found() -> None:
    assert len(CASES) > 10
    assert len(CASES_WHOLE) > 3
    assert {command.words[1] for command in OTHERS if command.words[0] == "gilscope"} > {
        "run",
        "record",
        "ps",
    }


def test_none_is_left_out() -> None:
    """Beside a program of a case that is not here its load is not: that runs in the cases that are whole."""
    left = {
        command.text
        for _, block in ALL
        if block not in WHOLE
        for command in _commands(block)
        if command not in OTHERS and not command.not_run
    }
    assert {
        text for text in left if not text.startswith(("cd docs/cases/programs", "python load.py http://"))
    } == set()


@pytest.mark.parametrize("command", OTHERS, ids=lambda command: command.text)
def test_a_command_in_the_documents_does_what_it_says(command: Command, target: int, tmp_path: Path) -> None:
    port = _free_port()
    words = _made_small(command, target, port)
    if words[:2] == ["gilscope", "show"]:
        _run(["gilscope", "record", "--", sys.executable, "-c", "sum(range(10**6))"], tmp_path)
    if words[:2] != ["gilscope", "exporter"]:
        _run(words, tmp_path)
        return
    with TemporaryFile() as output, _started(words, tmp_path, output) as process:
        _listens(port, process, output)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
            assert b"gilscope_" in answer.read()
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, _said(output)


@pytest.mark.parametrize("block", CASES_WHOLE)
def test_the_commands_of_a_case_do_what_they_say_together(block: str) -> None:
    port = _free_port()
    place, *commands = _commands(block)
    assert place.words[0] == "cd"
    cwd = ROOT / place.words[1]
    observed: int | None = None
    with ExitStack() as running:
        for command in commands:
            if command.not_run:
                continue
            words = _made_small(command, observed, port)
            if words[0] == "kill":
                subprocess.run(words, check=True)
                continue
            if not command.background:
                _run(words, cwd)
                continue
            output = running.enter_context(TemporaryFile())
            process = running.enter_context(_started(words, cwd, output))
            if observed is None:
                observed = process.pid
                if str(port) in words:
                    _listens(port, process, output)
    assert observed is not None


NOT_RUN_HERE = [
    pytest.param(command, id=command.text)
    for command in dict.fromkeys(command for _, block in ALL for command in _commands(block))
    if command.not_run
]


@pytest.mark.parametrize("command", NOT_RUN_HERE)
def test_a_command_that_is_not_run_names_what_there_is(command: Command) -> None:
    words = command.words
    if words[0] == "make":
        subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, capture_output=True)
    if "gilscope" in words and "--" in words:
        assert words[words.index("--") + 1] == "gilscope"
        _parsed(words[words.index("--") + 2 :])
    files = [word for word in words if word.startswith(("docs/", "Dockerfile"))]
    assert [file for file in files if not (ROOT / file).exists()] == []
    if words[:2] == ("docker", "build"):
        assert (ROOT / "Dockerfile").exists()
    programs = [word for word in words if word.endswith(".py")]
    assert [name for name in programs if not (ROOT / "docs/cases/programs" / name).exists()] == []


def _of_deployments() -> Iterator[list[str]]:
    """The commands of containers: of the image, of files to deploy, and of YAML in the documents."""
    image = re.search(r"^CMD (\[.+\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert image
    yield yaml.safe_load(image[1])
    texts = [path.read_text() for path in (ROOT / "docs" / "deploy").glob("*.yaml")]
    texts += [
        body for page in DOCUMENTS for language, body in FENCE.findall(page.read_text()) if language == "yaml"
    ]
    for text in texts:
        yield from _programs(yaml.safe_load(text))


def _programs(tree: object) -> Iterator[list[str]]:
    if isinstance(tree, dict):
        if "command" in tree:
            yield [*tree["command"], *tree.get("args", [])]
        for value in tree.values():
            yield from _programs(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _programs(value)


def test_the_commands_of_containers_are_such_that_the_program_takes() -> None:
    commands = [words for words in _of_deployments() if words[0] == "gilscope"]
    assert len(commands) == 4
    for _, *words in commands:
        _parsed(tuple(words))
