"""How the consumers of a parent end, and what of their jobs is lost."""

from __future__ import annotations

import pytest
from support.by_hand import run, until
from support.interpreters import PROMISED, name

COLUMNS = ["way", "parents", "done", "cut_off", "never_begun", "alive", "killed", "life_ms"]


def rows(result: dict) -> list[dict]:
    table = result["table"]
    assert table["columns"] == COLUMNS
    return [dict(zip(COLUMNS, row, strict=True)) for row in table["rows"]]


@pytest.mark.parametrize("python", [found.path for found in PROMISED], ids=[*map(name, PROMISED)])
def test_consumers_end_as_their_parent_ends_them(python: str) -> None:
    def played(result: dict) -> bool:
        return len(rows(result)) == 4

    brief = {"jobs": 40, "job_ms": 20, "join_ms": 600}
    result = until(played, lambda s: run("process-lifecycle", "--seconds", str(s), python=python, **brief), 4)
    a_pill_each, too_few, no_daemons, no_join = rows(result)
    for way in (a_pill_each, too_few, no_daemons):
        assert way["done"] == 40 * way["parents"]
        assert (way["cut_off"], way["never_begun"]) == (0, 0)
    assert a_pill_each["killed"] == 0
    # On a busy machine the others may still be at work as well when a join returns.
    assert too_few["alive"] >= too_few["parents"]
    assert too_few["killed"] == 0
    assert no_daemons["alive"] >= no_daemons["parents"] == no_daemons["killed"]
    assert no_join["killed"] == 0
    assert no_join["done"] + no_join["cut_off"] + no_join["never_begun"] == 40 * no_join["parents"]
    assert result["jobs_lost"] == no_join["cut_off"] + no_join["never_begun"] > 0
    ended = list(result["ends"].values())
    assert sum("by a pill" in how for how in ended) == 3
    assert sum("as its parent ended" in how for how in ended) == 1
    assert len(result["pictures"]) == 1


def test_a_join_with_time_enough_finds_all_ended() -> None:
    result = run("process-lifecycle", "--seconds", "2", jobs=4, job_ms=1, join_ms=1000)
    a_pill_each, *_ = rows(result)
    assert a_pill_each["alive"] == 0
    assert a_pill_each["parents"] >= 1
