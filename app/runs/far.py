"""The observer on another machine, or in a container: sent there through a command that gives a shell there.

    python -m app.runs.far WORDS FOLDER VIA...

stands for `python -m app.probe WORDS...` on the far side of VIA, such as `ssh host` or `docker exec -i web`,
which is started in FOLDER with `sh` behind it. To that shell one line is written, which starts Python; to
Python, once it says that it is there, what the observer consists of as a zip, and then all that comes here.
What Python says from then on goes out here; what was said before it, as by a shell's profile, does not.
Nothing is kept there: the zip lies in memory. What answers and ends goes this way; an observation, which goes
on when the line is cut, by line.py.

The observer that is sent is this one, so that both sides are of one version; of the far side's Python it is
asked that it is CPython 3.9 or later.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shlex
import subprocess
import sys
import threading
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from app.model import redaction
from app.model.errors import BadRequest
from app.model.spec import OBSERVER_NAME
from app.runs.observer import HOME

REMEDY = (
    "Try the command by hand with `sh` behind it: it has to give a shell that reads its standard input, and "
    "to ask for no password; python3 there has to be CPython 3.9 or later."
)
_OLDEST = (3, 9)
_PACKED = ("__init__.py", "model", "probe")
_READ = 1 << 20
_READY = b"GILScope's observer may come\n"
END_S = 2.0  # for what gave no Python to end once its input has
_BEFORE = 1 << 16  # bytes that a far side may say before

# What Python does first on the far side: the zip, whose size stands before it, becomes a file without a name.
_BEGIN = """
import os, sys
if sys.version_info < {oldest} or sys.implementation.name != "cpython":
    sys.exit("GILScope needs CPython {spoken} or later there, and this is " + sys.version)
def take(size):
    got = b""
    while len(got) < size:
        more = os.read(0, size - len(got))
        if not more:
            sys.exit("what GILScope sent was cut short")
        got += more
    return got
os.write(1, {ready})
if hasattr(os, "memfd_create"):
    file = os.memfd_create("gilscope")
else:  # built for an older C library
    file = os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o600)
rest = memoryview(take(int(take(12))))
while rest:
    rest = rest[os.write(file, rest):]
sys.path.insert(0, "/proc/self/fd/%d" % file)
from app.probe.__main__ import main
main({words})
"""


def shown(via: str) -> str:
    """It as it may be told: what looks secret is blanked."""
    return shlex.join(redaction.command(shlex.split(via)))


def command(via: str, words: Sequence[str]) -> list[str]:
    """What stands for the observer's own command, in a shell that `via` gives; BadRequest."""
    return [sys.executable, "-m", "app.runs.far", json.dumps([*words]), os.getcwd(), *split(via)]


def split(via: str) -> list[str]:
    """The words of a command that gives a shell; BadRequest."""
    try:
        words = shlex.split(via)
    except ValueError as error:
        raise BadRequest(f"--via {via!r} has no words: {error}", "Close its quotes.", field="via") from None
    if not words:
        raise BadRequest("--via names no command", "Give one such as 'ssh host'.", field="via")
    return words


def packed() -> bytes:
    """What the observer consists of, as a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as into:
        for name in _PACKED:
            path = HOME / "app" / name
            for source in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                into.write(source, source.relative_to(HOME))
    return file.getvalue()


def sent() -> bytes:
    """What the program of `begin` takes: the zip, its size before it."""
    pack = packed()
    return b"%12d" % len(pack) + pack


def begin(words: Sequence[str] = ()) -> str:
    """The program that Python there runs: it says a line, takes the zip with its size before, and begins."""
    spoken = ".".join(map(str, _OLDEST))
    return _BEGIN.format(oldest=_OLDEST, spoken=spoken, ready=_READY, words=[*words])


def first_line(words: Sequence[str]) -> bytes:
    """What the shell is told: to become the first Python that there is."""
    code = base64.b64encode(begin(words).encode()).decode()
    # Isolated: nothing of the folder where it starts is imported, whoever may write there.
    python = f"-I -c 'import base64; exec(base64.b64decode(\"{code}\"))' {OBSERVER_NAME}"
    return (
        f"for p in python3 python; do command -v $p >/dev/null 2>&1 && exec $p {python}; done; "
        "echo 'there is no python3 on PATH' >&2; exit 127\n"
    ).encode()


def main(words: Sequence[str], folder: str, via: Sequence[str]) -> int:
    """Stands for the observer until it has ended; its exit status."""
    try:
        far = subprocess.Popen(
            [*via, "sh"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
    except OSError as error:
        return _failed(not_started(via, error), 127)
    assert far.stdin is not None
    assert far.stdout is not None
    with suppress(BrokenPipeError):
        os.write(far.stdin.fileno(), first_line(words))
    said = before(far.stdout.fileno())
    if said is None:
        threading.Thread(target=_send, args=(far.stdin,), daemon=True).start()
        while _copied(far.stdout.fileno()):
            pass
    else:
        far.stdin.close()
    far.stdout.close()  # an observer that nobody hears any more ends as it says something
    status = ended(far, None if said is None else END_S)
    name = shown(shlex.join(via))
    if said is not None:
        return _failed(no_python(name, status, said), 1)
    return _failed(f"`{name}` ended with status {status}", status) if status else 0


def not_started(via: Sequence[str], error: OSError) -> str:
    """Why there is not even the command."""
    return f"{via[0]} could not be started: {error.strerror}"


def no_python(name: str, status: int, said: str) -> str:
    """Why there is no Python behind it; `name` is the command as it may be told, `said` what came instead."""
    more = f". It said: {said}" if said else ""
    return f"`{name}` gave no shell that starts Python, and ended with status {status}{more}"


def _failed(said: str, status: int) -> int:
    sys.stderr.write(f"{said}\n")
    return status


def ended(far: subprocess.Popen[bytes], within_s: float | None) -> int:
    """Its status; what has not ended by then is told to."""
    try:
        return far.wait(within_s)
    except subprocess.TimeoutExpired:
        far.terminate()
        return far.wait()


def before(fd: int) -> str | None:
    """Reads up to the line by which Python says that it is there; where none comes, what was said instead."""
    got = b""
    while len(got) < _BEFORE and (more := os.read(fd, 1)):
        got += more
        if got.endswith(_READY):
            return None
    return got[-500:].decode(errors="replace").strip()


def _send(far: IO[bytes]) -> None:
    """Writes the zip, and then what comes, until either side has ended."""
    rest = memoryview(sent())
    with suppress(BrokenPipeError):
        while rest:
            rest = rest[os.write(far.fileno(), rest) :]
            rest = rest or memoryview(os.read(0, _READ))
    far.close()


def _copied(far: int) -> bool:
    """Passes some of what the far side says on; False once it says no more, or nobody listens."""
    rest = memoryview(os.read(far, _READ))
    more = bool(rest)
    with suppress(BrokenPipeError):
        while rest:
            rest = rest[os.write(1, rest) :]
    return more and not rest


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:]))
