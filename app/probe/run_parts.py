"""What every part of an observation needs: clock, what is observed, how that ends, the way to the server."""

from __future__ import annotations

from dataclasses import dataclass

from .ending import Ending
from .kernel.run_clock import RunClock
from .processes.tree import ProcessTree
from .sampling.slow import SlowReads
from .server_link import ServerLink
from .subject import Subject


@dataclass(frozen=True)
class RunParts:
    """Of one run."""

    link: ServerLink
    clock: RunClock
    subject: Subject
    ending: Ending
    slow: SlowReads
    tree: ProcessTree
