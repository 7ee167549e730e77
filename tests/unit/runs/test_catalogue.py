"""What may be asked of a workload, and how a wrong request is told."""

import subprocess
from dataclasses import replace

import pytest

from app.model.errors import BadRequest, GilscopeError, NotFound
from app.runs import catalogue
from app.runs.catalogue import ExecutorSpec, check, load, parse
from app.workloads import catalogue as declared


def param(name, type, default, **bounds):
    return {
        "name": name, "type": type, "default": default, "help": f"Help of {name}.", "min": None, "max": None,
        "choices": None, "unit": None, "program": False, **bounds,
    }  # fmt: skip


LISTED = {
    "schema": 1,
    "chapters": [{"number": 15, "title": "The lock"}],
    "workloads": [
        {
            "name": "convoy",
            "family": "gil",
            "title": "A convoy",
            "sentence": "One thread waits for many.",
            "op": "one answer",
            "question": "gil",
            "params": [
                param("sleep_ms", "float", 5.0, min=0.1, max=1000),
                param("batch", "int", 10, min=1),
                param("below", "float", 0.0, max=1),
                param("free", "float", 0.0),
                param("fast", "bool", False),
                param("kind", "choice", "a", choices=["a", "b"]),
                param("label", "text", ""),
            ],
            "executors": ["threads", "processes"],
            "executor": "threads",
            "workers": 4,
            "min_workers": 2,
            "max_workers": 64,
            "min_python": [3, 9],
            "look_for": ["The wait."],
            "why": ["One lock."],
            "helps": [],
            "subject": "",
            "chapters": [15],
            "asked": "How long is the wait?",
            "actions": [{"name": "free", "title": "Free", "help": "Free all."}],
            "mended": None,
            "table": None,
            "finding": "gil-convoy",
        }
    ],
    "executors": [{"name": "threads", "sentence": "Threads.", "min_python": [3, 9]}],
}


@pytest.fixture
def convoy():
    return parse(LISTED).get("convoy")


def test_the_real_catalogue_is_listed_once_and_each_default_is_within_its_bounds():
    known = load()
    assert load() is known
    assert {"cpu-bound", "io-bound", "convoy", "native-release", "native-hold"} <= {
        spec.name for spec in known.workloads
    }
    for spec in known.workloads:
        checked = check(
            spec, {param.name: param.default for param in spec.params}, spec.executor, spec.workers
        )
        assert checked == check(spec, {})
        assert spec.executor in spec.executors
        assert set(spec.executors) <= {executor.name for executor in known.executors}


def test_the_bounds_of_seconds_are_those_of_the_workloads():
    assert (catalogue.MIN_SECONDS, catalogue.MAX_SECONDS, catalogue.DEFAULT_SECONDS) == (
        declared.MIN_SECONDS, declared.MAX_SECONDS, declared.DEFAULT_SECONDS,
    )  # fmt: skip


def test_the_catalogue_goes_out_in_the_shape_in_which_it_came():
    assert parse(LISTED).to_json() == {
        "schema": 1,
        "chapters": ({"number": 15, "title": "The lock"},),
        "workloads": (
            {
                **LISTED["workloads"][0],
                "params": tuple(
                    {**row, "choices": row["choices"] and tuple(row["choices"])}
                    for row in LISTED["workloads"][0]["params"]
                ),
                "executors": ("threads", "processes"),
                "min_python": (3, 9),
                "look_for": ("The wait.",),
                "why": ("One lock.",),
                "helps": (),
                "subject": "",
                "chapters": (15,),
                "asked": "How long is the wait?",
                "actions": ({"name": "free", "title": "Free", "help": "Free all."},),
                "mended": None,
            },
        ),
        "executors": ({"name": "threads", "sentence": "Threads.", "min_python": (3, 9)},),
    }


@pytest.mark.parametrize(
    ("workload", "executor", "field"), [((3, 9), (3, 13), "executor"), ((3, 13), (3, 9), "python")]
)
def test_what_an_interpreter_is_too_old_for_is_refused(convoy, workload, executor, field):
    spec = replace(convoy, min_python=workload)
    known = replace(parse(LISTED), executors=(ExecutorSpec("threads", "Threads.", executor),))
    catalogue.check_python(spec, "threads", known, (3, 13, 0), "3.13.0")
    with pytest.raises(BadRequest, match=r"needs CPython 3\.13 or later, and this is 3\.12\.1") as refused:
        catalogue.check_python(spec, "threads", known, (3, 12, 1), "3.12.1")
    assert refused.value.field == field


def test_what_is_not_given_has_its_default(convoy):
    checked = check(convoy, {})
    assert checked.params == {
        "sleep_ms": 5.0, "batch": 10, "below": 0.0, "free": 0.0, "fast": False, "kind": "a", "label": "",
    }  # fmt: skip
    assert (checked.executor, checked.workers, checked.seconds) == ("threads", 4, 10.0)


