"""How long a frame takes from its last sample to a client: a real server, a real WebSocket, one clock."""

from __future__ import annotations

import json
import time

from websockets.sync.client import connect

from bench.observation import WORKLOAD
from bench.serving import lab


def delays_s(python: str, threads: int, seconds: float) -> list[float]:
    """For each frame of a run: from its last sample to its arrival in this process, in seconds."""
    with lab() as server:
        run = server.ask(
            "runs", {"workload": WORKLOAD, "workers": threads, "seconds": seconds, "python": python}
        )
        stream = f"ws://{server.host}/api/v1/runs/{run['id']}/stream"
        with connect(stream, additional_headers=server.bearer, max_size=None, proxy=None) as socket:
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
