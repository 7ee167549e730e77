"""The result of an experiment: which configuration does most, and whether that is more than noise."""

from __future__ import annotations

from random import Random
from statistics import median

import pytest
from support.trials import tally_of

from app.analysis.experiment import result
from app.analysis.experiment_measures import MEASURES, RunTimes, measured
from app.analysis.experiment_trials import MOST, SHORTEST, Configuration, Trials
from app.analysis.experiment_verdict import verdict as verdict_by


def verdict(found):
    return verdict_by(found, MOST)


KEYS = [measure.key for measure in MEASURES]


def trials(executor: str, workers: int, rate: float, count: int = 6, noise: float = 0.01) -> Trials:
    """Repetitions of a configuration around a rate, with as many MiB as workers."""
    random = Random(f"{executor} {workers}")
    found = Trials(Configuration(executor, workers, "3.14.0"))
    for _ in range(count):
        values = dict.fromkeys(KEYS, 1.0) | {"ops_per_s": rate * random.gauss(1, noise)}
        found.measured.append(values | {"pss_peak": workers * 1024.0**2})
    return found


def test_the_fastest_is_named_with_its_gain_and_what_it_costs() -> None:
    found = verdict([trials("processes", 2, 195), trials("sequential", 1, 100), trials("threads", 2, 101)])
    assert (found["says"], found["best"], found["baseline"], found["equal"]) == ("faster", 0, 1, [])
    sentence = found["sentence"]
    assert sentence.startswith("processes with 2 workers on CPython 3.14.0 does most: 19")
    assert "times (1.9" in sentence
    assert "as much as sequential with 1 worker on CPython 3.14.0" in sentence
    assert "2 MiB of memory at the peak, instead of 1 MiB (PSS)" in sentence


def test_the_fastest_two_are_named_together_where_noise_is_all_between_them() -> None:
    found = verdict([trials("sequential", 1, 100), trials("processes", 2, 195), trials("threads", 2, 195)])
    assert found["says"] == "faster"
    assert len(found["equal"]) == 1
    assert "(within the noise, like " in found["sentence"]


def test_equal_ones_are_called_equal() -> None:
    found = verdict([trials("sequential", 1, 100), trials("threads", 2, 100)])
    assert found["says"] == "within-noise"
    assert "both configurations are within the noise" in found["sentence"]


def test_where_the_baseline_is_the_fastest_nothing_helps() -> None:
    found = verdict([trials("sequential", 1, 100), trials("threads", 2, 80), trials("threads", 4, 60)])
    assert (found["says"], found["best"]) == ("none-faster", 0)
    assert found["sentence"].startswith("Nothing does more than sequential with 1 worker")
    assert "1.2" in found["sentence"]


def test_what_does_as_much_as_the_baseline_is_named_once() -> None:
    found = verdict([trials("sequential", 1, 100), trials("threads", 2, 99.5), trials("threads", 4, 60)])
    assert (found["says"], found["best"], found["equal"]) == ("none-faster", 0, [1])
    assert found["sentence"].count("threads with 2 workers") == 1
    assert found["sentence"].endswith("like threads with 2 workers on CPython 3.14.0): 99.6/s.")


def test_what_did_nothing_is_told_by_its_rate_and_not_by_a_ratio() -> None:
    idle, works = trials("sequential", 1, 0), trials("threads", 2, 10)
    assert ", where sequential with 1 worker on CPython 3.14.0 does 0/s" in verdict([idle, works])["sentence"]
    idle, works = trials("threads", 2, 0), trials("sequential", 1, 10)
    assert verdict([works, idle])["sentence"].endswith(
        "/s, where threads with 2 workers on CPython 3.14.0 does 0/s."
    )


def test_a_gain_over_the_baseline_that_noise_covers_is_no_gain() -> None:
    others = [trials("sequential", 1, 100, noise=0.2), trials("threads", 2, 101, noise=0.2)]
    found = verdict([*others, trials("processes", 2, 50, noise=0.01)])
    assert found["says"] in ("within-noise", "none-faster")
    assert "noise" in found["sentence"]


def test_of_few_repetitions_no_difference_is_said() -> None:
    found = verdict([trials("sequential", 1, 100, 3), trials("threads", 2, 300, 3)])
    assert found["says"] == "too-few"
    assert "may be noise" in found["sentence"]


def test_nothing_measured_is_said_so() -> None:
    failed = Trials(Configuration("threads", 2, "3.14.0"), error="It fell over")
    assert verdict([failed])["says"] == "nothing"
    assert verdict([failed, trials("sequential", 1, 100)])["says"] == "nothing"
    row = result(tally_of([failed]))["configurations"][0]
    assert (row["error"], row["repetitions"], row["measures"]["cpu_s"]) == ("It fell over", 0, None)