def test_texts_are_taken_for_what_they_mean(convoy):
    params = {"sleep_ms": " 2.5 ", "batch": "8", "fast": "on", "kind": "b", "label": "x", "free": "-1e3"}
    checked = check(convoy, params, "processes", "16", "0.1")
    assert checked.params == {
        "sleep_ms": 2.5, "batch": 8, "below": 0.0, "free": -1000.0, "fast": True, "kind": "b", "label": "x",
    }  # fmt: skip
    assert (checked.executor, checked.workers, checked.seconds) == ("processes", 16, 0.1)
    assert type(checked.params["batch"]) is int
    assert type(check(convoy, {"sleep_ms": 2}).params["sleep_ms"]) is float
    assert type(check(convoy, {"batch": 2.0}).params["batch"]) is int


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("ON", True), ("1", True), ("off", False), ("no", False)]
)
def test_a_switch_is_read_as_forms_and_shells_write_it(convoy, text, meant):
    assert check(convoy, {"fast": text}).params["fast"] is meant


@pytest.mark.parametrize(
    ("name", "value", "detail"),
    [
        ("sleep_ms", -3, "must be between 0.1 and 1000; it was -3"),
        ("sleep_ms", "2000", "must be between 0.1 and 1000; it was '2000'"),
        ("sleep_ms", "fast", "must be a number between 0.1 and 1000; it was 'fast'"),
        ("sleep_ms", "nan", "must be a number between 0.1 and 1000; it was 'nan'"),
        ("sleep_ms", float("inf"), "must be a number between 0.1 and 1000; it was inf"),
        ("sleep_ms", True, "must be a number between 0.1 and 1000; it was True"),
        ("sleep_ms", [1], r"must be a number between 0.1 and 1000; it was \[1\]"),
        ("batch", 0, "must be a whole number, at least 1; it was 0"),
        ("batch", "2.5", "must be a whole number, at least 1; it was '2.5'"),
        ("batch", 10**400, "must be a whole number, at least 1"),
        ("below", 1.5, "must be at most 1; it was 1.5"),
        ("free", "x", "must be a number; it was 'x'"),
        ("fast", "maybe", "must be true or false; it was 'maybe'"),
        ("fast", 1, "must be true or false; it was 1"),
        ("kind", "c", "must be one of a, b; it was 'c'"),
        ("kind", 1, "must be a text; it was 1"),
        ("label", False, "must be a text; it was False"),
    ],
)
def test_a_wrong_value_is_told_with_its_field_and_its_bound(convoy, name, value, detail):
    with pytest.raises(BadRequest, match=f"^params.{name} {detail}") as refused:
        check(convoy, {name: value})
    assert (refused.value.field, refused.value.remedy) == (f"params.{name}", f"Help of {name}.")


@pytest.mark.parametrize(
    ("settings", "field", "detail"),
    [
        (
            {"executor": "asyncio"},
            "executor",
            "must be one of threads, processes for convoy; it was 'asyncio'",
        ),
        ({"executor": ""}, "executor", "it was ''"),
        ({"workers": 1}, "workers", "must be a whole number between 2 and 64; it was 1"),
        ({"workers": "65"}, "workers", "must be a whole number between 2 and 64; it was '65'"),
        ({"seconds": 0}, "seconds", "must be between 0.1 and 3600; it was 0"),
        ({"seconds": "1h"}, "seconds", "must be a number between 0.1 and 3600; it was '1h'"),
    ],
)
def test_a_wrong_setting_is_told_with_its_field_and_its_bound(convoy, settings, field, detail):
    with pytest.raises(BadRequest, match=detail) as refused:
        check(convoy, {}, **settings)
    assert refused.value.field == field


def test_an_unknown_parameter_is_told_with_its_nearest(convoy):
    with pytest.raises(BadRequest, match="convoy has no parameter 'sleepms'") as refused:
        check(convoy, {"sleepms": 1})
    assert refused.value.field == "params.sleepms"
    assert refused.value.remedy.startswith("Did you mean sleep_ms? There are: sleep_ms, batch,")


def test_an_unknown_workload_is_told_with_its_nearest():
    with pytest.raises(NotFound, match=r"There is no workload 'convoi'\. Did you mean convoy\?") as refused:
        parse(LISTED).get("convoi")
    assert refused.value.field == "workload"


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        (["-c", "raise SystemExit('no catalogue today')"], "no catalogue today"),
        (["-c", "import time; time.sleep(60)"], "not listed within 0.5 s"),
    ],
)
def test_workloads_that_cannot_be_listed_are_an_error_that_says_so(monkeypatch, listing, said):
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **options: run([command[0], *listing], **options))
    monkeypatch.setattr(catalogue, "_LIST_LIMIT_S", 0.5)
    with pytest.raises(GilscopeError, match=said):
        load.__wrapped__()
