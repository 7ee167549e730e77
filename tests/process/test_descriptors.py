"""One descriptor for each thread that is watched: more than a user's default limit allows."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support import observing as support
from support.observing import observing, program

from app.model.frames import Names, Report

TARGET = """
import resource, threading, time
over = threading.Event()
for _ in range(150): threading.Thread(target=over.wait, daemon=True).start()
print(*resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)
time.sleep(1.2)
"""


@pytest.fixture
def few_descriptors(monkeypatch: pytest.MonkeyPatch) -> int:
    """The observer starts with that soft limit."""
    soft = 100
    real = subprocess.Popen

    def popen(argv: list[str], **options: object) -> subprocess.Popen[bytes]:
        return real(["/bin/sh", "-c", f'ulimit -S -n {soft}; exec "$@"', "sh", *argv], **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(support.subprocess, "Popen", popen)
    return soft


def test_more_threads_than_a_user_may_have_files_are_watched_and_the_target_keeps_its_limit(
    few_descriptors: int,
) -> None:
    with observing(program(sys.executable, TARGET)) as observation:
        end = observation.finish()
    assert (end.state, end.error) == ("finished", None)
    lanes = {row[0] for names in observation.of(Names) for row in names.threads}
    assert len(lanes) == 151
    said = "".join(report.data["output"] for report in observation.of(Report))
    assert said.split()[0] == str(few_descriptors)
