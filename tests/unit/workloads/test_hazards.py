"""What the hazards come to, each with its numbers and with what mends it; run by hand, on this Python."""

from __future__ import annotations

from typing import Any

import pytest
from support.by_hand import run

from app.workloads.hazards.fairness import jain

# Long enough for a dozen switch intervals on a busy machine, and for a deadlock to be looked for.
SHORT, LONG = ("--seconds", "0.5"), ("--seconds", "1.2")


def test_jains_index_goes_from_an_even_share_to_one_that_has_all() -> None:
    assert jain([3, 3, 3]) == pytest.approx(1)
    assert jain([5, 0, 0, 0]) == pytest.approx(1 / 4)
    assert jain([0, 0]) is None


def test_a_lock_that_one_thread_does_not_take_protects_nobody() -> None:
    counts = run("lost-update", *SHORT, locked_by="all-but-one")["counts"]
    assert counts["lost"] > 0
    assert counts["expected"] == counts["actual"] + counts["lost"]


def test_plus_equals_loses_nothing_with_a_gil_and_a_call_in_between_does() -> None:
    result = run("lost-update", *SHORT)
    by_way = {row[0]: row for row in result["table"]["rows"]}
    assert result["gil_enabled"]
    assert by_way["x = int(n); n = x + 1"][3] > 0
    assert by_way["n += 1"][3] == 0
    assert by_way["n += 1"][1] > 10_000
    assert result["counts"]["expected"] == result["ops"]
    assert f"{by_way['n += 1'][1]:,} updates" in result["showed"][1]


def test_a_time_out_gets_out_of_what_would_be_a_deadlock() -> None:
    result = run("deadlock", *LONG, order="time-out")
    assert result["deadlock"] is None
    assert result["given_up"] > 0
    assert result["transfers"] > 0


def test_a_deadlock_lasts_until_the_end_of_the_run() -> None:
    result = run("deadlock", *LONG)
    deadlock = result["deadlock"]
    assert deadlock["found_after_s"] < 2
    assert sorted(deadlock["cycle"]) == ["account A", "account B", "teller-1", "teller-2"]
    assert result["wait_for"]["cycle"] == deadlock["cycle"]
    assert result["seconds"] > 1
    waits = {(edge[0], edge[1]) for edge in result["wait_for"]["edges"] if edge[2] == "waits for"}
    holds = {(edge[0], edge[1]) for edge in result["wait_for"]["edges"] if edge[2] == "holds"}
    assert {thread for thread, _ in waits} == {"teller-1", "teller-2"}
    assert not waits & holds


def test_whoever_left_the_lock_locked_waits_for_it_too() -> None:
    result = run("lock-leak", *LONG)
    assert result["blocked_workers"] == result["workers"]
    assert result["wait_for"]["cycle"] == ["clerk-1", "till"]
    mended = run("lock-leak", *SHORT, style="with")
    assert mended["blocked_workers"] == 0


def test_files_that_are_not_closed_use_up_the_descriptors() -> None:
    result = run("descriptor-leak", *LONG, descriptors=30, bad_every=5)
    assert result["requests_refused"] > 0
    assert result["most_open"] == result["limit"]
    assert 0 < result["refused_at_s"] < 1.2
    assert f"all {result['limit']} descriptors were used up" in result["showed"][1]
    assert f"with a limit of {result['limit']}" in result["pictures"][0]["alt"]
    mended = run("descriptor-leak", *SHORT, descriptors=30, bad_every=5, style="with")
    assert mended["requests_refused"] == 0
    assert mended["requests_failed"] > 30, "as many as would have used them up"
    assert mended["most_open"] < mended["limit"]


@pytest.mark.parametrize(("policy", "starved"), [("readers-first", "writer"), ("writers-first", "reader")])
def test_a_policy_starves_those_whom_it_lets_others_pass(policy: str, starved: str) -> None:
    result = run("starvation", *SHORT, policy=policy)
    by_role = result["fairness"]["by_role"]
    assert min(by_role, key=lambda role: by_role[role]) == starved
    assert result["fairness"]["jain"] < 0.6
    assert result["waits_ms"][starved]["max"] > 100


def test_by_order_of_arrival_all_get_the_same() -> None:
    result = run("starvation", *SHORT, policy="fair")
    assert result["fairness"]["jain"] > 0.95


def test_patience_turns_motion_into_progress() -> None:
    polite, patient = run("livelock", *SHORT), run("livelock", *SHORT, manners="patient")
    assert polite["attempts"] > 100
    assert polite["progress"] == 0
    assert patient["progress"] > 100
    assert patient["gave_way"] + patient["progress"] == patient["attempts"] == patient["ops"]


def test_every_philosopher_eats_on_when_the_forks_are_numbered() -> None:
    meals: dict[str, Any] = run("philosophers", *SHORT, order="ordered")["meals"]
    assert len(meals) == 5
    assert all(meals.values())
