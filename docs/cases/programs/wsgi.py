"""The plainest WSGI application that computes a little.

gunicorn --threads 4 --bind 127.0.0.1:0 wsgi:app
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers with a list that it makes, writes as JSON and reads again."""
    made = [{"number": number, "square": number * number} for number in range(2_000)]
    body = json.dumps(json.loads(json.dumps(made))).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
