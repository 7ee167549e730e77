"""Virtual speed-up: what the program would gain were one function twice as fast.

The record is replayed (replay.py) once as it was, and once for each function with its holds of the GIL and
its C code at half their length. A function is the one to blame for what a thread executes (sources.py): the
innermost of the user's own, so what it calls of the standard library counts as its. What a function is asleep
for, or waits for outside, stays as long as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from app.analysis.forecast.observed import BUSY, LaneRecord, Observed
from app.analysis.forecast.replay import FREE, HOLD, UNTIL, LockReplay, ReplayStep
from app.model.forecast import Mend, MendRow
from app.model.states import LOCK, NATIVE, STALLED, WAITING

MOST_FUNCTIONS = 8
LEAST_SHARE = 0.02  # of the busy time: a function with less is not worth a row
_LEAST_US = 500_000
_C_CODE = 2  # switch intervals: a longer hold while others wait did not let go when asked


def mend(observed: Observed) -> Mend:
    """The functions to make faster, most gain first."""
    start_us = observed.start_us or 0
    length_us = observed.end_us - start_us
    found: Mend = {
        "from_s": start_us / 1e6,
        "to_s": observed.end_us / 1e6,
        "replay_error": None,
        "rows": [],
        "why_not": None,
    }
    if length_us < _LEAST_US:
        found["why_not"] = "Less than half a second was seen."
        return found
    ends = _ends(observed)
    steps = {lane: _steps(observed, lane, pieces, ends) for lane, pieces in observed.lanes.items()}
    busy = _busy(steps)
    if sum(busy.values()) == 0:
        found["why_not"] = "No stack was seen of a thread that computed."
        return found
    weights = {lane: sum(step.need_us for step in each if step.kind == HOLD or step.function is not None)
               for lane, each in steps.items()}  # fmt: skip
    gils = {lane: observed.gil_of(lane) for lane in steps}
    length_us = max(length_us, 1)

    def progress(fast: int | None) -> dict[int, float]:
        made = {lane: _shortened(each, fast) for lane, each in steps.items()}
        return LockReplay(made, gils, length_us, observed.interval_us).progress()

    before = progress(None)
    found["replay_error"] = abs(1 - _mean(before, weights))
    whole = sum(busy.values())
    for function, time_us in busy.most_common(MOST_FUNCTIONS):
        if function is None or time_us < LEAST_SHARE * whole:
            continue
        after = progress(function)
        gains = {lane: after[lane] / before[lane] for lane in after if before[lane] > 0}
        named = observed.functions[function]
        row: MendRow = {
            "function": named.name,
            "file": named.file,
            "line": named.first_line,
            "busy_share": time_us / whole,
            "throughput": _mean(gains, weights),
        }
        found["rows"].append(row)
    found["rows"].sort(key=lambda row: -row["throughput"])
    if not found["rows"]:
        found["why_not"] = "No function took a fiftieth of the time."
    return found


def _mean(values: Mapping[int, float], weights: Mapping[int, float]) -> float:
    whole = sum(weights[lane] for lane in values)
    return sum(value * weights[lane] for lane, value in values.items()) / whole if whole else 1.0


def _busy(steps: Mapping[int, Sequence[ReplayStep]]) -> Counter[int | None]:
    busy: Counter[int | None] = Counter()
    for each in steps.values():
        for step in each:
            if step.function is not None:
                busy[step.function] += round(step.need_us)
    return busy


def _shortened(steps: Sequence[ReplayStep], fast: int | None) -> Sequence[ReplayStep]:
    if fast is None:
        return steps
    return [step._replace(need_us=step.need_us / 2) if step.function == fast else step for step in steps]


def _ends(observed: Observed) -> dict[int, dict[int, int]]:
    """{lane: {when a lock let it go on: who held the GIL then}}."""
    found: dict[int, dict[int, int]] = {}
    for lane, pieces in observed.lanes.items():
        for start_us, length_us, state in zip(
            pieces.starts_us, pieces.lengths_us, pieces.states, strict=True
        ):
            end_us = start_us + length_us
            if state == LOCK and end_us < observed.end_us:
                whom = observed.let_on_by(lane, end_us)
                if whom is not None and whom in observed.lanes:
                    found.setdefault(lane, {})[end_us] = whom
    return found


def _steps(
    observed: Observed, lane: int, pieces: LaneRecord, ends: Mapping[int, Mapping[int, int]]
) -> list[ReplayStep]:
    """A thread's record. It is cut where another was let go on by this one, so that the replay knows."""
    start_us = observed.start_us or 0
    cuts = sorted(at for each in ends.values() for at, whom in each.items() if whom == lane)
    made: list[ReplayStep] = []
    at_us, waited_us, place = start_us, 0, 0
    for begin_us, length_us, state in zip(pieces.starts_us, pieces.lengths_us, pieces.states, strict=True):
        if begin_us > at_us:  # not there, or nothing seen of it
            made.append(ReplayStep(FREE, begin_us - at_us + waited_us, begin_us - at_us))
            waited_us = 0
        end_us = begin_us + length_us
        at_us = end_us
        if state == WAITING:
            waited_us += length_us
            continue
        while begin_us < end_us:
            while place < len(cuts) and cuts[place] <= begin_us:
                place += 1
            until_us = min(end_us, cuts[place]) if place < len(cuts) else end_us
            made += _step(observed, lane, state, begin_us, until_us, waited_us, length_us, ends, start_us)
            waited_us, begin_us = 0, until_us
    left_us = observed.end_us - at_us + waited_us
    if left_us > 0:
        made.append(ReplayStep(FREE, left_us, observed.end_us - at_us))
    return made


