"""The source of the line at which a thread waits for a lock: whether it takes one, or waits for work.

A thread that waits in `with lock:` and one that waits in `queue.get()` of a SimpleQueue look the same to the
kernel, and both are in C code that their stacks do not show. The line tells them apart. It is read from the
file as the process sees it, or from the command line of `python -c`; no text of it leaves the observer.
"""

from __future__ import annotations

import os
import re
import stat

from app.probe.kernel import procfs

_TAKES = re.compile(r"^\s*(async\s+)?with\b|\bacquire\w*\(|\.__enter__\(")
_WAITS = re.compile(r"\.(get|wait|join|result)\(")
# threading's own lines from 3.13 on; before, these are an acquire() too.
_ENDS_OF_THREADS = re.compile(r"_handle\.join\(|\b_thread_shutdown\(")
# From 3.13 on who waits in a `with` of several lines stands at that of one item, which may be a mere name.
_WITH_LINES = re.compile(r"^\s*(async\s+)?with\s*\(")
_GOES_ON = (",", "(")
_MAX_SIZE = 1 << 20  # bytes: longer files are not read
_MAX_FILES = 50
_MAX_ITEMS = 20


def _is_item_of_with(lines: list[str], line: int) -> bool:
    """Whether it is one of the lines, after the first, between the parentheses of a `with (`."""
    if not 0 < line <= len(lines) or lines[line - 1].lstrip().startswith(")"):
        return False
    for above in reversed(lines[max(line - 1 - _MAX_ITEMS, 0) : line - 1]):
        if not above.partition("#")[0].rstrip().endswith(_GOES_ON):
            return False
        if _WITH_LINES.match(above):
            return True
    return False


class SourceFiles:
    """The sources of one process, each file read once."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._files: dict[str, list[str]] = {}

    def takes_lock(self, file: str, line: int) -> bool:
        """Whether that line takes a lock; False where there is no such line, or none that can be read."""
        if file not in self._files:
            if len(self._files) >= _MAX_FILES:
                return False
            self._files[file] = self._read(file)
        lines = self._files[file]
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        if file.endswith("/threading.py") and _ENDS_OF_THREADS.search(text):
            return True
        takes = _TAKES.search(text) is not None or _is_item_of_with(lines, line)
        return takes and _WAITS.search(text) is None

    def _read(self, file: str) -> list[str]:
        if file == "<string>":
            argv = (procfs.read(f"/proc/{self._pid}/cmdline") or b"").split(b"\0")
            text = argv[argv.index(b"-c") + 1] if b"-c" in argv[:-1] else b""
        else:
            text = self._of_process(file)
        return text.decode("utf-8", "replace").splitlines()

    def _of_process(self, file: str) -> bytes:
        """A file where the process has it: a relative name is meant from its working directory."""
        root = f"/proc/{self._pid}/" + ("root" if file.startswith("/") else "cwd/")
        try:
            # The name is the program's own: what it names may be a pipe, which must hold up nobody.
            descriptor = os.open(root + file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            return b""  # it is gone, may not be read, or is no name of a file
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_SIZE:
                return b""
            return os.read(descriptor, _MAX_SIZE)
        finally:
            os.close(descriptor)
