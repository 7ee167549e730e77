"""Programs compiled on first use, and kept for the next.

A build is kept under a name made of its source, its command and the identity of the compiler's file, so
that a new compiler builds anew. It is made in a folder of its own and moved into place as a whole: of two
runs that build at once one comes first, and the other takes what is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

SOURCES = Path(__file__).parent
_POLL_S = 0.1  # how often a compiler at work is asked whether it has to end


class BuildFailed(Exception):
    """There is no program: the compiler could not do it, or there was no place to put it."""


class Stopped(Exception):
    """It was time to end before the compiler had ended."""


def cache_folder() -> Path:
    """Where builds are kept."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache, "gilscope", "languages")


def built(
    source: str, compiler: str, flags: Sequence[str], output: Sequence[str], stopping: Callable[[], bool]
) -> Path:
    """The folder that holds what the compiler makes of a source; it is compiled unless that was done before.

    `output` are the arguments that name the output, with {} for the folder.
    """
    path = SOURCES / source
    try:
        kept = cache_folder() / _key(path, compiler, flags)
        if not kept.is_dir():
            kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _build(kept, [compiler, *flags], output, path, stopping)
    except OSError as error:
        raise BuildFailed(f"{error.strerror}: {error.filename}") from None
    return kept


def _key(source: Path, compiler: str, flags: Sequence[str]) -> str:
    # The file stands for the version: asking a compiler for it takes longer than many a build.
    real = os.path.realpath(compiler)
    status = os.stat(real)
    identity = f"{real} {status.st_size} {status.st_mtime_ns} {' '.join(flags)}\n"
    return f"{source.stem}-{hashlib.sha256(identity.encode() + source.read_bytes()).hexdigest()[:20]}"


def _build(
    kept: Path, command: Sequence[str], output: Sequence[str], source: Path, stopping: Callable[[], bool]
) -> None:
    with tempfile.TemporaryDirectory(prefix="building-", dir=kept.parent) as folder:
        made = Path(folder, "made")
        made.mkdir()
        _compile([*command, *(part.format(made) for part in output), str(source)], Path(folder), stopping)
        try:
            made.rename(kept)
        except OSError:
            if not kept.is_dir():  # else another run was first, and that is as good
                raise


def _compile(command: Sequence[str], folder: Path, stopping: Callable[[], bool]) -> None:
    said = folder / "said"
    with open(said, "wb") as log:
        # In a session of its own, for a compiler that starts others is ended with all of them.
        compiler = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "TMPDIR": str(folder)},
            start_new_session=True,
        )
    try:
        while not stopping():
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = compiler.wait(_POLL_S)
                break
        else:
            raise Stopped
    finally:
        if compiler.returncode is None:
            os.killpg(compiler.pid, signal.SIGKILL)
            compiler.wait()
    if status:
        raise BuildFailed(f"{command[0]} ended with status {status}: {_first_line(said)}")


def _first_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[0] if lines else "it said nothing"
