"""How long a frame takes from its last sample to a client: a real server, a real WebSocket, one clock."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from websockets.sync.client import connect

from app.runs.observer import HOME
from bench.observation import WORKLOAD


def delays_s(python: str, threads: int, seconds: float) -> list[float]:
    """For each frame of a run: from its last sample to its arrival in this process, in seconds."""
    token = secrets.token_urlsafe(24)
    with _server(token) as address:
        run = _post(
            f"http://{address}/api/v1/runs",
            token,
            {"workload": WORKLOAD, "workers": threads, "seconds": seconds, "python": python},
        )
        stream = f"ws://{address}/api/v1/runs/{run['id']}/stream"
        with connect(stream, additional_headers=_bearer(token), max_size=None, proxy=None) as socket:
            connected_ns = time.monotonic_ns()
            origin_ns = json.loads(socket.recv())["hello"]["origin_ns"]
            delays_ns = []
            ended = {"state": "was cut off", "error": None}
            for text in socket:
                now_ns = time.monotonic_ns()
                message = json.loads(text)
                if message["type"] == "summary":
                    ended = message["summary"]["run"]
                    break
                if message["type"] == "frame":
                    ended_ns = origin_ns + message["end_us"] * 1000
                    # What is older than the connection is the ring's tail, not an arrival.
                    if ended_ns >= connected_ns:
                        delays_ns.append(now_ns - ended_ns)
    if ended["state"] != "finished":
        raise RuntimeError(f"The run {ended['state']}: {ended['error']}")
    return [delay / 1e9 for delay in delays_ns]


@contextmanager
def _server(token: str) -> Iterator[str]:
    """A server of one's own on a free port; its host and port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0", "--no-open"],
        env=os.environ | {"GILSCOPE_TOKEN": token},
        stdout=subprocess.PIPE,
        text=True,
        cwd=HOME,
    )
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = urlsplit(next(word for word in line.split() if word.startswith("http://"))).netloc
            yield address
        finally:
            process.terminate()


def _post(url: str, token: str, body: dict[str, object]) -> dict[str, object]:
    headers = {"Content-Type": "application/json", **_bearer(token)}
    with urlopen(Request(url, json.dumps(body).encode(), headers, method="POST")) as answer:
        created: dict[str, object] = json.load(answer)
    return created


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
