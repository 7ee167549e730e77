"""Whose code a function is: the user's, a package's, or Python's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

USER, PACKAGE, LIBRARY = range(3)

_LIBRARY = re.compile(r"/lib(64)?/python3(\.\d+)?t?/|/python3\d+\.zip/|^<frozen ")
_PACKAGES = ("/site-packages/", "/dist-packages/")
_IMPORT = "<frozen importlib._bootstrap>"
# What calls a loop's callbacks: who called the loop is not to blame for what they do.
_LOOPS = ("/asyncio/base_events.py", "/asyncio/runners.py", "/uvloop/__init__.py", "/gevent/hub.py")


def owner(file: str) -> int:
    """USER, PACKAGE (installed beside Python) or LIBRARY (Python's own)."""
    if any(part in file for part in _PACKAGES):
        return PACKAGE
    return LIBRARY if _LIBRARY.search(file) else USER


def to_blame(files: Sequence[str]) -> int:
    """The place, in the files of a stack from the leaf on, of the frame to blame for what its thread does.

    The innermost of the user's own, else of a package's, else the leaf; below an event loop none is.
    """
    package = None
    for place, file in enumerate(files):
        if file.endswith(_LOOPS):
            break
        whose = owner(file)
        if whose == USER:
            return place
        if whose == PACKAGE and package is None:
            package = place
    return package or 0


def imports(files: Iterable[str]) -> bool:
    """Whether a stack is inside an import."""
    return any(file == _IMPORT for file in files)
