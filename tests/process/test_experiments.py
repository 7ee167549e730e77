"""Real experiments: kept whatever happens to the process that carries them out."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from app.runs.archive import Archive

EXPERIMENT = (
    *(sys.executable, "-m", "app", "compare", "cpu-bound"),
    *("--executors", "threads", "--workers", "1", "--seconds", "0.2", "--repeats", "8"),
)


def in_archive(home: Path, ask: str, *args: Any) -> Any:
    """What the archive there says of experiments."""

    async def told() -> Any:
        archive = Archive(home, 1 << 30)
        try:
            return await getattr(archive.experiments, ask)(*args)
        finally:
            await archive.close()

    return asyncio.run(told())


def test_what_was_measured_is_there_after_kill_9(tmp_path: Path) -> None:
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path)}
    with subprocess.Popen(EXPERIMENT, env=environment, stderr=subprocess.DEVNULL) as compare:
        try:
            until = time.monotonic() + 200
            while not any(b'"counted"' in path.read_bytes() for path in tmp_path.glob("experiments/*.jsonl")):
                assert time.monotonic() < until
                assert compare.poll() is None
                time.sleep(0.02)
            compare.send_signal(signal.SIGSTOP)  # it goes no further while it is looked at
            [row] = in_archive(tmp_path, "page", 10)
            assert row.experiment["state"] == "running"
            assert in_archive(tmp_path, "get", row.id)["state"] == "running"
        finally:
            compare.kill()
    [journal] = tmp_path.glob("experiments/*.jsonl")
    with journal.open("ab") as file:
        file.write(b'{"type":"repetition","at_s":')  # as it is where the disk took half a line
    measured = [json.loads(line) for line in journal.read_bytes().splitlines()[:-1]]
    counted = sum(line.get("outcome") == "counted" for line in measured)
    found = in_archive(tmp_path, "get", row.id)
    assert (found["state"], found["error"]["code"]) == ("failed", "interrupted")
    assert found["configurations"][0]["repetitions"] == counted > 0
    assert found["configurations"][0]["measures"]["ops_per_s"]["median"] > 0
    [row] = in_archive(tmp_path, "page", 10)
    assert row.experiment["state"] == "failed"
    assert in_archive(tmp_path, "get", row.id) == found


def compare(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path / "data")}
    command = (sys.executable, "-m", "app", "compare", *words)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


PROGRAM = """import os, threading, time
def work():
    time.sleep(0.2 * (2 if os.environ["GILSCOPE_EXECUTOR"] == "processes" else 1))
threads = [threading.Thread(target=work) for _ in range(int(os.environ["GILSCOPE_WORKERS"]))]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_a_script_is_measured_by_the_time_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(PROGRAM)
    done = compare(
        tmp_path,
        *("--script", str(tmp_path / "job.py"), "--executors", "threads,processes", "--workers", "2"),
        *("--repeats", "4", "--json", "--fail-on", "processes: wall_s > 1.2x", "--fail-on", "wall_s > 60s"),
    )
    found = json.loads(done.stdout)
    assert (found["kind"], found["goal"], found["name"]) == ("script", "wall_s", "job.py")
    threads, processes = found["configurations"]
    assert threads["measures"]["wall_s"]["median"] >= 0.2
    assert processes["measures"]["wall_s"]["median"] >= 0.4
    assert processes["measures"]["uss_peak"]["median"] > 1 << 20
    assert processes["measures"]["ops_per_s"] is None
    held = processes["differences"]["wall_s"]["says"] == "higher"
    assert done.returncode == (5 if held and "processes: wall_s > 1.2x" in done.stderr else 0), done.stderr
    assert in_archive(tmp_path / "data", "get", found["id"])["configurations"] == found["configurations"]


def test_a_command_is_told_its_workers_and_one_that_fails_is_given_up(tmp_path: Path) -> None:
    program = "import sys, time; time.sleep(0.1); sys.exit(int(sys.argv[1]) - 1)"
    done = compare(
        tmp_path,
        *("--command", "--workers", "1,2", "--repeats", "1", "--json", "--fail-on", "wall_s > 100s"),
        *("--", sys.executable, "-c", program, "{workers}"),
    )
    one, two = json.loads(done.stdout)["configurations"]
    assert (one["workers"], one["error"], one["repetitions"]) == (1, None, 1)
    assert (two["workers"], two["repetitions"]) == (2, 0)
    assert "status 1" in two["error"]
    assert done.returncode == 5
    assert "2 workers: it was given up" in done.stderr
    assert compare(tmp_path, "primes", "--fail-on", "speed < 1").returncode == 2
