"""What workloads declare, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.workloads import catalogue
from app.workloads.catalogue import InvalidRequest, Param
from app.workloads.executors import EXECUTORS
from app.workloads.line import MAX_WORKERS
from app.workloads.measured import UNITS

ROOT = Path(__file__).parents[3]
WORKLOADS = catalogue.workloads()
KEYS = {
    *("name", "family", "title", "sentence", "op", "question", "params", "executors", "executor", "workers"),
    *("min_workers", "max_workers", "min_python", "look_for", "why", "helps"),
    *("subject", "chapters", "asked", "table", "finding", "actions", "mended"),
}


def test_list_prints_the_whole_catalogue_as_one_document():
    command = [sys.executable, "-m", "app.workloads", "list"]
    listed = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    assert set(listed) == {"schema", "chapters", "workloads", "executors"}
    assert [each["number"] for each in listed["chapters"]] == list(range(1, 20))
    assert listed["schema"] == 1
    assert [each["name"] for each in listed["workloads"]] == [workload.name for workload in WORKLOADS]
    assert [each["name"] for each in listed["executors"]] == [
        *("sequential", "threads", "processes", "asyncio", "subinterpreters")
    ]
    assert all(set(each) == {"name", "sentence", "min_python"} for each in listed["executors"])
    for each in listed["workloads"]:
        assert set(each) == KEYS
        for param in each["params"]:
            assert set(param) == {
                "name",
                "type",
                "default",
                "min",
                "max",
                "choices",
                "help",
                "unit",
                "program",
            }


def test_importing_the_package_is_cheap():
    program = "import sys; before = set(sys.modules); import app.workloads; print(set(sys.modules) - before)"
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert eval(said.stdout) == {"app", "app.workloads"}


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_a_declaration_agrees_with_itself(workload: catalogue.Workload):
    known = {executor.name for executor in EXECUTORS}
    assert workload.executor in workload.executors
    assert set(workload.executors) <= known
    assert ("asyncio" in workload.executors) == (workload.coroutine is not None)
    assert ("start_method" in {param.name for param in workload.params}) == (
        "processes" in workload.executors
    )
    assert {each.unit for each in workload.shown} <= set(UNITS)
    assert workload.question in catalogue.QUESTIONS
    assert 1 <= workload.min_workers <= workload.workers <= workload.max_workers <= MAX_WORKERS
    assert 2 <= len(workload.look_for) <= 3
    assert workload.why
    assert workload.helps
    assert workload.subject
    told = (workload.sentence, *workload.look_for, *workload.why, *workload.helps)
    assert all(text.endswith(".") for text in told)
    names = [workload.role(worker)[1] for worker in range(workload.max_workers)]
    assert workload.counting in (None, *workload.roles)
    assert len({name.encode()[:15] for name in names}) == workload.max_workers
    setting = catalogue.setting(workload.name, {}, None, None, catalogue.DEFAULT_SECONDS)
    assert setting.params == {param.name: param.default for param in workload.params}
    for param in workload.params:
        assert type(param.check(param.default)) is type(param.default)
        assert (param.type == "choice") == (param.choices is not None)
        assert (param.type in ("int", "float")) == (param.min is not None) == (param.max is not None)


@pytest.mark.parametrize("workload", [each for each in WORKLOADS if each.mended], ids=lambda each: each.name)
def test_a_mended_variant_can_be_run_and_is_another(workload: catalogue.Workload):
    mended = workload.mended
    own = catalogue.setting(workload.name, {}, None, None, 1.0)
    setting = catalogue.setting(
        mended.workload or workload.name, mended.params, mended.executor, mended.workers, 1.0
    )
    assert setting != own


def test_names_are_unique():
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)


@pytest.mark.parametrize(
    ("param", "value"),
    [
        (Param("p", "int", 1, "", min=1, max=3), 0),
        (Param("p", "int", 1, "", min=1, max=3), 4),
        (Param("p", "int", 1, "", min=1, max=3), 1.0),
        (Param("p", "int", 1, "", min=1, max=3), True),
        (Param("p", "int", 1, "", min=1, max=3), "1"),
        (Param("p", "int", 1, "", min=1, max=3), None),
        (Param("p", "float", 1.0, "", min=1.0, max=3.0), float("nan")),
        (Param("p", "float", 1.0, "", min=1.0, max=3.0), float("inf")),
        (Param("p", "bool", False, ""), 1),
        (Param("p", "choice", "a", "", choices=("a", "b")), "c"),
        (Param("p", "choice", "a", "", choices=("a", "b")), ["a"]),
        (Param("p", "text", "", ""), 1),
    ],
)
def test_a_wrong_value_is_refused(param: Param, value: object):
    with pytest.raises(InvalidRequest) as refused:
        param.check(value)
    assert refused.value.field == "params.p"


def test_a_whole_number_is_a_float_too():
    value = Param("p", "float", 1.0, "", min=1.0, max=3.0).check(2)
    assert (value, type(value)) == (2.0, float)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("nothing", {}, None, None, 1.0), "workload"),
        (("convoy", {}, "sequential", None, 1.0), "executor"),
        (("convoy", {}, None, 1, 1.0), "workers"),
        (("convoy", {}, None, 17, 1.0), "workers"),
        (("convoy", {}, None, None, 0.0), "seconds"),
        (("convoy", {}, None, None, float("nan")), "seconds"),
        (("convoy", {"colour": "red"}, None, None, 1.0), "params.colour"),
        (("convoy", {"think_ms": 0}, None, None, 1.0), "params.think_ms"),
    ],
)
def test_what_cannot_be_run_is_refused_by_field(arguments: tuple, field: str):
    with pytest.raises(InvalidRequest) as refused:
        catalogue.setting(*arguments)
    assert refused.value.field == field


def test_workers_are_named_by_role():
    names = [catalogue.find("convoy").role(worker)[1] for worker in range(4)]
    assert names == ["io-1", "cpu-1", "cpu-2", "cpu-3"]
