"""A forecast beside its measurement, of experiments whose answer is known."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.experiment_trials import MOST, SHORTEST, Configuration, Trials
from app.analysis.forecast.accuracy import accuracy, proof

TOLD: dict[str, Any] = {
    "run": "a1",
    "run_name": "primes",
    "choice": "processes",
    "title": "A process for each thread that computes",
    "throughput": {"low": 1.5, "middle": 2.0, "high": 2.2},
    "assumptions": ["Nothing is sent."],
}


def trials(key: str, *samples: list[float]) -> list[Trials]:
    return [
        Trials(Configuration("threads", 2, "3.14.0"), measured=[{key: value} for value in values])
        for values in samples
    ]


def found(before: list[float], after: list[float], **change: Any) -> Any:
    return proof({**TOLD, **change}, trials("ops_per_s", before, after), MOST)


def test_a_measurement_in_the_band_says_by_how_much_the_middle_missed_it() -> None:
    told = found([100.0, 101.0, 99.0, 100.0, 100.0], [180.0, 179.0, 181.0, 180.0, 180.0])
    assert told["in_band"] is True
    assert told["off"] == pytest.approx(2.0 / 1.8 - 1)
    assert told["measured"]["throughput"] == pytest.approx(1.8)
    assert told["measured"]["low"] < 1.8 < told["measured"]["high"]
    assert told["sentence"] == (
        "Foretold was 2.00 times the throughput, between 1.50 and 2.20 times. Measured was 1.80 times "
        f"({told['measured']['low']:.2f} to {told['measured']['high']:.2f}): in the band. "
        "The middle was 11 % too high."
    )
    assert {name: told[name] for name in TOLD} == TOLD


def test_a_program_with_its_own_end_is_compared_by_what_it_does_in_a_second() -> None:
    told = proof(TOLD, trials("wall_s", [4.0, 4.0, 4.0, 4.0], [2.0, 2.0, 2.0, 2.0]), SHORTEST)
    assert (told["measured"]["throughput"], told["in_band"], told["off"]) == (2.0, True, 0.0)
    assert "right to half a per cent" in told["sentence"]


def test_outside_of_the_band_it_says_so_and_whether_chance_may_have_decided() -> None:
    told = found([100.0] * 4, [120.0] * 4)
    assert told["in_band"] is False
    assert "outside of the band. The middle was 67 % too high." in told["sentence"]
    assert told["unclear"] is False
    assert "reaches" not in told["sentence"]
    near = found([100.0] * 5, [140.0, 145.0, 149.0, 155.0, 160.0])
    assert (near["in_band"], near["unclear"]) == (False, True)
    assert near["sentence"].endswith("The interval of the measurement reaches into the band.")
    inside = found([100.0] * 5, [140.0, 145.0, 151.0, 155.0, 160.0])
    assert (inside["in_band"], inside["unclear"]) == (True, True)
    assert inside["sentence"].endswith("The interval of the measurement reaches out of the band.")


def test_of_too_few_or_of_nothing_it_is_not_judged() -> None:
    few = found([100.0] * 3, [180.0] * 5)
    assert (few["in_band"], few["off"], few["measured"]["repetitions"]) == (None, None, 3)
    assert "fewer than 4 repetitions" in few["sentence"]
    for none in (found([100.0] * 5, []), found([0.0] * 5, [1.0] * 5)):
        assert (none["measured"], none["in_band"]) == (None, None)
        assert none["sentence"].endswith("Nothing was measured.")


def pair(choice: str, middle: float, measured: float, low: float = 0.0, high: float = 9.0) -> Any:
    told = found(
        [100.0] * 4,
        [100.0 * measured] * 4,
        choice=choice,
        throughput={"low": low, "middle": middle, "high": high},
    )
    return {**told, "experiment": "e", "started_at": 1.0}


def test_all_of_them_together_and_way_by_way() -> None:
    pairs = [
        pair("processes", 2.0, 2.0),
        pair("processes", 1.8, 2.0),
        pair("thread-more", 1.3, 1.0, low=1.2),
        {**pair("processes", 1.0, 1.0), "in_band": None, "off": None},
    ]
    told = accuracy(pairs)
    assert (told["count"], told["in_band"], told["unmeasured"]) == (3, 2, 1)
    assert told["in_band_share"] == pytest.approx(2 / 3)
    assert told["median_off"] == pytest.approx(0.1)
    assert [(way["choice"], way["count"], way["in_band"]) for way in told["ways"]] == [
        ("processes", 2, 2),
        ("thread-more", 1, 0),
    ]
    assert told["ways"][0]["median_off"] == pytest.approx(0.05)
    assert told["pairs"] == pairs[:3]
    assert told["sentence"] == (
        "Of 3 forecasts that were measured on this machine, 2 lay in the band. Half of the middles were off "
        "by 10 % or less."
    )


def test_one_alone_and_none_are_said_in_words() -> None:
    assert accuracy([pair("processes", 2.0, 1.0)])["sentence"] == (
        "The one forecast that was measured on this machine lies in its band. Its middle was 100 % off."
    )
    none = accuracy([])
    assert none["sentence"].startswith("No forecast was measured on this machine yet.")
    assert (none["count"], none["in_band_share"], none["median_off"], none["pairs"]) == (0, None, None, [])


def test_where_chance_or_other_work_may_have_decided_that_is_said() -> None:
    wide = {**pair("processes", 2.0, 2.0), "unclear": True}
    told = accuracy([wide, wide, pair("processes", 2.0, 2.0)])
    assert (told["unclear"], told["disturbed"]) == (2, 0)
    assert told["sentence"].endswith(
        "In 2 chance may have decided: the interval of what was measured crosses an edge."
    )
    both = trials("ops_per_s", [100.0] * 4, [200.0] * 4)
    both[0].disturbed, both[1].disturbed = 4, 1
    disturbed: Any = {**proof(TOLD, both, MOST), "experiment": "e", "started_at": 1.0}
    assert disturbed["measured"]["disturbed"] is True
    assert disturbed["sentence"].endswith("measure again while it is quiet.")
    assert accuracy([disturbed])["sentence"].endswith(
        "In 1 most repetitions were disturbed by other work of the machine."
    )
    both[0].disturbed = 3
    assert proof(TOLD, both, MOST)["measured"] == {**disturbed["measured"], "disturbed": False}
