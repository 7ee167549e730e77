"""What a browser is started with is seen by every user of the machine."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest

from app.cli import replay, serve


def test_the_browser_is_given_a_private_file_and_not_the_code() -> None:
    address = "http://127.0.0.1:8642/?code=a-secret-code"
    doorway = serve._doorway(address)
    assert "a-secret" not in doorway
    path = Path(unquote(urlparse(doorway).path))
    assert address in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_replay_is_served_with_the_certificate_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr(replay, "asked", lambda found: "the-run")
    monkeypatch.setattr(replay, "start", lambda settings, *rest, page: served.append((settings, page)))
    replay.replay("the-run", tls_cert="its.pem", tls_key="its.key", insecure_http=True)
    [(settings, page)] = served
    assert (settings.tls_cert, settings.tls_key, settings.insecure_http) == ("its.pem", "its.key", True)
    assert page == "/runs/the-run"
