"""How long the history takes with thousands of runs: a real archive, a real server, real requests."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.runs.observer import HOME
from bench.serving import lab

# What a person asks of it: the newest, and searches that have to look at every row.
QUESTIONS = {
    "the first page": "runs?limit=50",
    "the last page": "runs?limit=50&cursor=51",
    "a name that few have": "runs?limit=50&text=rare",
    "a name that none has": "runs?limit=50&text=nothing-is-called-so",
    "one finding": "runs?limit=50&finding=gil-saturated",
    "a tag": "runs?limit=50&tag=nightly",
}

_COLUMNS = (
    "kind, state, started_at, duration_s, run, findings, pinned, removed_at, bytes, members, header, summary"
)
_COPIES = f"""WITH RECURSIVE copies(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM copies WHERE n < ?)
INSERT INTO runs (id, name, tags, open, {_COLUMNS})
SELECT printf('%010x', n), iif(n % 100, 'run ' || n, 'rare'), iif(n % 7, '[]', '["nightly"]'), 0,
  {_COLUMNS}
FROM copies, (SELECT * FROM runs LIMIT 1)"""


def answers_s(runs: int, repeats: int, dice: random.Random) -> dict[str, list[float]]:
    """For each question, how long its answers took, in random order; the first answer of all is left out."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), runs)
        found: dict[str, list[float]] = {name: [] for name in QUESTIONS}
        with lab(GILSCOPE_DATA_DIR=folder) as server:
            counts = {name: server.ask(path)["archive"]["runs"] for name, path in QUESTIONS.items()}
            assert counts["the first page"] == counts["one finding"] == runs
            assert counts["a name that few have"] == runs // 100
            assert counts["a tag"] == runs // 7
            for _ in range(repeats):
                for name in dice.sample([*QUESTIONS], len(QUESTIONS)):
                    began = time.perf_counter()
                    server.ask(QUESTIONS[name])
                    found[name].append(time.perf_counter() - began)
    return found


def fill(home: Path, runs: int) -> None:
    """An archive of so many: one real run, and copies of its row."""
    subprocess.run(
        [sys.executable, "-m", "app", "run", "cpu-bound", "--workers", "4", "--seconds", "0.5"],
        env=os.environ | {"GILSCOPE_DATA_DIR": str(home)},
        cwd=HOME,
        check=True,
        capture_output=True,
    )
    index = sqlite3.connect(home / "index.db")
    with index:
        index.execute(_COPIES, (runs,))
    index.close()
