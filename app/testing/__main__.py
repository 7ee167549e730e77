"""`python -m app.testing`: what pytest's plugin asks, line by line, in JSON; most is answered by a line.

{"observe": pid}                                        {"refused": why it cannot be, or null}
{"check": [[test, mark, [amount, ...]], ...]}           {"wrong": {test: text, ...}}
{"begin": instant}                                      nothing: a test begins
{"forget": instant}                                     nothing: of that test nothing is to be told
{"test", "from_ns", "to_ns", "rss_growth", "limits"}    {"broken": [text, ...], "unknown": text or null,
                                                        "refused": why nothing more is seen, or null};
                                                        of a test without limits nothing
{"measured": true}                                      {"measured": [what was measured of each test, ...]}
{"report": [the same, ...], "most": 5}                  {"lines": [text, ...]}
{"end": true}                                           nothing: it ends, as it does with its input

An answer bears the `number` of what it answers. `limits` are [mark, amount] pairs; instants are on
CLOCK_MONOTONIC. What was seen of a test is told a little after its end, so a thread works it out, and only
who has limits to be judged waits for that.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from app.testing.limits import BadLimit, Limit, limit
from app.testing.measured import MeasuredTest, measured
from app.testing.report import report
from app.testing.watch import CannotObserve, ObservedTests

Json = dict[str, Any]


class Analysis:
    """Answers, and observes once it is asked to."""

    def __init__(self) -> None:
        self._watch: ObservedTests | None = None
        self._in_order = ThreadPoolExecutor(1)
        self._tests: list[Future[MeasuredTest]] = []

    def close(self) -> None:
        """Ends the observer, if there is one."""
        self._in_order.shutdown(cancel_futures=True)
        if self._watch is not None:
            self._watch.close()

    def answer(self, asked: Json) -> Json | None:
        """What is answered to one line; None: nothing is."""
        match asked:
            case {"observe": pid}:
                return {"refused": self._observe(pid)}
            case {"check": marks}:
                return {"wrong": {mark[0]: wrong for mark in marks if (wrong := _wrong(*mark)) is not None}}
            case {"report": tests, "most": most}:
                return {"lines": list(report([MeasuredTest(**test) for test in tests], most))}
            case {"measured": _}:
                return {"measured": [asdict(test.result()) for test in self._tests]}
        assert self._watch is not None, "nothing is observed"
        match asked:
            case {"begin": from_ns}:
                self._watch.begin(from_ns)
            case {"forget": from_ns}:
                self._watch.forget(from_ns)
            case {"limits": said, **span}:
                self._tests.append(self._in_order.submit(_look, self._watch, **span))
                limits = [limit(name, [amount]) for name, amount in said]
                return self._judged(self._watch, self._tests[-1].result(), limits) if limits else None
        return None

    def _observe(self, pid: int) -> str | None:
        try:
            self._watch = ObservedTests(pid)
        except CannotObserve as reason:
            return str(reason)
        return None

    def _judged(self, watch: ObservedTests, found: MeasuredTest, limits: list[Limit]) -> Json:
        unknown = ", ".join(one.mark.name for one in limits if one.unknown(found))
        return {
            "broken": [said for one in limits if (said := one.broken(found)) is not None],
            "unknown": f"{unknown} not judged: {found.why_unknown}" if unknown else None,
            "refused": watch.why if watch.over else None,
        }


def _look(watch: ObservedTests, test: str, from_ns: int, to_ns: int, rss_growth: int) -> MeasuredTest:
    return measured(test, (to_ns - from_ns) / 1e9, rss_growth, watch.summary(test, from_ns, to_ns))


def _wrong(test: str, mark: str, amounts: list[object]) -> str | None:
    try:
        limit(mark, amounts)
    except BadLimit as reason:
        return f"{test}: {reason}"
    return None


def main() -> None:
    """Answers until it is told to end, or its input ends."""
    analysis = Analysis()
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            number = asked.pop("number")
            if "end" in asked:
                return
            answer = analysis.answer(asked)
            if answer is not None:
                sys.stdout.write(json.dumps({"number": number, **answer}) + "\n")
                sys.stdout.flush()
    finally:
        analysis.close()


if __name__ == "__main__":
    main()
