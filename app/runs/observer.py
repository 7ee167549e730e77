"""The observer's process, as its server sees it: a spec goes in, message lines come out.

The end of the observer's standard input tells it that the server is gone, so nothing else may hold the
writing end of that pipe: asyncio's pipes are close-on-exec.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from app.model.commands import Act, Command, LookAtHeap, Signal, Stop, encode
from app.model.spec import ObserverSpec

COMMAND: tuple[str, ...] = (sys.executable, "-m", "app.probe")
HOME = Path(__file__).resolve().parents[2]  # the folder that holds `app`
LINE_LIMIT_BYTES = 16 * 1024 * 1024
STDERR_TAIL_BYTES = 8 * 1024
_READ_BYTES = 1 << 20  # at once, of what has come
_NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"


def own_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a process that runs this program's own code on some Python.

    The server's settings are its own, its token above all; PYTHON* variables are meant for another Python,
    all but the wish to have no byte code written: without any, an observer takes twice as long to start.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(("GILSCOPE_", "PYTHON"))}
    kept |= {name: value for name, value in environ.items() if name == _NO_BYTE_CODE}
    return {**kept, "PYTHONPATH": str(HOME)}


def target_environment() -> dict[str, str]:
    """The same of a workload, which may run on any Python and shall do nothing but its work."""
    return {**own_environment(), _NO_BYTE_CODE: "1"}


class ObserverProcess:
    """A started observer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stderr_tail = b""
        self._stderr_read = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(cls, command: Sequence[str], spec: ObserverSpec) -> ObserverProcess:
        """Start an observer and tell it what to observe; OSError where it cannot be started."""
        stdio = spec.start.stdio if spec.start is not None else None
        further = spec.start.fds if spec.start is not None else ()
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_READ_BYTES,
            cwd=HOME,
            env=own_environment(),
            # Ctrl-C at the server's terminal is for the server, which then stops its runs in order; but a
            # command with the caller's own streams has to be in the terminal's foreground, and so its parent.
            start_new_session=stdio is None,
            pass_fds=(*(stdio or ()), *further),
        )
        observer = cls(process)
        observer._write(spec.to_line())
        return observer

    @property
    def pid(self) -> int:
        return self._process.pid

    async def lines(self) -> AsyncIterator[list[str]]:
        """Its messages, as many as have come, until it closes its output.

        ValueError for a line above LINE_LIMIT_BYTES. One that was cut short, as it was killed, is left out.
        """
        assert self._process.stdout is not None
        begun: list[bytes] = []  # of a line whose end has not come
        while chunk := await self._process.stdout.read(_READ_BYTES):
            if b"\n" not in chunk:
                begun.append(chunk)
                if sum(map(len, begun)) > LINE_LIMIT_BYTES:
                    raise ValueError(f"a line of more than {LINE_LIMIT_BYTES} bytes")
                continue
            *whole, rest = b"".join((*begun, chunk)).split(b"\n")
            begun = [rest]
            yield [line.decode() for line in whole]

    def stop(self, state: str) -> None:
        """Ask it to end its target, and then itself; without effect on one that has ended."""
        self._tell(Stop(state))

    def signal(self, number: int, from_terminal: bool) -> None:
        """Ask it to send a signal to the program that it started."""
        self._tell(Signal(number, from_terminal))

    def look_at_heap(self, look: bool) -> None:
        """Tell it whether somebody looks at the heap's map."""
        self._tell(LookAtHeap(look))

    def act(self, name: str) -> None:
        """Ask it to pass an action on to its workload."""
        self._tell(Act(name))

    def kill(self) -> None:
        """End it at once. Its target is then nobody's: see reaper.py."""
        # Not Process.kill, which polls, and so may take the exit status from under asyncio's own waiter.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def ended(self, within_s: float) -> int:
        """Its exit code; it is killed if it has not ended within the time given."""
        try:
            code = await asyncio.wait_for(self._process.wait(), within_s)
        except TimeoutError:
            self.kill()
            code = await self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        # A descendant of the target may have inherited stderr and outlive the observer.
        await asyncio.wait([self._stderr_read], timeout=within_s)
        self._stderr_read.cancel()
        return code

    @property
    def stderr_tail(self) -> str:
        """The end of what it wrote to standard error."""
        return self._stderr_tail.decode(errors="replace").strip()

    def _tell(self, command: Command) -> None:
        self._write(encode(command))

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        # Not drained: it is a few lines in all, and an observer that does not read must hold up nobody.
        self._process.stdin.write(line.encode() + b"\n")

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(STDERR_TAIL_BYTES):
            self._stderr_tail = (self._stderr_tail + chunk)[-STDERR_TAIL_BYTES:]
