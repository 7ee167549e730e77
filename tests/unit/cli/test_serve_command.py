"""What a browser is started with is seen by every user of the machine."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import unquote, urlparse

from app.cli import serve


def test_the_browser_is_given_a_private_file_and_not_the_code() -> None:
    address = "http://127.0.0.1:8642/?code=a-secret-code"
    doorway = serve._doorway(address)
    assert "a-secret" not in doorway
    path = Path(unquote(urlparse(doorway).path))
    assert address in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
