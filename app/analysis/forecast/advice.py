"""The verdict in words: what to do, what it costs, what stays serial, what to mend first, and how sure it is.

A way is worth naming where it is foretold to give a fifth more. Among those within a fifth of the best the
one that changes the program least is named: one thread more, then a free-threaded build, processes,
interpreters. Where none does, the function is named whose half would give a tenth or more; else the program
is told to stay.

What a finding tells that no way of running mends comes before all of that: threads that only ask again and
again, a loop that is blocked, work that costs less than to hand it over. A forecast is of a program that goes
on to do so. A lock at which threads take turns, and a thread that stalls with the GIL, are told where no way
is named.

`sure` says "fairly sure" where even the low end of the band is a gain, "unsure" where it is none, and "a
guess" where less than two seconds, or less than four fifths of the time, were seen. That no way is worth
naming is "unsure" where a band reaches so far that one may be.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from app.analysis.findings.pools import is_full, severity
from app.analysis.forecast.choices import forecast
from app.model import units
from app.model.forecast import (
    Advice,
    Compatibility,
    Forecast,
    ForecastRow,
    Mend,
    MendRow,
    Sureness,
    Verdict,
)
from app.model.summary import FindingRow, Measurements, Summary

SCHEMA = 1
_WORTH = 1.2
_MEND_WORTH = 1.1
_TELLING = 1.02  # a function whose half gives less is not told
_ALIKE = 0.8  # of the best
_LEAST_S, _LEAST_SEEN = 2.0, 0.8
_EASE = ("thread-more", "free-threading", "processes", "subinterpreters")
_NAMES = {
    "thread-more": "One thread more",
    "free-threading": "A free-threaded build of CPython",
    "processes": "Processes instead of threads",
    "subinterpreters": "Subinterpreters instead of threads",
}
_MOST_NAMES = 20
# Findings, by whether they come before any way that is named, or only where none is.
_BEFORE_ALL = (
    *("deadlock", "lock-leak", "livelock", "threads-stuck"),
    *("threads-poll", "event-loop-blocked", "handing-over-costs"),
)
_WHERE_NONE_IS = ("lock-contention", "gil-stalled-holder")
_WRONG = ("warning", "critical")
_MOST_OFF = 0.15  # of a replay


def advice(summary: Summary, mended: Mend, cpu_worth: float | None = None) -> Advice:
    """All of it, of one run or of a span of one; `cpu_worth` as in `forecast`."""
    foretold = forecast(summary, cpu_worth)
    extensions = compatibility(summary["readings"].get("extensions", []))
    verdict = _verdict(summary, foretold, mended, extensions)
    said = [
        _as_good(foretold, verdict),
        _serial(foretold),
        _memory(foretold, verdict),
        _mend_first(mended, verdict),
        _extensions(extensions, summary),
    ]
    return {
        "schema": SCHEMA,
        "run": summary["run"]["id"],
        "verdict": verdict,
        "sentences": [sentence for sentence in said if sentence],
        "forecast": foretold,
        "mend": mended,
        "compatibility": extensions,
    }


def compatibility(rows: Sequence[Mapping[str, object]]) -> Compatibility | None:
    """Of the rows of the reading `extensions`; None where none was read."""
    if not rows:
        return None
    files = {
        str(each["file"]): str(each["says"])
        for row in rows
        for each in row["rows"]  # type: ignore[attr-defined]
    }
    said = list(files.values())
    return {
        "declares": said.count("declares"),
        "does_not": said.count("does-not"),
        "unknown": said.count("unknown"),
        "names": [os.path.basename(file) for file, says in files.items() if says != "declares"][:_MOST_NAMES],
    }


def _verdict(summary: Summary, foretold: Forecast, mended: Mend, extensions: Compatibility | None) -> Verdict:
    if foretold["why_not"] is not None:
        return {"choice": None, "sentence": f"Nothing can be foretold. {foretold['why_not']}", "sure": None}
    wrong = _told(summary, _BEFORE_ALL)
    if wrong is not None:
        return _mend_what_is_told(wrong, summary)
    ways = [row for row in foretold["rows"] if row["choice"] in _EASE and _gain(row) >= _WORTH]
    best = max(map(_gain, ways), default=0.0)
    for choice in _EASE:
        for row in ways:
            if row["choice"] == choice and _gain(row) >= _ALIKE * best:
                return _with(row, summary, extensions)
    wrong = _told(summary, _WHERE_NONE_IS)
    if wrong is not None:
        return _mend_what_is_told(wrong, summary)
    sure = _sure_of_none(summary, foretold)
    first = _first(mended)
    if first is not None and first["throughput"] >= _MEND_WORTH:
        sentence = (
            f"None of the other ways of running would give much more. Make {_named(first)} faster instead: "
            f"at twice its speed the program would do {_times(first['throughput'])} as much."
        )
        return {"choice": "mend", "sentence": sentence, "sure": sure}
    why = _why_stay(summary, foretold)
    sentence = f"None of the other ways of running would give much more{why}. {_stay(summary)}"
    return {"choice": "stay", "sentence": sentence, "sure": sure}


def _told(summary: Summary, codes: tuple[str, ...]) -> FindingRow | None:
    """The gravest of these findings, of those that tell of something wrong.

    Not that a loop waits for the GIL: other ways of running do mend that.
    """
    return next(
        (
            row
            for row in summary["findings"]
            if row["code"] in codes
            and row["severity"] in _WRONG
            and not (row["code"] == "event-loop-blocked" and row["evidence"].get("state") == "waiting")
        ),
        None,
    )


def _mend_what_is_told(wrong: FindingRow, summary: Summary) -> Verdict:
    sentence = f"Fix this first; no other way of running does. {wrong['title']}. {wrong['advice']}"
    return {"choice": "mend", "sentence": sentence, "sure": _sure(summary, _WORTH)}


def _with(row: ForecastRow, summary: Measurements, extensions: Compatibility | None) -> Verdict:
    band = row["throughput"]
    assert band is not None
    workers = f", {row['workers']} of them" if row["choice"] in ("processes", "subinterpreters") else ""
    sentence = (
        f"{_NAMES[row['choice']]}{workers}: {_times(band['middle'])} the throughput is to be "
        f"expected, between {_times(band['low'])} and {_times(band['high'])}."
    )
    low = band["low"]
    if row["choice"] == "free-threading" and extensions is not None:
        in_the_way = extensions["does_not"] + extensions["unknown"]
        if in_the_way:
            sentence += (
                f" But {in_the_way} of the loaded extensions would switch its GIL on, or may: "
                "look for builds of them that declare free threading."
            )
            low = 0.0
    return {"choice": row["choice"], "sentence": sentence, "sure": _sure(summary, low)}


def _stay(summary: Measurements) -> str:
    """What a finding says of a pool, this does not contradict."""
    for row in summary["pools"]:
        if is_full(row) and severity(row) == "warning":
            return f"But tasks wait for a thread of the pool {row['name']}: give it more threads."
    return "Stay with what there is."


def _why_stay(summary: Measurements, foretold: Forecast) -> str:
    cpus = foretold["cpus"] or 0.0
    if foretold["cpus_used"] >= 0.8 * cpus:
        return f": it uses {foretold['cpus_used']:.1f} of the {cpus:g} CPUs that it may use already"
    if foretold["cpus_used"] < 0.2:
        return ": it hardly computes, and waits for the most part"
    if sum(group["threads"] for row in foretold["rows"][1:2] for group in row["groups"]) == 1:
        return ": one thread alone computes, and its work would have to be split first"
    return ""


def _serial(foretold: Forecast) -> str:
    share = foretold["serial_share"]
    if share is None or share < 0.05:
        return ""
    return (
        f"For {units.share(share)} of the time one thread held the GIL while no other wanted it: that stays "
        "serial on whatever it runs, unless its work is split."
    )


def _as_good(foretold: Forecast, verdict: Verdict) -> str:
    """Why a way is named of which the table foretells less than of another."""
    rows = [row for row in foretold["rows"] if row["choice"] in _EASE]
    named = next((row for row in rows if row["choice"] == verdict["choice"]), None)
    best = max(rows, key=_gain, default=None)
    if named is None or best is None or _gain(best) <= _gain(named):
        return ""
    band = best["throughput"]
    assert band is not None
    return (
        f"{_NAMES[best['choice']]} would give as much or a little more, {_times(band['middle'])}, between "
        f"{_times(band['low'])} and {_times(band['high'])}: what is named changes the program least."
    )


def _memory(foretold: Forecast, verdict: Verdict) -> str:
    for row in foretold["rows"]:
        if row["choice"] == verdict["choice"] and row["memory"] is not None:
            low, high = units.size(row["memory"]["low"]), units.size(row["memory"]["high"])
            return (
                f"It costs {low} of memory at the least, and {high} where each comes to hold as much as the "
                "process does now; pages that a fork shares cost nothing until they are written to."
            )
    return ""


def _mend_first(mended: Mend, verdict: Verdict) -> str:
    first = _first(mended)
    if mended["rows"] and first is None:
        return (
            f"Which function to mend first is not said: the replay was {units.share(mended['replay_error'])} "
            "off what was seen, as where the GIL is let go of more often than is seen."
        )
    if first is None or verdict["choice"] == "mend" or first["throughput"] < _TELLING:
        return ""
    return (
        f"The function to mend first is {_named(first)}: at twice its speed the program, run as it is, would "
        f"do {_times(first['throughput'])} as much."
    )


def _first(mended: Mend) -> MendRow | None:
    """None too where the replay was not true to what was seen."""
    if (mended["replay_error"] or 0.0) > _MOST_OFF:
        return None
    return next(iter(mended["rows"]), None)


def _extensions(extensions: Compatibility | None, summary: Measurements) -> str:
    if extensions is None or summary["target"]["free_threaded"]:
        return ""
    in_the_way = extensions["does_not"] + extensions["unknown"]
    if not in_the_way:
        return "Every C extension that it has loaded declares that it can do without the GIL."
    names = ", ".join(extensions["names"][:3]) + (" and others" if in_the_way > 3 else "")
    return (
        f"Of its C extensions {extensions['does_not']} do not declare that they can do without the GIL, and "
        f"of {extensions['unknown']} it cannot be known ({names}): a free-threaded build switches its GIL on "
        "for one that does not."
    )


def _sure(summary: Measurements, low: float) -> Sureness:
    seen = summary["sampling"]["coverage"] or 0.0
    if summary["run"]["duration_s"] < _LEAST_S or seen < _LEAST_SEEN:
        return "a guess"
    return "fairly sure" if low > 1.0 else "unsure"


def _sure_of_none(summary: Measurements, foretold: Forecast) -> Sureness:
    """How sure it is that none of the ways that could be named is worth it."""
    may_be = any(
        row["throughput"] is not None and row["throughput"]["high"] >= _WORTH
        for row in foretold["rows"]
        if row["choice"] in _EASE
    )
    return _sure(summary, 0.0 if may_be else _WORTH)


def _gain(row: ForecastRow) -> float:
    return row["throughput"]["middle"] if row["throughput"] is not None else 0.0


def _named(row: MendRow) -> str:
    return f"{row['function']} ({os.path.basename(row['file'])}:{row['line']})"


def _times(value: float) -> str:
    return f"{value:.2f} times"
