"""The tables of memory in a report."""

from __future__ import annotations

from typing import Any

import pytest

from app.cli import report_memory

DICT: Any = {
    "pid": 100,
    "interpreter": 0,
    "type": "dict",
    "count": 20,
    "count_high": 20,
    "bytes": 4096,
    "high": 4096,
    "count_per_s": None,
    "bytes_per_s": None,
}


@pytest.mark.parametrize(
    ("instants", "told"),
    [
        ([], "(estimated)"),
        ([2.13], "(estimated, at 2.13 s)"),
        ([4.5, 2.13], "(estimated, at 2.13 s to 4.5 s)"),
    ],
)
def test_live_objects_are_told_with_the_instants_at_which_they_were_counted(
    instants: list[float], told: str
) -> None:
    censuses: Any = [{"at_s": at_s} for at_s in instants]
    assert report_memory.types([DICT], censuses).startswith(f"live objects {told} ")
