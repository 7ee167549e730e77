"""Processes to look at from outside."""

from __future__ import annotations

import os
import subprocess
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def standing_by(
    python: str, code: str, prefix: Sequence[str] = (), args: Sequence[str] = (), **options: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that has said READY. It is killed with the block; its standard input is a pipe."""
    ready = textwrap.dedent(code).replace("READY", "print('ready', flush=True)")
    words = [*prefix, python, "-c", ready, *args]
    with subprocess.Popen(words, stdin=-1, stdout=-1, **options) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == b"ready\n"
            yield child
        finally:
            child.kill()


@contextmanager
def waiting() -> Iterator[subprocess.Popen[bytes]]:
    """A small program that is no CPython, and waits in a read of its standard input."""
    with subprocess.Popen(["cat"], stdin=-1, stdout=-1) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(b"there\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"there\n"
        yield child
        child.stdin.close()


def unprivileged() -> dict[str, object]:
    """Popen's arguments for a process that has no rights: of nobody, where this user is root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
