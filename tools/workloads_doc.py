"""Write docs/workloads.md from the catalogue: `python tools/workloads_doc.py`; a test holds it current."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.workloads import catalogue
from app.workloads.catalogue import Param, Variant, Workload
from app.workloads.executors import EXECUTORS

DOCUMENT = Path(__file__).parents[1] / "docs" / "workloads.md"

HEAD = """\
# Workloads

This page is made from the declarations in `app/workloads` by `python tools/workloads_doc.py`; do not edit it.

Each workload runs in a process of its own, for `--seconds` at the longest (10 unless told, up to 3,600), ends
within a second when it is stopped, and says in its result what it did. Start one on the page `/`, with
`gilscope run NAME -p PARAMETER=VALUE --executor EXECUTOR --workers N --python VERSION`, or with
`POST /api/v1/runs`.
"""


def document() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_executors(), *_families()]).rstrip() + "\n"


def _executors() -> Iterator[str]:
    yield "## Executors\n"
    yield "| executor | | CPython |"
    yield "| --- | --- | --- |"
    for executor in EXECUTORS:
        yield f"| `{executor.name}` | {executor.sentence} | {_version(executor.min_python)} |"
    yield ""


def _families() -> Iterator[str]:
    family = None
    for workload in catalogue.workloads():
        if workload.family != family:
            family = workload.family
            yield f"## {family}\n"
        yield from _workload(workload)


def _workload(workload: Workload) -> Iterator[str]:
    yield f"### {workload.name}\n"
    yield f"**{workload.title}.** {workload.sentence}\n"
    others = [f"`{name}`" for name in workload.executors if name != workload.executor]
    yield (
        f"Runs on `{workload.executor}`"
        + (f" (or {', '.join(others)})" if others else "")
        + f", {_workers(workload)}, CPython "
        f"{_version(workload.min_python)}. One operation: {workload.op}."
        + (f" Finding: `{workload.finding}`." if workload.finding else "")
        + (f" Mended: {_variant(workload.mended)}." if workload.mended else "")
        + "\n"
    )
    if workload.params:
        yield "| parameter | default | | |"
        yield "| --- | --- | --- | --- |"
        yield from map(_param, workload.params)
        yield ""
    if workload.actions:
        yield from (f"- Button **{action.title}**: {action.help}" for action in workload.actions)
        yield ""
    for title, sentences in (
        ("What to look for", workload.look_for),
        ("Why", workload.why),
        ("What helps", workload.helps),
    ):
        if sentences:
            yield f"{title}:\n"
            yield from (f"- {sentence}" for sentence in sentences)
            yield ""
    if workload.table:
        yield from _table(workload.table)
        yield ""
    if workload.subject:
        yield f"Subject: {workload.subject}\n"


def _table(table: Mapping[str, Any]) -> Iterator[str]:
    yield f"| {' | '.join(table['columns'])} |"
    yield f"|{' --- |' * len(table['columns'])}"
    yield from (f"| {' | '.join(row)} |" for row in table["rows"])


def _workers(workload: Workload) -> str:
    if workload.min_workers == workload.max_workers:
        return "with one worker" if workload.workers == 1 else f"with {workload.workers} workers"
    return f"with {workload.workers} workers ({workload.min_workers} to {workload.max_workers})"


def _param(param: Param) -> str:
    default = _shown(param.default) + (f" {param.unit}" if param.unit else "")
    return f"| `{param.name}` | {default} | {_bounds(param)} | {param.help} |"


def _bounds(param: Param) -> str:
    if param.choices:
        return ", ".join(f"`{choice}`" for choice in param.choices)
    if param.type == "bool":
        return "true, false"
    return "" if param.min is None else f"{_shown(param.min)} to {_shown(param.max)}"


def _variant(variant: Variant) -> str:
    changes = [f"`-p {name}={_typed(value)}`" for name, value in variant.params.items()]
    if variant.executor:
        changes.append(f"`--executor {variant.executor}`")
    if variant.workers:
        changes.append(f"`--workers {variant.workers}`")
    of = f"`{variant.workload}` " if variant.workload else ""
    title = variant.title[0].lower() + variant.title[1:]
    return f"{title} ({of}{' '.join(changes)})" if of or changes else title


def _typed(value: object) -> str:
    """As one types it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: object) -> str:
    """As one reads it, on one line."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,.10g}"
    text = _typed(value)
    return "a program, see the form" if "\n" in text else text


def _version(version: tuple[int, int]) -> str:
    return ".".join(map(str, version)) + " or later"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; with --check, say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if the page is not current"
    )
    if not parser.parse_args(argv).check:
        DOCUMENT.write_text(document(), encoding="utf-8")
        return 0
    if DOCUMENT.read_text(encoding="utf-8") == document():
        return 0
    print(f"{DOCUMENT} is not what the catalogue says: run `python tools/workloads_doc.py`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
