"""How a workload scales, as an experiment tells it: which points count, and the words."""

from __future__ import annotations

from random import Random

import pytest
from support.trials import tally_of

from app.analysis.experiment import result
from app.analysis.experiment_measures import MEASURES, reported_speed_ups
from app.analysis.experiment_trials import Configuration, Trials
from app.analysis.scaling_rows import ScalingSeries, scaling_row

CORES = 4


def series(speed_up, counts=(1, 2, 3, 4), wanted=None, source="throughput") -> ScalingSeries:
    random = Random(2)
    points = {n: [100 * speed_up(n) * random.gauss(1, 0.005) for _ in range(5)] for n in counts}
    return ScalingSeries("processes", "3.14.0", source, points, {n: [(wanted or float)(n)] for n in counts})


def amdahl(share: float):
    return lambda n: 1 / (share + (1 - share) / n)


def test_the_laws_their_intervals_and_the_curve_beside_the_points() -> None:
    row = scaling_row(series(amdahl(0.2)), CORES)
    laws = {law["law"]: law for law in row["laws"]}
    assert set(laws) == {"amdahl", "gustafson", "usl"}
    share = laws["amdahl"]["parameters"]["serial_share"]
    assert share["low"] <= share["value"] <= share["high"]
    assert share["value"] == pytest.approx(0.2, abs=0.02)
    assert laws["amdahl"]["limit"] == pytest.approx(1 / share["value"])
    assert laws["amdahl"]["r_squared"] > 0.99
    curve = dict(laws["amdahl"]["curve"])
    assert set(curve) == set(range(1, 9))
    for point in row["points"]:
        assert curve[point["workers"]] == pytest.approx(point["median"], rel=0.02)
    assert "Amdahl's law with a serial share of 0.2" in row["sentence"]
    assert "at most 5" in row["sentence"] or "at most 4.9" in row["sentence"]


def test_busy_workers_beyond_the_cores_measure_the_machine_and_are_not_used() -> None:
    def perfect(n: int) -> float:
        return float(min(n, CORES))

    row = scaling_row(series(perfect, (1, 2, 4, 8, 16)), CORES)
    assert [point["used"] for point in row["points"]] == [True, True, True, False, False]
    share = row["laws"][0]["parameters"]["serial_share"]["value"]
    assert share == pytest.approx(0, abs=0.02)
    assert "Not used: 8, 16 workers" in row["sentence"]


def test_workers_that_wait_for_one_lock_want_no_further_cpu_and_are_used() -> None:
    row = scaling_row(series(lambda n: 1.0, (1, 2, 4, 8, 16), wanted=lambda n: 1.1), CORES)
    assert all(point["used"] for point in row["points"])
    assert row["laws"][0]["parameters"]["serial_share"]["value"] == pytest.approx(1, abs=0.02)


def test_the_knee_is_said() -> None:
    row = scaling_row(
        series(lambda n: n / (1 + 0.1 * (n - 1) + 0.02 * n * (n - 1)), (1, 2, 4, 8, 16), wanted=lambda n: 1),
        CORES,
    )
    assert "most with 7 (" in row["sentence"]
    slower = scaling_row(series(lambda n: 1 / n, (1, 2, 4), wanted=lambda n: 1), CORES)
    assert "most with one worker" in slower["sentence"]


def test_no_law_is_drawn_through_noise() -> None:
    random = Random(3)
    values = {n: [random.choice((30.0, 300.0, 1500.0)) for _ in range(5)] for n in (1, 2, 3)}
    row = scaling_row(ScalingSeries("threads", "3.15.0", "throughput", values, {}), CORES)
    assert row["laws"] == []
    assert row["sentence"].endswith("the repetitions differ by too much for a law, or follow none.")
    assert len(row["points"]) == 3


def test_of_one_worker_count_there_is_no_row() -> None:
    assert scaling_row(series(amdahl(0.2), (2,)), CORES) is None


def test_a_workload_that_measures_how_it_scales_is_taken_at_its_word() -> None:
    table = {
        "columns": ["workers", "round_ms", "speed_up"],
        "rows": [[1, 9.0, 1.0], [2, 6.0, 1.5], [3, 5.0, 0]],
    }
    assert reported_speed_ups({"workload": {"table": table}}) == {1: 1.0, 2: 1.5}
    assert reported_speed_ups({"workload": {"ops": 1}}) == reported_speed_ups({"workload": None}) == {}
    trials = Trials(Configuration("processes", 2, "3.14.0"))
    for _ in range(5):
        trials.measured.append(dict.fromkeys((measure.key for measure in MEASURES), 1.0))
        trials.reported.append({1: 1.0, 2: 1 / (0.2 + 0.8 / 2)})
    [row] = result(tally_of([trials]))["scaling"]
    assert row["source"] == "reported"
    assert row["laws"][0]["parameters"]["serial_share"]["value"] == pytest.approx(0.2)


def test_a_law_that_passes_by_the_points_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {1: [371.0, 583.0, 462.0], 2: [786.0, 805.0, 318.0], 4: [370.0, 1342.0, 660.0]}
    measured = ScalingSeries("threads", "3.15.0", "throughput", values, {})
    assert scaling_row(measured, CORES)["laws"] == []
    monkeypatch.setattr("app.analysis.scaling_rows.FAR_OFF", 1e9)
    [law] = scaling_row(measured, CORES)["laws"]
    assert law["r_squared"] < 0
