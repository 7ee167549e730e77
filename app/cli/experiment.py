"""An experiment on the command line: its progress, its result as tables, and one sentence."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from typing import Any

import typer

from app.analysis.fail_conditions import FailCondition
from app.cli.errors import INTERRUPTED
from app.cli.observation import FOUND
from app.cli.tables import SHOW, Column, render
from app.lab.experiment import ExperimentProgress, prepared
from app.lab.experiment_plan import ExperimentRequest
from app.model import units
from app.model.errors import TargetFailed
from app.model.units import ABSENT
from app.runs.manager import Manager
from app.runs.settings import Settings

Json = dict[str, Any]

_WORDS = {"within-noise": "within the noise", "too-few": "too few repetitions"}
_MINUTE_S = 60


def run_experiment(asked: ExperimentRequest, as_json: bool, conditions: Sequence[FailCondition] = ()) -> None:
    """Run it, show how far it is, and print the result; Ctrl-C ends it early.

    Exit status INTERRUPTED where nothing was measured by then, FOUND where a condition holds; TargetFailed
    where every configuration failed.
    """
    found = asyncio.run(_run(asked))
    if found is None or (found["state"] == "stopped" and not any(map(_repetitions, found["configurations"]))):
        raise typer.Exit(INTERRUPTED)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else text(found))
    if not any(map(_repetitions, found["configurations"])):
        raise TargetFailed(
            f"No configuration of {found['name']} could be measured: {found['configurations'][0]['error']}",
            "Run it once: `gilscope run WORKLOAD`, or `gilscope record -- COMMAND`, shows what happens.",
        )
    failures = [
        f"{condition.text}: {_name(found['configurations'][place]) if place >= 0 else 'fails'}: {why}"
        for condition in conditions
        for place, why in condition.failures(found)
    ]
    if failures:
        typer.echo("\n".join(f"gilscope: {failure}." for failure in failures), err=True)
        raise typer.Exit(FOUND)


async def _run(asked: ExperimentRequest) -> Json | None:
    """The result; None where it was stopped before it began."""
    line = _Line()
    manager = Manager(Settings.load(commands=True))
    loop = asyncio.get_running_loop()
    preparing = asyncio.ensure_future(prepared(manager, asked, line.show))
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, preparing.cancel)
        try:
            experiment = await preparing
        except asyncio.CancelledError:
            return None
        stops: set[asyncio.Task[None]] = set()  # the loop keeps only weak references to tasks
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: stops.add(loop.create_task(experiment.stop())))
        return await experiment.run()
    finally:
        line.clear()
        await manager.close()


class _Line:
    """The progress: on a terminal one line that is written over, else a line for each run."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty()

    def show(self, progress: ExperimentProgress) -> None:
        before, after = ("\r\x1b[K", "") if self._on_terminal else ("", "\n")
        typer.echo(before + progress_line(progress) + after, nl=False, err=True)

    def clear(self) -> None:
        if self._on_terminal:
            typer.echo("\r\x1b[K", nl=False, err=True)


def progress_line(progress: ExperimentProgress) -> str:
    """Which run it is, of how many, of what, and how long all the rest takes."""
    parts = [f"run {progress.number} of {progress.of}", str(progress.configuration)]
    if progress.warm_up:
        parts.append("warm-up")
    if progress.again:
        parts.append(f"again, since {progress.again}")
    return " · ".join([*parts, f"{_left(progress.left_s)} left"] if progress.left_s is not None else parts)


def _left(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    return f"about {minutes} min {rest:02} s" if minutes else f"about {rest} s"


def text(found: Json) -> str:
    """The result as tables, and the verdict."""
    parts = (_head(found), _measures(found), _notes(found), _scaling(found), _verdict(found))
    return "\n\n".join(part for part in parts if part)


def _head(found: Json) -> str:
    asked = found["asked"]
    params = " ".join(f"{name}={value}" for name, value in asked["params"].items())
    stopped = ", stopped early" if found["state"] == "stopped" else ""
    of = f" of {asked['seconds']:g} s" if found["kind"] == "workload" else ""
    return (
        f"{found['name']} {params}".rstrip() + f" · {asked['repeats']} repetitions{of}"
        f" · {asked['cores']} cores · took {units.seconds(found['took_s'])}{stopped}"
    )


def _measures(found: Json) -> str:
    goal = next(one for one in found["measures"] if one["key"] == found["goal"])
    measured = [
        one
        for one in found["measures"]
        if any(row["measures"][one["key"]] is not None for row in found["configurations"])
    ]
    measures = [goal, *(one for one in measured if one is not goal)]
    columns = [Column("Configuration"), *(Column(one["label"], "right") for one in measures)]
    columns.insert(2, Column("against the baseline"))
    rows = []
    for at, row in enumerate(found["configurations"]):
        cells = [_cell(row, one, at=place) for place, one in enumerate(measures)]
        cells.insert(1, "baseline" if at == found["verdict"]["baseline"] else _against(row, goal))
        rows.append([_name(row), *cells])
    return render(columns, rows)


def _name(row: Json) -> str:
    of = " ".join(str(part) for part in (row["executor"], row["workers"]) if part is not None)
    if row["executor"] is None and of:
        of += " worker" if row["workers"] == 1 else " workers"
    return " · ".join(part for part in (of, row["python"] and f"CPython {row['python']}") if part) or "all"


def _cell(row: Json, measure: Json, at: int) -> str:
    """The median; of the first measure, which the verdict is about, its interval too."""
    side, show = row["measures"][measure["key"]], SHOW[measure["unit"]]
    if side is None:
        return ABSENT
    banded = at == 0 and side["low"] is not None
    band = f" ({show(side['low'])} … {show(side['high'])})" if banded else ""
    return f"{show(side['median'])}{band}"


def _against(row: Json, measure: Json) -> str:
    found = row["differences"][measure["key"]]
    if found is None or found["ratio"] is None:
        return ABSENT
    times = f"{found['ratio']:.2f} times"
    if found["low"] is not None:
        times += f" ({found['low']:.2f} … {found['high']:.2f})"
    return f"{times}, {_WORDS[found['says']]}" if found["says"] in _WORDS else times


def _notes(found: Json) -> str:
    lines = [
        f"Left out: {one['executor']} on CPython {one['python']}: {one['why']}." for one in found["left_out"]
    ]
    for row in found["configurations"]:
        if row["error"]:
            lines.append(f"Failed: {_name(row)}: {row['error'].rstrip('.')}.")
        if row["made_again"] or row["disturbed"]:
            lines.append(
                f"Disturbed repetitions of {_name(row)}: {row['made_again']} made again, "
                f"{row['disturbed']} among the {row['repetitions']} that count."
            )
    return "\n".join(lines)


def _scaling(found: Json) -> str:
    return "\n".join(row["sentence"] for row in found["scaling"])


def _verdict(found: Json) -> str:
    return str(found["verdict"]["sentence"])


def _repetitions(row: Json) -> int:
    return int(row["repetitions"])
