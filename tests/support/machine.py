"""Whether the machine left a test alone while it measured: the kernel's own account."""

from __future__ import annotations

import os
import subprocess
import sys
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


def may_come_first() -> bool:
    """Whether what the tests start gets a CPU before others, if it asks; a capability alone does not tell."""
    ask = "import sys; from app.model.priority import come_first; sys.exit(not come_first())"
    return subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0
