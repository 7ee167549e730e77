"""What would help a program, as a person reads it: takes the answer alone, and computes nothing."""

from __future__ import annotations

import os
import textwrap

from app.cli.tables import Column, render
from app.model import units
from app.model.forecast import Advice, ForecastRow
from app.model.units import ABSENT

_WIDTH = 100


def text(answer: Advice) -> str:
    """The verdict first, then what it rests on; parts separated by empty lines."""
    verdict = answer["verdict"]
    sure = f" ({verdict['sure']})" if verdict["sure"] else ""
    parts = [
        _wrapped(f"{verdict['sentence']}{sure}"),
        *map(_wrapped, answer["sentences"]),
        _ways(answer),
        _functions(answer),
        _assumptions(answer),
    ]
    return "\n\n".join(part for part in parts if part)


def _ways(answer: Advice) -> str:
    columns = [Column("forecast"), *(Column(name, "right") for name in ("throughput", "band", "memory"))]
    rows = [[row["title"], *_numbers(row)] for row in answer["forecast"]["rows"]]
    return render(columns, rows) if rows else ""


def _numbers(row: ForecastRow) -> list[str]:
    band, memory = row["throughput"], row["memory"]
    if band is None:
        return [ABSENT, row["why_not"] or "", ABSENT]
    more = f"{units.size(memory['low'])} to {units.size(memory['high'])}" if memory else ABSENT
    return [f"×{band['middle']:.2f}", f"{band['low']:.2f} to {band['high']:.2f}", more]


def _functions(answer: Advice) -> str:
    mended = answer["mend"]
    columns = [Column("function made twice as fast"), Column("where")]
    columns += [Column("of the CPU time", "right"), Column("throughput", "right")]
    rows = [
        [
            row["function"],
            f"{os.path.basename(row['file'])}:{row['line']}",
            units.share(row["busy_share"]),
            f"×{row['throughput']:.2f}",
        ]
        for row in mended["rows"]
    ]
    if not rows:
        return f"Functions: {mended['why_not']}" if mended["why_not"] else ""
    return render(columns, rows)


def _assumptions(answer: Advice) -> str:
    """Each once, in the order of the rows that make them."""
    said = dict.fromkeys(each for row in answer["forecast"]["rows"] for each in row["assumptions"])
    if not said:
        return ""
    return "\n".join(["Assumed:", *(_wrapped(each, "- ", "  ") for each in said)])


def _wrapped(words: str, first: str = "", later: str = "") -> str:
    return textwrap.fill(words, _WIDTH, initial_indent=first, subsequent_indent=later)
