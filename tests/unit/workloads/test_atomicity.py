"""The matrix of operations: its judgements, the byte code beside them, and the order of flag and data."""

from __future__ import annotations

from time import monotonic_ns
from typing import Any

import pytest
from support.by_hand import run, until
from support.interpreters import PROMISED, PROMISED_FREE, ask, interpreter, name

from app.workloads.atomicity.operations import ATOMIC, OPERATIONS, Operation
from app.workloads.atomicity.trial import Trial

PYTHONS = [*PROMISED, *PROMISED_FREE]
on_each = pytest.mark.parametrize("python", [found.path for found in PYTHONS], ids=[*map(name, PYTHONS)])


def alone(operation: Operation) -> Trial:
    """A trial after one round by one thread."""
    trial = Trial(operation, threads=1)
    trial.begin()
    assert trial.play(0, monotonic_ns() + 5_000_000) > 0
    return trial


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.statement)
def test_one_thread_alone_loses_nothing(operation: Operation) -> None:
    trial = alone(operation)
    trial.judge()
    assert trial.lost == 0
    assert trial.verdict == f"no loss seen in {trial.tries:,} tries"


def test_what_is_missing_is_counted() -> None:
    append = alone(OPERATIONS[0])
    items: list[int] = append._names["L"]
    del items[-3:]
    append.judge()
    assert append.lost == 3
    assert append.verdict == "not atomic"


def test_an_error_that_one_thread_never_sees_counts_as_well() -> None:
    trial = alone(Operation("L[0]", lambda: {"L": []}, lambda left: 0))
    trial.judge()
    assert trial.lost == trial.tries > 0


def test_without_a_try_there_is_no_verdict() -> None:
    assert Trial(OPERATIONS[0], threads=2).verdict == "not tried"


def test_the_byte_code_is_that_of_the_line_alone() -> None:
    byte_code = next(Trial(each, 1).byte_code for each in OPERATIONS if each.statement == "i += 1")
    names = [instruction.split()[0] for instruction in byte_code.split(", ")]
    assert names == ["LOAD_GLOBAL", "LOAD_CONST", "BINARY_OP", "STORE_GLOBAL"]


def losses(result: dict[str, Any]) -> dict[str, int]:
    """How many tries of each statement went wrong."""
    return {row[0]: row[3] for row in result["table"]["rows"]}


@on_each
def test_the_matrix_tries_all_and_claims_nothing_without_a_count(python: str) -> None:
    free_threaded = interpreter(python).free_threaded
    # With a GIL something is lost where threads are switched in the midst of a try; without one they need the
    # cores at the same time. A busy machine gives them either less often.
    lose = ["i = int(i) + 1", *(["i += 1"] if free_threaded else [])]
    result = until(
        lambda result: (
            all(row[2] for row in result["table"]["rows"]) and all(losses(result)[each] for each in lose)
        ),
        lambda seconds: run("atomic-matrix", "--seconds", str(seconds), python=python),
        3.0 if free_threaded else 1.2,
    )
    rows = {row[0]: row for row in result["table"]["rows"]}
    assert list(rows) == [operation.statement for operation in OPERATIONS]
    for _, _, tries, lost, verdict, book in rows.values():
        assert tries > 0
        assert verdict == ("not atomic" if lost else f"no loss seen in {tries:,} tries")
        assert not (lost and book == ATOMIC)
    assert rows["i = int(i) + 1"][3] > 0
    assert (rows["i += 1"][3] > 0) == free_threaded
    assert result["ops"] == sum(row[2] for row in rows.values())
    assert result["python"] == ask(python, "import platform; print(platform.python_version())")


@on_each
def test_no_reader_sees_the_flag_before_the_data(python: str) -> None:
    result = run("ordering", "--seconds", "0.5", "--workers", "3", python=python)
    assert result["violations"] == 0
    assert 0 < result["seen"] <= 2 * result["publications"]
    assert f"{result['ops']:,} tries" in result["showed"][0]
