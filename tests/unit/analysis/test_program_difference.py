"""In which lines two scripts differ."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.program_difference import MOST_MATCHED, MOST_SHOWN, Ran, program_difference

LONG = [f"line_{number}()" for number in range(20)]


def difference(a: str | None, b: str | None) -> dict[str, Any]:
    found = program_difference(Ran("script", a, None), Ran("script", b, None))
    assert found
    return found


def test_lines_of_one_alone_stand_with_two_common_ones_around_them() -> None:
    other = [*LONG[:10], "new()", *LONG[11:]]
    found = difference("\n".join(LONG), "\n".join(other))
    assert found["same"] is False
    assert found["says"] == "The scripts differ: 1 line only in A, 1 line only in B."
    assert [(line["in"], line["a"], line["b"], line["text"]) for line in found["lines"]] == [
        ("both", 9, 9, "line_8()"),
        ("both", 10, 10, "line_9()"),
        ("a", 11, None, "line_10()"),
        ("b", None, 11, "new()"),
        ("both", 12, 12, "line_11()"),
        ("both", 13, 13, "line_12()"),
    ]


@pytest.mark.parametrize("at", [0, 19], ids=["first", "last"])
def test_a_line_more_at_an_end(at: int) -> None:
    other = list(LONG)
    other.insert(at if at == 0 else 20, "new()")
    lines = difference("\n".join(LONG), "\n".join(other))["lines"]
    assert [line["text"] for line in lines if line["in"] != "both"] == ["new()"]
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("a", "b", "same", "says"),
    [
        ("pass", "pass", True, "Both ran the same script."),
        (None, "pass", None, "Whether both ran the same script is unknown: A's text was not kept."),
        (None, None, None, "Whether both ran the same script is unknown: both texts were not kept."),
        ("pass\n", "pass", False, "The scripts differ only in how their lines end."),
    ],
)
def test_what_is_said_without_lines(a: str | None, b: str | None, same: bool | None, says: str) -> None:
    assert difference(a, b) == {"same": same, "says": says, "lines": [], "more": 0}


def test_scripts_without_a_common_line_differ_in_all_of_them_and_the_rest_is_counted() -> None:
    a, b = ("\n".join(f"{name}{number}" for number in range(400)) for name in "ab")
    found = difference(a, b)
    assert len(found["lines"]) == MOST_SHOWN
    assert found["more"] == 800 - MOST_SHOWN


def test_scripts_too_long_to_be_matched_say_from_where_on_they_differ() -> None:
    a, b = ("\n".join(["same", *[name] * (MOST_MATCHED + 1), "end"]) for name in "ab")
    found = difference(a, b)
    assert found["says"].startswith("The scripts differ from line 2 on")
    assert found["lines"] == []


def test_a_long_common_part_is_no_work() -> None:
    same = "\n".join(f"x{number}" for number in range(50_000))
    assert len(difference(f"{same}\na", f"{same}\nb")["lines"]) == 4


def test_what_looks_like_a_secret_is_blanked() -> None:
    [line] = [one for one in difference("pass", 'password = "hunter2"')["lines"] if one["in"] == "b"]
    assert "hunter2" not in line["text"]


def test_a_run_of_a_workload_has_no_program_to_show_and_one_command_may_have_changed() -> None:
    workload, script = Ran("workload", None, None), Ran("script", "pass", None)
    command = Ran("command", None, ["python3", "x.py"])
    assert program_difference(workload, workload) is None
    assert program_difference(command, Ran("command", None, ["python3", "y.py"])) is None
    mixed, same = program_difference(workload, script), program_difference(command, command)
    assert mixed
    assert mixed["says"] == "Only B is a script."
    assert same
    assert (same["same"], same["lines"]) == (None, [])
