"""A server of one's own for a measurement, and requests to it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from app.runs.observer import HOME


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that answers. `host` is its address and port."""

    host: str
    token: str
    pid: int

    @property
    def headers(self) -> dict[str, str]:
        """What lets a client in."""
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, path: str, body: dict[str, object] | None = None) -> Any:
        """The JSON that a path of the interface answers: GET, or POST with a body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self.headers}
        with urlopen(Request(f"http://{self.host}/api/v1/{path}", data, headers)) as answer:
            return json.load(answer)


@contextmanager
def serving(**environment: str) -> Iterator[Serving]:
    """A server on a free port, with these variables beside one's own; it ends with the block."""
    token = secrets.token_urlsafe(24)
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0", "--no-open"],
        env=os.environ | {"GILSCOPE_TOKEN": token} | environment,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HOME,
    )
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            host = urlsplit(next(word for word in line.split() if word.startswith("http://"))).netloc
            yield Serving(host, token, process.pid)
        finally:
            process.terminate()
