"""An experiment as text: what a person reads of its progress and of its result."""

from __future__ import annotations

from support.trials import tally_of

from app.analysis.experiment import result
from app.analysis.experiment_measures import MEASURES
from app.analysis.experiment_trials import Configuration, Trials
from app.cli.experiment import progress_line, text
from app.lab.experiment import ExperimentProgress

ASKED = {"workload": "primes", "params": {"kind": "a"}, "seconds": 2.0, "repeats": 5, "seed": 1, "cores": 2}


def trials(executor: str, rate: float) -> Trials:
    keys = [measure.key for measure in MEASURES]
    rows = [dict.fromkeys(keys, 0.5) | {"ops_per_s": rate + at} for at in range(5)]
    return Trials(Configuration(executor, 2, "3.14.0"), measured=rows)


def test_progress_tells_the_run_of_how_many_and_what_is_left() -> None:
    configuration = Configuration("threads", 2, "3.14.0")
    line = progress_line(ExperimentProgress(3, 40, configuration, 0, False, "it was late", 75.4))
    assert line == (
        "run 3 of 40 · threads with 2 workers on CPython 3.14.0 · again, since it was late"
        " · about 1 min 15 s left"
    )
    assert "warm-up · about 9 s left" in progress_line(
        ExperimentProgress(1, 4, configuration, 0, True, None, 9.0)
    )


def test_the_result_is_a_table_notes_and_a_sentence() -> None:
    disturbed = trials("threads", 100)
    disturbed.made_again, disturbed.disturbed = 2, 1
    failed = Trials(Configuration("processes", 2, "3.14.0"), error="It fell over")
    left_out = [{"executor": "subinterpreters", "python": "3.12.1", "why": "it is too old"}]
    tally = tally_of(
        [trials("sequential", 50), disturbed, failed], state="stopped", asked=ASKED, left_out=left_out
    )
    found = result(tally)
    head, table, notes, sentence = text(found).split("\n\n")
    assert head == "primes kind=a · 5 repetitions of 2 s · 2 cores · took 30 s, stopped early"
    rows = {line.split()[0]: line for line in table.splitlines()[1:]}
    assert "52/s (50/s … 54/s)" in rows["sequential"]
    assert "baseline" in rows["sequential"]
    assert "1.96 times (" in rows["threads"]
    assert "within the noise" not in rows["threads"]
    assert rows["processes"].split()[-1] == "–"
    assert notes.splitlines() == [
        "Left out: subinterpreters on CPython 3.12.1: it is too old.",
        "Disturbed repetitions of threads 2 · CPython 3.14.0: 2 made again, 1 among the 5 that count.",
        "Failed: processes 2 · CPython 3.14.0: It fell over.",
    ]
    assert sentence.startswith("threads with 2 workers on CPython 3.14.0 does most: ")
