"""When a job comes due: every so often, once, or as cron says. All times are CLOCK_MONOTONIC's, in ns."""

from __future__ import annotations

from time import monotonic_ns, time_ns
from typing import NamedTuple, Protocol

_NS_A_SECOND = 1_000_000_000


class Trigger(Protocol):
    """What a scheduler asks of a job's time table."""

    def after(self, at_ns: int) -> int | None:
        """The first time after that instant; None if there is none any more."""
        ...


class Every(NamedTuple):
    """An interval: counted from the start, whatever the clock on the wall does."""

    period_ns: int

    def after(self, at_ns: int) -> int | None:
        """One period later."""
        return at_ns + self.period_ns


class Once(NamedTuple):
    """A date."""

    at_ns: int

    def after(self, at_ns: int) -> int | None:
        """The date, until it is over."""
        return self.at_ns if at_ns < self.at_ns else None


class Cron(NamedTuple):
    """The field of seconds of a line of cron, `*` or `*/n`: it follows the clock on the wall.

    Real cron begins with minutes; schedulers in programs, APScheduler's too, have seconds as well.
    """

    every_s: int
    ahead_ns: int  # of CLOCK_MONOTONIC: CLOCK_REALTIME

    @classmethod
    def parse(cls, seconds: str) -> Cron:
        """Of the field. ValueError for another one."""
        first, _, step = seconds.partition("/")
        if first != "*" or not 1 <= int(step or 1) <= 59:
            raise ValueError(f"{seconds!r} is neither * nor */n with n from 1 to 59")
        return cls(int(step or 1), time_ns() - monotonic_ns())

    def after(self, at_ns: int) -> int | None:
        """The next second of the wall's clock that the field names."""
        second = (at_ns + self.ahead_ns) // _NS_A_SECOND + 1
        while second % 60 % self.every_s:
            second += 1
        return second * _NS_A_SECOND - self.ahead_ns
