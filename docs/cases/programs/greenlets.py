"""A gevent server without monkey patching: one of its two answers calls the plain time.sleep.

python greenlets.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent.pywsgi import WSGIServer


def blocking_backend() -> None:
    """Stops the hub, and with it every greenlet, for 120 ms."""
    time.sleep(0.12)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers after 2 ms in which others run; /report after 120 ms in which no one does."""
    if environ["PATH_INFO"] == "/report":
        blocking_backend()
    else:
        gevent.sleep(0.002)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


def main() -> None:
    """Serves on a free port."""
    server = WSGIServer(("127.0.0.1", 0), app, log=None)
    server.start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
