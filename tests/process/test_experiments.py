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
    *("--executors", "threads", "--workers", "1", "--seconds", "0.2", "--repeats", "20"),
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
        until = time.monotonic() + 60
        while not any(b'"counted"' in path.read_bytes() for path in tmp_path.glob("experiments/*.jsonl")):
            assert time.monotonic() < until
            assert compare.poll() is None
            time.sleep(0.05)
        [row] = in_archive(tmp_path, "page", 10)
        assert row.experiment["state"] == "running"
        assert in_archive(tmp_path, "get", row.id)["state"] == "running"
        compare.send_signal(signal.SIGKILL)
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
