"""Let many runs come and go in one server, and see that what has ended leaves its memory.

    python tools/ended_runs.py [--runs 200] [--seconds 12] [--workers 32]

One run of `cpu-bound` is recorded for real. In the server that is measured, an observer that repeats those
messages as fast as they are taken stands for the real one: so that two hundred runs take minutes, not an
hour. Each run has a viewer, which reads it to its end. Ends with status 1 where the server grew by more than
5 MiB from the twentieth run on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
from lab import ROOT, lab
from websockets.sync.client import connect

from app.model.spec import ObserverSpec
from app.runs.manager import Manager
from app.runs.recording import read
from app.runs.settings import Settings
from app.web.serve import serve

SETTLED = 20  # runs after which caches and allocators have what they keep
MOST_GROWTH = 5 << 20


def repeat(recording: str) -> None:
    """What the observer would say, to whoever started this process; the run is the one that it asks for."""
    spec = ObserverSpec.from_line(sys.stdin.readline())
    for line in read(recording):
        message = json.loads(line)
        if message["type"] == "hello":
            line = json.dumps({**message, "run": spec.run})
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def serve_repeats(recording: str) -> None:
    """A server whose observers repeat a recording."""
    settings = Settings.load()
    command = [sys.executable, __file__, "--repeat", recording]
    serve(settings, "127.0.0.1", 0, manager=Manager(settings, command))


def sizes(runs: int, workers: int, seconds: float) -> Iterator[int]:
    """The server's resident bytes after each run."""
    with tempfile.TemporaryDirectory() as folder:
        recording = str(Path(folder) / "real.jsonl.gz")
        asked = ["cpu-bound", "--workers", str(workers), "--seconds", str(seconds), "-o", recording]
        subprocess.run(
            [sys.executable, "-m", "app", "run", *asked],
            env=os.environ | {"GILSCOPE_DATA_DIR": folder},
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        with lab([__file__, "--serve", recording], GILSCOPE_DATA_DIR=folder) as server:
            process = psutil.Process(server.pid)
            for _ in range(runs):
                # As of a process that runs already: the pids in the messages are nobody's to end.
                run = server.ask("runs", {"attach": {"pid": server.pid}})
                stream = f"ws://{server.host}/api/v1/runs/{run['id']}/stream"
                with connect(stream, additional_headers=server.bearer, max_size=None, proxy=None) as viewer:
                    last = json.loads([*viewer][-1])
                assert last["summary"]["run"]["state"] == "finished", last["summary"]["run"]
                server.ask(f"runs/{run['id']}/stop", {})  # answered once the run has left memory
                yield process.memory_info().rss


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--repeat", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--serve", metavar="FILE", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.repeat:
        repeat(chosen.repeat)
        return 0
    if chosen.serve:
        serve_repeats(chosen.serve)
        return 0
    found = []
    for number, size in enumerate(sizes(chosen.runs, chosen.workers, chosen.seconds), 1):
        found.append(size)
        if number % SETTLED == 0 or number == chosen.runs:
            print(f"after {number:4} runs  {size / 2**20:.1f} MiB", flush=True)
    growth = found[-1] - found[min(SETTLED, len(found)) - 1]
    print(f"from run {SETTLED} on  {growth / 2**20:+.1f} MiB")
    return 0 if growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
