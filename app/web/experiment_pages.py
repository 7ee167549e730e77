"""The pages of experiments: the list, one of them, and the form, which may be filled with what was asked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.lab.experiment_plan import MOST_REPEATS, REPEATS, SCRIPT_EXECUTORS, SECONDS, WORKERS_HERE
from app.lab.experiments import Experiments
from app.model.errors import GilscopeError
from app.runs.catalogue import MAX_SECONDS, MIN_SECONDS, Catalogue, WorkloadSpec
from app.runs.request import bounds_of
from app.web.pages import interpreter_choices, manager_of, page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

KINDS = ("workload", "script", "command")
_WORKLOAD = "primes"
_COMMAND = f"{{python}}\njob.py\n--workers\n{WORKERS_HERE}"
_SCRIPT = """import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

POOLS = {"threads": ThreadPoolExecutor, "processes": ProcessPoolExecutor}


def work(n):
    return sum(i * i for i in range(n))


if __name__ == "__main__":
    workers = int(os.environ["GILSCOPE_WORKERS"])
    with POOLS[os.environ["GILSCOPE_EXECUTOR"]](workers) as pool:
        print(sum(pool.map(work, [1_000_000] * 16)))
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FormSubject:
    """What the form begins with. Empty lists are the defaults."""

    kind: str = "workload"
    workload: str = _WORKLOAD
    params: Json = field(default_factory=dict)
    command: str = _COMMAND
    script: str = _SCRIPT
    workers_variable: str = ""
    executors: frozenset[str] = frozenset()
    workers: str = ""
    pythons: frozenset[str] = frozenset()
    seconds: float | None = None
    repeats: int = REPEATS


@router.get("/experiments")
async def experiments(request: Request) -> Response:
    """The experiments there are."""
    return page(request, "experiments.html", {})


@router.get("/experiments/new")
async def new_experiment(
    request: Request,
    kind: str = "workload",
    workload: str = _WORKLOAD,
    run: str | None = None,
    experiment: str | None = None,
) -> Response:
    """The form, for a kind of program, for that of a run, or for an experiment that is to be made again."""
    subject = FormSubject(kind=kind if kind in KINDS else "workload", workload=workload)
    refused: GilscopeError | None = None
    of_run: Json | None = None
    known = await manager_of(request).catalogue()
    try:
        if run is not None:
            record = await manager_of(request).get(run)
            of_run = record.to_json()
            subject = _of_run(await record.request())
        elif experiment is not None:
            asked: Experiments = request.app.state.experiments
            subject = _of_experiment(await asked.get(experiment))
        spec = known.get(subject.workload)
    except GilscopeError as error:
        refused, spec = error, known.get(_WORKLOAD)
        if of_run is not None:
            subject = FormSubject(kind="command")  # of which only a person knows how it is started
    if subject.kind != "workload" and not request.app.state.settings.commands:
        subject = FormSubject()
    return page(
        request, "new_experiment.html", await _context(request, subject, spec, known, refused, of_run)
    )


@router.get("/experiments/accuracy")
async def accuracy(request: Request) -> Response:
    """How good forecasts were, of those that were measured on this machine."""
    return page(request, "accuracy.html", {})


@router.get("/experiments/{experiment_id}")
async def one_experiment(request: Request, experiment_id: str) -> Response:
    """One experiment, while it goes on or afterwards."""
    asked: Experiments = request.app.state.experiments
    try:
        await asked.get(experiment_id)
    except GilscopeError as error:
        return page(request, "missing.html", {"error": error}, status=error.http_status)
    return page(request, "experiment.html", {"experiment_id": experiment_id})


async def _context(
    request: Request,
    subject: FormSubject,
    spec: WorkloadSpec,
    known: Catalogue,
    refused: GilscopeError | None,
    of_run: Json | None,
) -> Json:
    cores = len(os.sched_getaffinity(0))
    is_workload = subject.kind == "workload"
    params = [replace(param, default=subject.params.get(param.name, param.default)) for param in spec.params]
    executors = {"workload": spec.executors, "script": SCRIPT_EXECUTORS, "command": ()}[subject.kind]
    least, most = (spec.min_workers, spec.max_workers) if is_workload else (1, cores)
    workers = sorted({min(max(count, least), most) for count in (1, cores)})
    found = interpreter_choices(await manager_of(request).interpreters())
    return {
        "kind": subject.kind,
        "workload": replace(spec, params=tuple(params)) if is_workload else None,
        "families": [
            (family, [member.name for member in members])
            for family, members in groupby(known.workloads, key=lambda each: each.family)
        ],
        "of_run": of_run,
        "refused": refused,
        "cores": cores,
        "executors": [
            {"value": name, "label": name, "chosen": name in (subject.executors or executors)}
            for name in executors
        ],
        "pythons": [
            {
                "value": each["path"],
                "label": each["label"],
                "why": each["path"],
                "chosen": (
                    {each["name"], each["path"]} & subject.pythons
                    if subject.pythons
                    else each["chosen"] and subject.kind != "command"
                ),
            }
            for each in found
            if each["supported"]
        ],
        "seconds": (MIN_SECONDS, MAX_SECONDS) if is_workload else bounds_of("seconds"),
        "most_repeats": MOST_REPEATS,
        "given": {
            "script": subject.script,
            "command": subject.command,
            "workers_variable": subject.workers_variable,
            "workers": subject.workers or ", ".join(map(str, workers)),
            "repeats": subject.repeats,
            "seconds": subject.seconds or (SECONDS if is_workload else ""),
        },
    }


def _of_run(asked: Json) -> FormSubject:
    """By the request that would start it again: the same program, in all ways that there are."""
    python = frozenset({asked["python"]} if asked.get("python") else ())
    if "workload" in asked:
        return FormSubject(workload=asked["workload"], params=asked.get("params", {}), pythons=python)
    if "script" in asked:
        return FormSubject(kind="script", script=asked["script"], pythons=python)
    return FormSubject(kind="command", command="\n".join(asked["command"]), workers="")


def _of_experiment(found: Json) -> FormSubject:
    """What was asked for then."""
    asked, rows = found["asked"], found["configurations"]
    counts = dict.fromkeys(row["workers"] for row in rows if row["workers"] is not None)
    return FormSubject(
        kind=found["kind"],
        workload=asked["workload"] or _WORKLOAD,
        params=asked["params"],
        command="\n".join(asked["command"] or ()),
        script=asked["script"] or "",
        workers_variable=asked["workers_variable"] or "",
        executors=frozenset(row["executor"] for row in rows if row["executor"]),
        workers=", ".join(map(str, counts)),
        pythons=frozenset(row["python"] for row in rows if row["python"]),
        seconds=asked["seconds"],
        repeats=asked["repeats"],
    )
