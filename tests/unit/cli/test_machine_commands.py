from __future__ import annotations

import pytest

from app.cli import doctor, ps
from app.cli.record import exit_status

ROW = {
    "pid": 7,
    "user": "me",
    "python": "3.12",
    "cpu_share": 0.42,
    "rss": 1 << 20,
    "below": 0,
    "attachable": True,
    "why": None,
    "command": ["python3", "-c", "a\n  b", "x" * 100],
}
PROCESS = {
    "pid": 7,
    "inner_pid": 1,
    "user": "me",
    "command": ["python3", "x.py"],
    "below": [],
    "readable": True,
    "python": "3.13.5",
    "free_threaded": True,
    "gil_enabled": False,
    "build": "static",
    "found_by": "the section .PyRuntime of /usr/bin/python3",
    "offsets": "published by the interpreter",
    "capabilities": {"gil": "unavailable", "threads": "exact"},
    "why": {"gil": "this process runs without a GIL"},
    "error": None,
}


def test_a_process_is_one_line_however_its_command_looks() -> None:
    heading, line, refused = ps.table(
        [ROW, ROW | {"attachable": False, "why": "It is hidden.", "user": None, "python": ""}]
    ).splitlines()
    assert heading.split() == ["pid", "user", "python", "CPU", "RSS", "attachable", "command"]
    assert line.split()[:6] == ["7", "me", "3.12", "42", "%", "1"]
    assert "yes" in line
    assert "a b" in line
    assert line.endswith("…")
    assert "no: It is hidden " in refused


def test_the_report_gives_each_remedy_below_what_it_mends() -> None:
    checks = [
        {"name": "user", "status": "ok", "detail": "root", "remedy": ""},
        {"name": "yama", "status": "limited", "detail": "scope 1", "remedy": "sudo sysctl x=0"},
        {"name": "java", "status": "missing", "detail": "not found", "remedy": ""},
    ]
    assert doctor.text({"checks": checks, "process": None}).splitlines() == [
        "ok       user  root",
        "limited  yama  scope 1",
        "         mend it: sudo sysctl x=0",
        "MISSING  java  not found",
    ]


def test_the_report_of_a_process_says_what_can_be_measured() -> None:
    text = doctor.text({"checks": [], "process": PROCESS})
    assert "process 7, pid 1 in its container: python3 x.py" in text
    assert "CPython 3.13.5 free-threaded, static, without the GIL, of me" in text
    assert "unavailable  gil      this process runs without a GIL" in text
    assert "exact        threads" in text


@pytest.mark.parametrize(("code", "status"), [(0, 0), (7, 7), (-9, 137), (-15, 143)])
def test_the_exit_status_of_a_command_is_as_a_shell_says_it(code: int, status: int) -> None:
    assert exit_status(code) == status
