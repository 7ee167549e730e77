"""A GILScope server of this checkout, started, asked and ended: measurements and tools stand on it."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from app.runs.observer import HOME

SERVE = ("-m", "app", "serve", "--port", "0", "--no-open")


@dataclass(frozen=True, slots=True)
class Lab:
    """A server that runs: the address that it printed, which lets one browser in, its token, and its pid."""

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

    def entrance(self, path: str = "/") -> str:
        """The address of a page that lets one browser in, once."""
        return f"http://{self.host}{path}?code={self.ask('codes', {})['code']}"

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the interface answers to a GET of a path, or to a POST where there is a body."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            f"http://{self.host}/api/v1/{path}", data, {"Content-Type": "application/json", **self.bearer}
        )
        with urlopen(request) as answer:
            return json.load(answer)


@contextmanager
def lab(words: Sequence[str] = SERVE, **variables: str) -> Iterator[Lab]:
    """A server on a free port, ended with the block; `words` follow `python`, `variables` are set for it."""
    token = secrets.token_urlsafe()
    environment = os.environ | {"GILSCOPE_TOKEN": token} | variables
    command = [sys.executable, *words]
    with subprocess.Popen(
        command, env=environment, cwd=HOME, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = re.search(r"http://\S+", line)
            if address is None:
                raise SystemExit(f"The server did not say where it is, but {line!r}")
            yield Lab(address[0], token, process.pid)
        finally:
            process.terminate()
