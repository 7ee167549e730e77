"""Whether the machine left a run alone while it measured."""

from __future__ import annotations

from dataclasses import dataclass

from app.model.summary import Summary

STEAL_LIMIT = 0.02  # of the machine's CPU time: the noise that experiments are to see through is of that size
COVERAGE_LEAST = 0.95  # as for the finding observation-thin
_STEAL = 8  # the column of /proc/stat, after its name: see proc_stat(5)


@dataclass(frozen=True, slots=True)
class CpuTicks:
    """Of all CPUs since boot, in clock ticks."""

    total: int
    steal: int  # a CPU of this machine was ready, and the hypervisor ran another machine

    @classmethod
    def of(cls, stat: str) -> CpuTicks:
        """What /proc/stat says. Guests' time is within that of `user`, so it is not added again."""
        words = [int(word) for word in stat.splitlines()[0].split()[1 : _STEAL + 1]]
        return cls(sum(words), words[-1])

    @classmethod
    def now(cls) -> CpuTicks:
        """Of this instant."""
        with open("/proc/stat") as stat:
            return cls.of(stat.read())

    def steal_share(self, later: CpuTicks) -> float:
        """The share of the machine's CPU time that was stolen from this instant to a later one."""
        return (later.steal - self.steal) / max(1, later.total - self.total)


def disturbance(summary: Summary, steal_share: float) -> str | None:
    """What disturbed a run, in words; None where nothing did that can be seen."""
    if steal_share > STEAL_LIMIT:
        return f"{steal_share * 100:.0f} % of the machine's CPU time was stolen by other machines"
    coverage = summary["sampling"]["coverage"]
    if coverage is None or coverage < COVERAGE_LEAST:
        seen = 0.0 if coverage is None else coverage
        return f"the observer was late: only {seen * 100:.0f} % of the time was seen"
    return None
