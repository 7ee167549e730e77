"""Clients that ask a server again and again, at a bounded rate, and say how long it took to answer.

    python load.py URL... [--seconds 10] [--clients 4] [--rate 100]

Standard library only. Each client takes the URLs in turn; all clients together ask `--rate` times a second.
"""

from __future__ import annotations

import argparse
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit


def ask(urls: list[str], end: float, pause: float, took: list[float]) -> None:
    """Asks until `end`, no oftener than every `pause` seconds, on one connection a server."""
    connections: dict[str, HTTPConnection] = {}
    due = time.monotonic()
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        url = urlsplit(urls[len(took) % len(urls)])
        connection = connections.setdefault(url.netloc, HTTPConnection(url.netloc, timeout=30))
        started = time.monotonic()
        connection.request("GET", f"{url.path or '/'}?{url.query}")
        connection.getresponse().read()
        took.append(time.monotonic() - started)
        due = max(due + pause, time.monotonic())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("urls", nargs="+", metavar="URL")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second of all clients together")
    chosen = parser.parse_args()
    end = time.monotonic() + chosen.seconds
    took: list[list[float]] = [[] for _ in range(chosen.clients)]
    pause = chosen.clients / chosen.rate
    clients = [threading.Thread(target=ask, args=(chosen.urls, end, pause, mine)) for mine in took]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    every = sorted(one for mine in took for one in mine)
    p50, p99 = every[len(every) // 2], every[len(every) * 99 // 100]
    print(f"{len(every)} answers, p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