def test_each_measure_has_an_estimate_and_a_difference_from_the_baseline() -> None:
    found = result(tally_of([trials("sequential", 1, 100), trials("threads", 2, 150)]))
    baseline, other = found["configurations"]
    assert set(other["measures"]) == set(other["differences"]) == set(KEYS)
    assert set(baseline["differences"].values()) == {None}
    assert other["differences"]["ops_per_s"]["says"] == "higher"
    assert other["differences"]["cpu_s"]["says"] == "within-noise"
    assert len(other["values"]["ops_per_s"]) == other["repetitions"] == 6
    side = other["measures"]["ops_per_s"]
    assert side["median"] == median(other["values"]["ops_per_s"])
    assert side["low"] <= side["median"] <= side["high"]


def test_what_a_workload_reports_is_read_where_it_reports_it() -> None:
    summary = {
        "run": {},
        "workload": {
            "ops_per_s": 10.0,
            "together_per_s": 15.0,
            "latency_beside_cpu_ms": {"count": 9, "p50": 2.0, "p99": 50.0, "max": 60.0},
            "bytes_pickled": 4096,
            "pickling_ms": 20.0,
            "executor_bytes_pickled": 2048,
            "executor_pickling_ms": 3.0,
        },
        "threads": [
            {
                **{"counted_s": 2.0, "cpu_s": 1.5, "run_delay_s": 0.5},
                **{"observed_s": 2.0, "shares": {"running": 0.75, "native": 0.25}},
            },
            {
                **{"counted_s": 1.0, "cpu_s": 0.5, "run_delay_s": None},
                **{"observed_s": 1.0, "shares": {"native": None}},
            },
        ],
        "threads_cpu_unlisted_s": 0.25,
        "memory_peak": {"rss": 3, "uss": 2, "pss": None},
        "gils": [
            {"held_share": 0.2, "contended_share": 0.9, "held_s": 0.01},
            {"held_share": 0.8, "contended_share": 0.1, "held_s": 1.5},
            {"held_share": None, "contended_share": None, "held_s": 0.0},
        ],
        "sampling": {"coverage": 0.99},
    }
    assert measured(summary, RunTimes(0.3, None)) == {
        "wall_s": None,
        "ops_per_s": 15.0,
        "latency_p50_s": 0.002,
        "latency_p99_s": 0.05,
        "bytes_pickled": 4096.0,
        "pickling_s": 0.02,
        "executor_bytes_pickled": 2048.0,
        "executor_pickling_s": 0.003,
        "cpu_s": 2.25,
        "cpus_wanted": 1.25,
        "rss_peak": 3,
        "pss_peak": None,
        "uss_peak": 2,
        "start_up_s": 0.3,
        "held_share": 0.8,
        "contended_share": 0.1,
        "gil_work_share": pytest.approx(1.51 / 2.01),
        "coverage": 0.99,
    }
    own_gils = summary | {"gils": [{"held_share": 0.5, "contended_share": 0.0, "held_s": 1.0}] * 2}
    assert measured(own_gils, RunTimes())["gil_work_share"] is None
    assert measured(summary, RunTimes(wall_s=3.9))["cpu_s"] == 2.25
    assert measured(summary, RunTimes(wall_s=4.1))["cpu_s"] is None
    assert measured(summary | {"run": {"cpu_s": 3.5}}, RunTimes(wall_s=4.1))["cpu_s"] == 3.5
    bare = summary | {"workload": {"ops_per_s": 10.0}, "threads": [], "memory_peak": None, "gils": []}
    assert [key for key, value in measured(bare, RunTimes(0.3)).items() if value is not None] == [
        "ops_per_s",
        "start_up_s",
        "coverage",
    ]


def test_of_programs_with_their_own_end_the_shortest_is_the_best() -> None:
    def lasting(executor: str, seconds: float) -> Trials:
        found = trials(executor, 2, seconds)
        for each in found.measured:
            each["wall_s"] = each["ops_per_s"]
        return found

    found = verdict_by([lasting("threads", 4.0), lasting("processes", 2.0)], SHORTEST)
    assert (found["says"], found["best"], found["baseline"]) == ("faster", 1, 0)
    assert found["sentence"].startswith("processes with 2 workers on CPython 3.14.0 takes the least time: ")
    assert "times (0." in found["sentence"]
    assert "as long as threads" in found["sentence"]
    assert str(Configuration(None, 2, "3.14.0")) == "the program with 2 workers on CPython 3.14.0"
    row = result(tally_of([lasting("threads", 4.0), lasting("processes", 2.0)], kind="script"))
    assert row["goal"] == "wall_s"


def test_a_curve_of_wall_times_is_of_what_is_done_in_a_second() -> None:
    made = []
    for workers, seconds in ((1, 4.0), (2, 2.0), (4, 1.0)):
        made.append(trials("processes", workers, seconds, noise=0.001))
        for each in made[-1].measured:
            each["wall_s"], each["cpus_wanted"] = each["ops_per_s"], 1.0
    [row] = result(tally_of(made, kind="command"))["scaling"]
    assert row["source"] == "wall-time"
    assert [point["median"] for point in row["points"]] == pytest.approx([0.25, 0.5, 1.0], rel=0.01)
    assert row["laws"][0]["parameters"]["serial_share"]["value"] == pytest.approx(0, abs=0.01)
    assert row["gil_work"]["median"] == 1.0
    assert "was done holding one GIL" in row["sentence"]
