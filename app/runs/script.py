"""A script's text in a file that nobody else can read, for as long as it runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_PREFIX = "gilscope-script-"


class Script:
    """The file, alone in a folder of mode 0700. A traceback shows its lines, as it would of any program."""

    def __init__(self, text: str) -> None:
        """Writes it; OSError where that cannot be."""
        sweep()
        self._folder = tempfile.TemporaryDirectory(
            prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True
        )
        self.path = os.path.join(self._folder.name, "script.py")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def remove(self) -> None:
        """Deletes it, and whatever the script put beside it; a second call does nothing."""
        self._folder.cleanup()


def sweep() -> None:
    """Deletes this user's folders whose server was killed before it could do so itself."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        with suppress(OSError, ValueError):  # somebody else's, or swept by another server at this moment
            pid = int(folder.name[len(_PREFIX) :].split("-")[0])
            if folder.stat().st_uid == os.getuid() and not Path(f"/proc/{pid}").exists():
                shutil.rmtree(folder)