def _step(
    observed: Observed,
    lane: int,
    state: int,
    begin_us: int,
    end_us: int,
    waited_us: int,
    whole_us: int,
    ends: Mapping[int, Mapping[int, int]],
    start_us: int,
) -> list[ReplayStep]:
    length_us = end_us - begin_us
    record_us = length_us + waited_us
    if state == LOCK:
        whom = ends.get(lane, {}).get(end_us)
        if whom is not None:
            return [ReplayStep(UNTIL, record_us, 0.0, on=whom, at_us=end_us - start_us)]
    if state not in BUSY:
        return [ReplayStep(FREE, record_us, length_us)]
    kind = FREE if state == NATIVE else HOLD
    lets_go = whole_us <= _C_CODE * observed.interval_us or not _is_kept(observed, lane, begin_us, end_us)
    if state == STALLED:
        return [ReplayStep(HOLD, record_us, length_us, False)]
    return _by_function(observed, lane, kind, begin_us, end_us, waited_us, lets_go)


def _is_kept(observed: Observed, lane: int, begin_us: int, end_us: int) -> bool:
    """Whether others waited for more than _C_CODE switch intervals, and were not let in."""
    return observed.contended_us(lane, begin_us, end_us) > _C_CODE * observed.interval_us


def _by_function(
    observed: Observed, lane: int, kind: int, begin_us: int, end_us: int, waited_us: int, lets_go: bool
) -> list[ReplayStep]:
    """A stretch on a CPU, cut half way between looks that saw two functions."""
    seen = [*observed.looks_within(lane, begin_us, end_us)]
    if not seen:
        function = observed.function_at(lane, begin_us, end_us)
        return [
            ReplayStep(kind, end_us - begin_us + waited_us, end_us - begin_us, lets_go, function=function)
        ]
    made: list[ReplayStep] = []
    from_us = begin_us
    for (at_us, function), after in zip(seen, [*seen[1:], None], strict=True):
        to_us = end_us if after is None else (at_us + after[0]) // 2
        made.append(
            ReplayStep(kind, to_us - from_us + waited_us, to_us - from_us, lets_go, function=function)
        )
        waited_us, from_us = 0, to_us
    return [step for step in made if step.record_us > 0]
