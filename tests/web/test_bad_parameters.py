"""Every parameter of every workload: what is no value of it is refused in the same words, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import psutil
import pytest

from app.cli import main
from app.runs import catalogue
from app.runs.catalogue import MAX_TEXT, ParamSpec, WorkloadSpec
from app.runs.settings import Settings

from .conftest import TOKEN, Site, serving

WORKLOADS = catalogue.load().workloads


class Bad(NamedTuple):
    """A value that is refused, and what the refusal must say."""

    field: str
    value: Any
    said: list[str]


def plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(number)


def of_parameter(param: ParamSpec) -> Iterator[Bad]:
    field = f"params.{param.name}"
    if param.choices is not None:
        yield Bad(field, "no such choice", ["must be one of", *param.choices])
        yield Bad(field, 3, ["must be a text"])
    elif param.type in ("int", "float"):
        bounds = [plain(bound) for bound in (param.min, param.max) if bound is not None]
        number = ["whole number"] if param.type == "int" else ["number"]
        yield Bad(field, "many", [*number, *bounds])
        yield Bad(field, True, bounds)
        yield Bad(field, [1], bounds)
        if param.type == "int":
            yield Bad(field, 2.5, [*number, *bounds])
        if param.min is not None:
            yield Bad(field, param.min - 1, bounds)
        if param.max is not None:
            yield Bad(field, param.max + 1, bounds)
    elif param.type == "bool":
        yield Bad(field, "perhaps", ["must be true or false"])
        yield Bad(field, 2, ["must be true or false"])
    else:
        yield Bad(field, 3, ["must be a text"])
        yield Bad(field, "x" * (MAX_TEXT + 1), [str(MAX_TEXT)])


def of_workload(workload: WorkloadSpec) -> Iterator[Bad]:
    yield Bad("params.no_such", 1, ["no parameter", workload.name])
    for param in workload.params:
        yield from of_parameter(param)


def of_extent(workload: WorkloadSpec) -> Iterator[Bad]:
    workers = [str(workload.min_workers), str(workload.max_workers)]
    yield Bad("executor", "fibres", list(workload.executors))
    yield Bad("workers", workload.min_workers - 1, workers)
    yield Bad("workers", workload.max_workers + 1, workers)
    yield Bad("seconds", 0, ["0.1", "3600"])
    yield Bad("seconds", 3601, ["0.1", "3600"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    archive = str(tmp_path_factory.mktemp("archive"))  # no run of another test is in it
    with serving("steady", Settings(token=TOKEN, data_dir=archive)) as site:
        yield site


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_the_interface_names_the_field_and_its_bounds_and_starts_nothing(site, problem, workload):
    before = psutil.Process().children()
    bodies = [
        *((bad, {"params": {bad.field.partition(".")[2]: bad.value}}) for bad in of_workload(workload)),
        *((bad, {bad.field: bad.value}) for bad in of_extent(workload)),
    ]
    for bad, body in bodies:
        response = site.client.post("/api/v1/runs", json={"workload": workload.name, **body})
        answer = problem(response, 422, bad.field)
        assert all(word in answer["detail"] for word in bad.said), (bad, answer["detail"])
    assert site.runs() == []
    assert psutil.Process().children() == before


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_the_command_line_names_the_field_and_its_bounds_with_status_2(monkeypatch, capsys, workload):
    words = [
        *(
            (bad, ["-p", f"{field.partition('.')[2]}={bad.value}"])
            for field, bad in of_text(workload).items()
        ),
        *((bad, [f"--{bad.field}", str(bad.value)]) for bad in of_extent(workload)),
    ]
    for bad, more in words:
        monkeypatch.setattr("sys.argv", ["gilscope", "run", workload.name, *more])
        # In a thread of its own: in this one a browser's event loop may run.
        with ThreadPoolExecutor(1) as beside, pytest.raises(SystemExit) as ended:
            beside.submit(main.main).result()
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (2, "")
        assert bad.field.rpartition(".")[2] in err
        assert all(word in err for word in bad.said), (bad, err)


def of_text(workload: WorkloadSpec) -> dict[str, Bad]:
    """One for each parameter that is still wrong when it is written as text, the last of them."""
    texts = {param.name for param in workload.params if param.type in ("text", "choice")}
    return {
        bad.field: bad
        for bad in of_workload(workload)
        if isinstance(bad.value, str) or bad.field.partition(".")[2] not in texts
    }


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_an_executor_on_which_it_does_not_run_is_refused(site, problem, workload):
    for executor in catalogue.load().executors:
        if executor.name not in workload.executors:
            body = {"workload": workload.name, "executor": executor.name}
            answer = problem(site.client.post("/api/v1/runs", json=body), 422, "executor")
            assert workload.name in answer["detail"]


def test_no_request_leads_to_another_machine(site, problem):
    """A command of the caller's own choice is started there: that is for the command line alone."""
    problem(site.client.post("/api/v1/runs", json={"attach": {"pid": 1}, "via": "sh -c"}), 422, "via")
    assert site.runs() == []


def test_an_executor_that_an_interpreter_is_too_old_for_is_refused_with_the_version_that_it_needs(
    site, problem
):
    needs = {executor.name: executor.min_python for executor in catalogue.load().executors}
    found = site.client.get("/api/v1/interpreters").json()["interpreters"]
    refused = 0
    for interpreter in found:
        version = tuple(map(int, interpreter["version"].partition("+")[0].split(".")[:2]))
        for name, oldest in needs.items():
            workload = next((each for each in WORKLOADS if name in each.executors), None)
            if interpreter["supported"] and workload is not None and version < oldest:
                body = {"workload": workload.name, "executor": name, "python": interpreter["path"]}
                answer = problem(site.client.post("/api/v1/runs", json=body), 422, "executor")
                assert ".".join(map(str, oldest)) in answer["detail"]
                refused += 1
    assert refused
    assert site.runs() == []
