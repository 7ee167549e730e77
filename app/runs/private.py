"""Temporary folders that no other user may look into, and that a killed server does not leave for ever."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path


def folder(prefix: str) -> str:
    """A new folder of mode 0700; its name holds the pid, so that `sweep` knows when nobody needs it."""
    return tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-")


def sweep(prefix: str) -> None:
    """Deletes this user's folders of that prefix whose process was killed before it could do so itself."""
    for found in Path(tempfile.gettempdir()).glob(f"{prefix}*-*"):
        with suppress(OSError, ValueError):  # somebody else's, or swept by another server at this moment
            pid = int(found.name[len(prefix) :].split("-")[0])
            if found.stat().st_uid == os.getuid() and not Path(f"/proc/{pid}").exists():
                shutil.rmtree(found)
