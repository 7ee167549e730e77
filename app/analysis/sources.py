"""Whose code a function is: the user's, a package's, or Python's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

USER, PACKAGE, LIBRARY = range(3)

_LIBRARY = re.compile(r"/lib(64)?/python3(\.\d+)?t?/|/python3\d+\.zip/|^<frozen ")
_PACKAGES = ("/site-packages/", "/dist-packages/")
_PARTS = ("<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>")  # of the function that they stand in
_IMPORT = "<frozen importlib._bootstrap"  # and _bootstrap_external
# What calls a loop's callbacks: neither it nor who called the loop is to blame for what they do. What of a
# loop a callback itself calls, such as run_in_executor, is as any other function of the library.
_LOOPS = (
    *("/asyncio/events.py", "/asyncio/base_events.py", "/asyncio/runners.py"),
    *("/uvloop/__init__.py", "/gevent/hub.py", "/trio/_core/_run.py"),
)
_CALLED = re.compile(
    r"\bBaseEventLoop\.(run_in_executor|call_\w+|create_\w+|getaddrinfo|getnameinfo|start_tls|sendfile"
    r"|subprocess_\w+|sock_\w+)(\.|$)"
)


def owner(file: str) -> int:
    """USER, PACKAGE (installed beside Python) or LIBRARY (Python's own)."""
    if any(part in file for part in _PACKAGES):
        return PACKAGE
    return LIBRARY if _LIBRARY.search(file) else USER


def to_blame(stack: Sequence[tuple[str, str]]) -> int | None:
    """The place of the frame to blame for what its thread does, in a stack of (function, file), leaf first.

    The innermost of the user's own, else of a package's, else the leaf; below an event loop none is. None
    where the leaf is the loop itself: what it called, if anything, has no frame.
    """
    package = None
    for place, (name, file) in enumerate(stack):
        if file.endswith(_LOOPS) and not _CALLED.search(name):
            if not place:
                return None
            break
        whose = owner(file)
        if whose == LIBRARY or name.endswith(_PARTS):
            continue
        if whose == USER:
            return place
        if package is None:
            package = place
    if package is None and stack and stack[0][1].endswith(_LOOPS):
        return None  # no callback of the program's: the loop called its own
    return package or 0


def part_of_another(function: str) -> bool:
    """Whether it is a comprehension or a generator expression, which is a part of the function around it."""
    return function.endswith(_PARTS)


def imports(files: Iterable[str]) -> bool:
    """Whether a stack is inside an import."""
    return any(file.startswith(_IMPORT) for file in files)
