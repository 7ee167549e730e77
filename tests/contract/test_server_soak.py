"""What `tools/server_soak.py` says of an hour's samples: made ones, since an hour is too long for a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.runs.observer import HOME

MIB = 1 << 20
STEADY = {
    **{f"{who}_{size}": 60 * MIB for who in ("server", "observer") for size in ("rss", "pss", "uss")},
    **{f"{who}_{what}": 20 for who in ("server", "observer") for what in ("fds", "threads")},
    **dict.fromkeys(("viewers", "runs", "asked", "refused", "messages", "lost", "load"), 0),
}


def judged(folder: Path, **rises: float) -> tuple[int, str]:
    """The status, and what is said of an hour in which some figures rise by so much every minute."""
    rows = [
        {"at_s": 10.0 * at} | STEADY | {name: int(STEADY[name] + by * at / 6) for name, by in rises.items()}
        for at in range(361)
    ]
    rows[200]["server_rss"] *= 2  # one look at the wrong moment is no slope
    samples = folder / "samples.csv"
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    samples.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [sys.executable, "tools/server_soak.py", "--read", samples], cwd=HOME, capture_output=True, text=True
    )
    assert not done.stderr
    return done.returncode, done.stdout


def test_an_hour_in_which_nothing_grew_is_flat(tmp_path):
    status, said = judged(tmp_path)
    assert (status, said.count(": flat"), said.count("NOT FLAT")) == (0, 10, 0)


@pytest.mark.parametrize(
    ("name", "a_minute"),
    [("server_uss", 0.1 * MIB), ("observer_rss", 0.1 * MIB), ("server_fds", 0.1), ("server_threads", 0.1)],
)
def test_what_grows_a_little_every_minute_is_named(tmp_path, name, a_minute):
    status, said = judged(tmp_path, **{name: a_minute})
    [line] = [line for line in said.splitlines() if line.endswith("NOT FLAT")]
    assert status == 1
    assert line.startswith(name)


@pytest.mark.parametrize("name", ["lost", "refused"])
def test_a_message_that_was_lost_and_a_request_that_was_refused_fail(tmp_path, name):
    status, said = judged(tmp_path, **{name: 1 / 60})
    assert status == 1
    assert "NOT FLAT" not in said
