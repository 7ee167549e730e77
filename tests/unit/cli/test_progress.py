from __future__ import annotations

from typing import Any

from app.cli import progress

RUN = {"name": "convoy", "executor": "threads", "workers": 4, "python": "3.13.0"}


def _gil(index: int, pid: int) -> dict[str, Any]:
    return {
        "gil": index,
        "pid": pid,
        "held_share": 0.99,
        "contended_share": 0.97,
        "switches_per_s": 412.0,
        "waiters": 2.9,
    }


def test_the_line_of_a_run_with_one_gil() -> None:
    figures = {"at_us": 3_700_000, "begin_us": 500_000, "main_gil": 0, "gils": [_gil(0, 100)]}
    assert progress.line(progress.title(RUN), figures) == (
        "convoy · threads 4 · CPython 3.13.0 · 3.2 s · "
        "held 99 % · contended 97 % · switches 412/s · waiters 2.90"
    )


def test_an_attached_run_is_called_by_its_program_and_its_pid() -> None:
    run = {"name": "app.py", "executor": None, "workers": None, "python": None, "attach": {"pid": 4711}}
    assert progress.title(run) == "app.py · pid 4711"


def test_several_gils_the_line_says_whose_it_shows() -> None:
    figures = {"at_us": 1_000_000, "begin_us": 0, "main_gil": 1, "gils": [_gil(0, 100), _gil(1, 101)]}
    assert "GIL of pid 101, the busiest of 2 · held 99 %" in progress.line("t", figures)


def test_before_anything_was_seen_the_line_gives_no_figures() -> None:
    assert progress.line("t", {"at_us": 0, "begin_us": 0, "main_gil": None, "gils": []}) == "t · 0.0 s"


def test_while_the_line_is_cut_the_line_says_so_in_place_of_figures() -> None:
    line = {"state": "cut", "cut_s": 2.5}
    figures = {"at_us": 1_000_000, "begin_us": 0, "main_gil": 0, "gils": [_gil(0, 100)], "line": line}
    assert progress.line("t", figures) == "t · 1.0 s · line cut for 2.5 s so far, trying again"
    figures["line"] = {"state": "there", "cut_s": 2.5}
    assert "held 99 %" in progress.line("t", figures)
