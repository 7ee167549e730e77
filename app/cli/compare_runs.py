"""`gilscope compare RUN RUN`: two recorded runs side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import typer

from app.cli.kept import opened
from app.cli.tables import SHOW, Column, render
from app.lab.comparison import compared
from app.model import units
from app.model.units import ABSENT

Json = dict[str, Any]

_SHOW = {**SHOW, "rate": units.per_second}  # of a run: in whole numbers


def compare_runs(a: str, b: str, as_json: bool) -> None:
    """Print two recorded runs, each an id or a file, side by side."""
    with opened(a) as one, opened(b) as other:
        found = compared(one, other)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else text(found))


def text(found: Json) -> str:
    """The comparison as tables."""
    heads = [f"{letter}  {_head(run)}" for letter, run in zip("AB", found["runs"], strict=True)]
    return "\n\n".join(
        part
        for part in (
            "\n".join(heads),
            "\n".join(found["at_once"]["says"]),
            _figures(found),
            _findings(found),
            _program(found["program"]),
            _fields(found, "asked"),
            _fields(found, "reported"),
        )
        if part
    )


def _head(run: Json) -> str:
    state = run["state"].replace("_", " ")
    return f"{run['name']} · {run['id']} · {state} after {units.seconds(run['duration_s'])}"


def _figures(found: Json) -> str:
    columns = [Column("Figure"), *(Column(name, "right") for name in ("A", "B", "B against A")), Column("")]
    rows = []
    for figure in found["figures"]:
        show = _SHOW[figure["unit"]]
        if figure["a"]["value"] is None and figure["b"]["value"] is None:
            continue
        sides = [_side(figure[side], show) for side in ("a", "b")]
        rows.append([figure["label"], *sides, change(figure), figure["why"]])
    return render(columns, rows)


def _side(side: Json, show: Callable[[float | None], str]) -> str:
    band = f" ({show(side['low'])} … {show(side['high'])})" if side["low"] is not None else ""
    return f"{show(side['value'])}{band}"


def change(figure: Json) -> str:
    """The difference where it may be said, else a dash or that it is none."""
    if figure["says"] == "alike":
        return "alike"
    if figure["says"] not in ("higher", "lower"):
        return ABSENT
    return f"{figure['change'] * 100:+.0f} %" if figure["change"] is not None else str(figure["says"])


def _findings(found: Json) -> str:
    where = {"a": "gone in B", "b": "came with B", "both": "in both"}
    rows = [[where[one["in"]], one["severity"], one["code"], one["title"]] for one in found["findings"]]
    return render([Column("Findings"), Column("severity"), Column("code"), Column("")], rows) if rows else ""


def _program(program: Json | None) -> str:
    """In which lines the scripts differ, as `diff` shows it."""
    if program is None:
        return ""
    signs = {"a": "-", "b": "+", "both": " "}
    lines = [f"{signs[line['in']]} {line['text']}" for line in program["lines"]]
    more = [f"{program['more']} lines more are left out."] if program["more"] else []
    return "\n".join([program["says"], *lines, *more])


def _fields(found: Json, part: str) -> str:
    rows = [[one["name"], *(_value(one[side]) for side in ("a", "b"))] for one in found[part]]
    heading = "Asked differently" if part == "asked" else "Reported differently"
    return render([Column(heading), Column("A"), Column("B")], rows) if rows else ""


def _value(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
