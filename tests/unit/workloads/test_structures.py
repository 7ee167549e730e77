"""What the concurrent data structures come to, on every executor that they run on."""

from __future__ import annotations

import pytest
from support.by_hand import run
from support.interpreters import PROMISED, name

# A counter has a ninth of it and a queue a quarter, in which every worker has to come to a core.
SECONDS = ("--seconds", "1.8")
BRIEF = ("--seconds", "0.8")
on_each = pytest.mark.parametrize("python", [found.path for found in PROMISED], ids=[*map(name, PROMISED)])


@on_each
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_counter_is_right_or_fast_or_a_bit_behind(python: str, executor: str) -> None:
    result = run("counters", *SECONDS, "--executor", executor, "--workers", "3", python=python)
    rows = {(row["kind"], row["at_once"]): row for row in result["scaling"]}
    assert {at_once for _, at_once in rows} == {1, 2, 3}
    assert all(row["expected"] > 0 for row in rows.values())
    assert rows["lockless", 1]["error"] == 0
    assert rows["lockless", 2]["error"] + rows["lockless", 3]["error"] > 0
    for at_once in (1, 2, 3):
        assert rows["locked", at_once]["error"] == 0
        assert 0 <= rows["approximate", at_once]["error"] < 1_000 * at_once
    assert rows["approximate", 3]["ops_per_s"] > rows["locked", 3]["ops_per_s"]
    assert result["ops"] == sum(row["expected"] for row in rows.values())


def test_one_after_the_other_nothing_is_lost() -> None:
    result = run("counters", *SECONDS, "--executor", "sequential", "--workers", "2")
    by_kind = {row["kind"]: row for row in result["scaling"]}
    assert by_kind["lockless"]["error"] == by_kind["locked"]["error"] == 0


@on_each
def test_a_plain_map_breaks_under_the_reader(python: str) -> None:
    result = run("shared-map", *BRIEF, python=python)
    assert result["failed_walks"] > 0
    assert result["failed_walks"] + result["walks"] == result["ops"]
    assert result["updates"] > 0
    assert result["nodes"] == 1_000


@on_each
@pytest.mark.parametrize("kind", ["locked", "read-copy-update"])
def test_a_lock_or_a_copy_keeps_it_whole(python: str, kind: str) -> None:
    result = run("shared-map", *BRIEF, python=python, kind=kind)
    assert result["failed_walks"] == 0
    assert result["walks"] > 0
    assert result["updates"] > 0


@on_each
@pytest.mark.parametrize(
    ("executor", "kinds"),
    [
        ("threads", {"queue.Queue", "queue.SimpleQueue", "deque", "multiprocessing.Queue"}),
        ("processes", {"multiprocessing.Queue"}),
    ],
)
def test_items_go_through_every_queue_that_the_workers_can_share(
    python: str, executor: str, kinds: set[str]
) -> None:
    result = run("queues", *SECONDS, "--executor", executor, python=python)
    rows = {row[0]: row for row in result["table"]["rows"]}
    assert set(rows) == kinds
    assert all(items > 0 and rate > 0 for _, items, rate, _ in rows.values())
    assert sum(row[1] for row in rows.values()) == result["ops"]
    # Its thread writes to a pipe, and somebody has to be woken at the other end.
    assert rows["multiprocessing.Queue"][3] > 0
