"""A GILScope server of this checkout, started, asked and ended: what the other tools stand on."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Lab:
    """A server that runs: where it is, with the token in it, and its pid."""

    address: str
    token: str
    pid: int

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.address).netloc

    @property
    def bearer(self) -> dict[str, str]:
        """The header that lets a client in."""
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the interface answers to a GET of a path, or to a POST where there is a body."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            f"http://{self.host}/api/v1/{path}", data, {"Content-Type": "application/json", **self.bearer}
        )
        with urlopen(request) as answer:
            return json.load(answer)


@contextmanager
def lab() -> Iterator[Lab]:
    """A server on a free port, ended with the block."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--no-open"]
    token = secrets.token_urlsafe()
    environment = environ | {"GILSCOPE_TOKEN": token}
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = re.search(r"http://\S+", line)
            if address is None:
                raise SystemExit(f"The server did not say where it is, but {line!r}")
            yield Lab(address[0], token, process.pid)
        finally:
            process.terminate()


@contextmanager
def started(command: list[str], ready: str, **options: Any) -> Iterator[tuple[int, re.Match[str]]]:
    """A program that has said that it is ready: its pid, and what it said."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    ) as process:
        try:
            assert process.stdout
            said = []
            for line in process.stdout:
                said.append(line)
                if match := re.search(ready, line):
                    break
            else:
                raise SystemExit(f"{command} ended without {ready!r}:\n{''.join(said)}")
            # A program that logs each request would stand still once the pipe is full.
            drain = threading.Thread(target=deque, args=(process.stdout, 0), daemon=True)
            drain.start()
            yield process.pid, match
            process.terminate()
            drain.join()
        finally:
            process.terminate()
