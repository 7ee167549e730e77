"""A script's text in a file that nobody else can read, for as long as it runs."""

from __future__ import annotations

import os
import shutil

from app.runs import private

PREFIX = "gilscope-script-"


class Script:
    """The file, alone in a folder of mode 0700. A traceback shows its lines, as it would of any program."""

    def __init__(self, text: str) -> None:
        """Writes it; OSError where that cannot be."""
        private.sweep(PREFIX)
        self._folder = private.folder(PREFIX)
        self.path = os.path.join(self._folder, "script.py")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def remove(self) -> None:
        """Deletes it, and whatever the script put beside it; a second call does nothing."""
        shutil.rmtree(self._folder, ignore_errors=True)
