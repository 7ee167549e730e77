"""What came of each configuration of an experiment, and the journal that it is read from.

An experiment is its journal: these lines, in this order, each an object with "type".

    experiment   v, id, kind, name, started_at, asked, planned_runs,
                 configurations [{executor, workers, python}], left_out,
                 forecast: what it is to prove, the first fields of a ForecastProof, or null
    repetition   at_s, configuration, run, outcome, why, measured {key: number or null},
                 reported {workers: speed-up}
    error        at_s, configuration, why           the configuration was given up
    end          at_s, state, error

`at_s` counts from `started_at`; `configuration` is a place in the list; `run` is the id of the run. `outcome`
is "warm-up"; "again", where it was disturbed and is made again; "counted", with `why` it was disturbed, or
null; or "failed", with `why`. A journal without an end is of an experiment that goes on, or was killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.analysis.experiment_measures import THROUGHPUT, WALL
from app.model import units

Json = dict[str, Any]
Maybe = float | None


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a program is run: on which executor, by how many workers, on which interpreter ("3.14.2").

    None is what the program of the user has no choice of.
    """

    executor: str | None
    workers: int | None
    python: str | None

    def __str__(self) -> str:
        parts = [self.executor or "the program"]
        if self.workers is not None:
            parts.append("with 1 worker" if self.workers == 1 else f"with {self.workers} workers")
        if self.python is not None:
            parts.append(f"on CPython {self.python}")
        return " ".join(parts)

    def to_json(self) -> Json:
        """{"executor", "workers", "python"}."""
        return {"executor": self.executor, "workers": self.workers, "python": self.python}


@dataclass(slots=True)
class Trials:
    """What came of a configuration: the measures of each repetition that counts, as `measured` reads them."""

    configuration: Configuration
    measured: list[Mapping[str, Maybe]] = field(default_factory=list)
    reported: list[Mapping[int, float]] = field(default_factory=list)  # the speed-ups of `reported_speed_ups`
    runs: list[str] = field(default_factory=list)
    made_again: int = 0
    disturbed: int = 0
    error: str | None = None

    def values(self, key: str) -> list[float]:
        """Of one measure, where it was measured."""
        return [value for each in self.measured if (value := each.get(key)) is not None]


@dataclass(frozen=True, slots=True)
class Goal:
    """The measure that decides which configuration is the best, and the words for it."""

    key: str
    higher_is_better: bool
    best: str
    nothing_better: str
    does: str
    times: str

    def show(self, value: float) -> str:
        """A value of the measure, with its unit."""
        return units.rate(value) if self.key == THROUGHPUT else units.seconds(value)

    def throughput(self, value: float) -> float:
        """The value as what is done in a second, which the laws of scaling are about."""
        return value if self.higher_is_better else 1 / value if value else 0.0


MOST = Goal(THROUGHPUT, True, "does most", "Nothing does more than", "does", "as much as")
SHORTEST = Goal(WALL, False, "takes the least time", "Nothing takes less time than", "takes", "as long as")


def goal_of(kind: str) -> Goal:
    """A workload counts what it does in a time that is given; a program of the user has an end of its own."""
    return MOST if kind == "workload" else SHORTEST


class ExperimentTally:
    """A journal as far as it was read. `feed` takes its lines in their order."""

    def __init__(self) -> None:
        self.header: Json = {}
        self.end: Json | None = None
        self.trials: Sequence[Trials] = ()
        self.took_s = 0.0
        self.runs_done = 0

    @classmethod
    def of(cls, lines: Iterable[Json]) -> ExperimentTally:
        """All of a journal."""
        tally = cls()
        for line in lines:
            tally.feed(line)
        return tally

    def feed(self, line: Json) -> None:
        """The next line; ValueError, LookupError or TypeError where it is none of a journal."""
        self.took_s = line.get("at_s", 0.0)
        match line["type"]:
            case "experiment":
                self.header = line
                self.trials = [Trials(Configuration(**each)) for each in line["configurations"]]
            case "repetition":
                self.runs_done += 1
                self._repetition(self.trials[line["configuration"]], line)
            case "error":
                self.trials[line["configuration"]].error = line["why"]
            case "end":
                self.end = line

    @staticmethod
    def _repetition(trials: Trials, line: Json) -> None:
        if line["outcome"] == "again":
            trials.made_again += 1
        elif line["outcome"] == "counted":
            trials.disturbed += line["why"] is not None
            trials.measured.append(line["measured"])
            trials.reported.append({int(workers): value for workers, value in line["reported"].items()})
            trials.runs.append(line["run"])
