"""Whether the machine left a run alone while it measured."""

from __future__ import annotations

from dataclasses import dataclass

from app.analysis.experiment_measures import cpus_wanted
from app.model import units
from app.model.summary import Summary

STEAL_LIMIT = 0.02  # of the machine's CPU time: the noise that experiments are to see through is of that size
COVERAGE_LEAST = 0.95  # as for the finding observation-thin
DELAY_LIMIT = 0.15  # of the time for which threads wanted a CPU
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


def disturbance(summary: Summary, steal_share: float, cores: int) -> str | None:
    """What disturbed a run, in words; None where nothing did that can be seen.

    Threads that wait for a CPU, although there was one for each and one for the observer, are disturbed by
    other programs of this machine.
    """
    if steal_share > STEAL_LIMIT:
        return f"{steal_share * 100:.0f} % of the machine's CPU time was stolen by other machines"
    coverage = summary["sampling"]["coverage"]
    if coverage is None or coverage < COVERAGE_LEAST:
        return f"the observer was late: only {units.coverage(coverage or 0.0)} of the time was seen"
    wanted, waited = cpus_wanted(summary) or (0.0, 0.0)
    if wanted and wanted <= cores - 1 + DELAY_LIMIT and waited / wanted > DELAY_LIMIT:
        return f"other programs had the CPUs for {waited / wanted * 100:.0f} % of the time it wanted them"
    return None
