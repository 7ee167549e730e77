"""Kill the server in the middle of many runs, and see how much of each was recorded.

    python tools/killed_server.py [--runs 20] [--workers 8] [--seconds 20]

So many runs of `cpu-bound` at 1 kHz are started at once. After so many seconds the server is killed with
SIGKILL. Of each recording the newest instant that its messages tell of is compared with that of the kill, on
the clock that both share; before that, how far the server's figures were behind. A second server opens each.
Ends with status 1 where a recording ends more than a second before the kill.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from lab import lab

from app.analysis.ledger import instant_of
from app.model import frames
from app.runs.recording import read

MOST_LOST_S = 1.0


def told_until_s(path: Path) -> float:
    """The newest instant that a recording tells of, in seconds of the monotonic clock."""
    messages = [frames.decode(line) for line in read(path)]
    hello = messages[0] if messages else None
    if not isinstance(hello, frames.Hello):
        raise SystemExit(f"{path.name} tells of nothing yet: give the runs more seconds to begin")
    return hello.origin_ns / 1e9 + max(map(instant_of, messages)) / 1e6


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args()
    asked = {"workload": "cpu-bound", "workers": chosen.workers, "seconds": 120}
    with tempfile.TemporaryDirectory() as home:
        variables = {"GILSCOPE_DATA_DIR": home, "GILSCOPE_MAX_RUNS": str(chosen.runs)}
        with lab(**variables) as server:
            below = psutil.Process(server.pid)
            for _ in range(chosen.runs):
                server.ask("runs", asked)
            time.sleep(chosen.seconds)
            behind = sorted(
                time.time() - run["started_at"] - run["duration_s"]
                for run in server.ask(f"runs?limit={chosen.runs}")["runs"]
            )
            cpu = below.cpu_times()
            observers = below.children()
            os.kill(server.pid, signal.SIGKILL)
            killed_s = time.monotonic()
        psutil.wait_procs(observers, 30)
        recordings = Path(home).glob("recordings/*.jsonl.gz")
        lost = sorted(killed_s - told_until_s(path) for path in recordings)
        print(f"{len(lost)} recordings, load {os.getloadavg()[0]:.1f}")
        print(f"the server had {cpu.user + cpu.system:.1f} s of CPU")
        print(f"figures were behind by {statistics.median(behind):.1f} s, {behind[-1]:.1f} at the most")
        print(f"recordings end {statistics.median(lost):.2f} s before the kill, {lost[-1]:.2f} at the most")
        with lab(**variables) as server:
            runs = server.ask(f"runs?limit={chosen.runs}")["runs"]
            ends = [server.ask(f"runs/{run['id']}/summary")["run"] for run in runs]
        cut = sum(run["state"] == "failed" and run["error"]["code"] == "interrupted" for run in ends)
        print(f"after a restart {cut} of {chosen.runs} open, as cut off")
    return 0 if len(lost) == cut == chosen.runs and lost[-1] <= MOST_LOST_S else 1


if __name__ == "__main__":
    sys.exit(main())
