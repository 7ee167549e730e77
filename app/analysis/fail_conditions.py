"""Conditions under which an experiment counts as failed, for a build to break on.

    [EXECUTOR[/WORKERS[/PYTHON]]:] MEASURE < | <= | > | >= NUMBER[UNIT]

`ops_per_s < 0.9x` is of every configuration against the baseline: below 0.9 times as much. With
`threads/2: pss_peak > 500M` it is the figure itself, of that configuration alone. Units: x (times the
baseline), s, ms, us, K, M, G (binary), %. MEASURE is a key of MEASURES.

A condition holds only where that is more than noise: the whole interval of 95 % lies beyond the bound, and
of a ratio the difference is one. Of fewer than four repetitions, which have no interval, the median decides.
What was not measured fails as well: a build that passes because nothing was measured tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.analysis.experiment_measures import MEASURES

Json = dict[str, Any]

_CONDITION = re.compile(
    r"\s*(?:(?P<where>[^:<>=]+?)\s*:)?\s*(?P<measure>[a-z0-9_]+)\s*(?P<sign><=|>=|<|>)"
    r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-zA-Z%]*)\s*"
)
_UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "%": 0.01, "K": 2.0**10, "M": 2.0**20, "G": 2.0**30}
_OF_BASELINE = "x"


@dataclass(frozen=True, slots=True)
class FailCondition:
    """One condition. `where` are executor, workers and interpreter, as far as they are named."""

    text: str
    where: tuple[str, ...]
    measure: str
    sign: str
    bound: float
    relative: bool

    @classmethod
    def parse(cls, text: str) -> FailCondition:
        """The condition that a text is; ValueError says what is wrong with it."""
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is no condition such as 'ops_per_s < 0.9x' or 'threads/2: cpu_s > 1.5s'"
            )
        keys = [measure.key for measure in MEASURES]
        if found["measure"] not in keys:
            raise ValueError(f"{found['measure']!r} is no measure; there are {', '.join(keys)}")
        unit = found["unit"]
        if unit != _OF_BASELINE and unit not in _UNITS:
            raise ValueError(f"{unit!r} is no unit; there are x, {', '.join(filter(None, _UNITS))}")
        where = tuple(part.strip() for part in (found["where"] or "").split("/") if part.strip())
        return cls(
            text=text.strip(),
            where=where,
            measure=found["measure"],
            sign=found["sign"],
            bound=float(found["number"]) * _UNITS.get(unit, 1.0),
            relative=unit == _OF_BASELINE,
        )

    def failures(self, result: Json) -> Iterator[tuple[int, str]]:
        """The configurations of a result that it holds for, by their places, each with why."""
        baseline = result["verdict"]["baseline"]
        matched = [
            (place, row)
            for place, row in enumerate(result["configurations"])
            if self._is_meant(row) and not (self.relative and place == baseline)
        ]
        if not matched:
            yield -1, "no such configuration was measured"
        for place, row in matched:
            why = self._why(row)
            if why is not None:
                yield place, why

    def _is_meant(self, row: Mapping[str, Any]) -> bool:
        names = (row["executor"], row["workers"], row["python"])
        return all(
            wanted == str(name) or (name == row["python"] and str(name).startswith(f"{wanted}."))
            for wanted, name in zip(self.where, names, strict=False)
        )

    def _why(self, row: Mapping[str, Any]) -> str | None:
        if row["error"]:
            return f"it was given up: {row['error']}"
        found = row["differences" if self.relative else "measures"][self.measure]
        if found is None:
            return "it was not measured"
        value = found["ratio" if self.relative else "median"]
        if value is None:
            return "there is no ratio to the baseline"
        if self.relative and found["says"] == "within-noise":
            return None
        low, high = (value if found[side] is None else found[side] for side in ("low", "high"))
        # The end that is nearest to being all right decides.
        if not self._beyond(high if self.sign[0] == "<" else low):
            return None
        between = "" if found["low"] is None else f" ({found['low']:.4g} … {found['high']:.4g})"
        return f"{value:.4g}{' times the baseline' if self.relative else ''}{between}"

    def _beyond(self, value: float) -> bool:
        if self.sign == "<":
            return value < self.bound
        if self.sign == "<=":
            return value <= self.bound
        return value > self.bound if self.sign == ">" else value >= self.bound
