"""Whether the machine left a test alone while it measured: the kernel's own account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Ticks(NamedTuple):
    """Of all CPUs since boot, in clock ticks."""

    total: int
    idle: int
    steal: int  # a CPU of this machine was ready and the hypervisor ran another machine

    @classmethod
    def now(cls) -> Ticks:
        """Of this instant."""
        line = Path("/proc/stat").read_text().splitlines()[0]
        user, nice, system, idle, iowait, irq, softirq, steal = (int(word) for word in line.split()[1:9])
        total = user + nice + system + idle + iowait + irq + softirq + steal
        return cls(total, idle + iowait, steal)


@dataclass(frozen=True)
class Disturbance:
    """Shares of the machine's whole CPU time in an interval."""

    steal: float
    idle: float

    @classmethod
    def since(cls, begun: Ticks) -> Disturbance:
        """From an instant to now."""
        now = Ticks.now()
        total = max(1, now.total - begun.total)
        return cls((now.steal - begun.steal) / total, (now.idle - begun.idle) / total)


NICENESS = os.getpriority(os.PRIO_PROCESS, 0)  # of the tests, and so of what they start
_SYS_NICE = 23  # linux/capability.h


def may_come_first() -> bool:
    """Whether what the tests start may ask for the CPU before others, and has no niceness of its own."""
    [mask] = [
        line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line[:6] == "CapEff"
    ]
    return NICENESS == 0 and bool(int(mask, 16) >> _SYS_NICE & 1)
