"""What looking at stacks takes of a CPU: pairs of observations of one program, with looks and without."""

from __future__ import annotations

import random
from dataclasses import dataclass

from app.model.frames import Counters
from app.model.spec import ObserverSpec, Sampling, Start
from app.runs.observer import own_environment
from bench.observation import Observation

STACKS_HZ = 100.0
_SETTLE_US = 1_000_000  # from the first counters on: starting up, an observer reads symbols

_THREADS = """
import sys, threading, time
def doze():
    while True: time.sleep({sleep})
def compute():
    while True: sum(range(1000))
for _ in range({threads}): threading.Thread(target={target}, daemon=True).start()
time.sleep(float(sys.argv[1]))
"""

# Of each program: what it is, and its source.
PROGRAMS = {
    "8 threads that compute": _THREADS.format(threads=8, target="compute", sleep=0),
    "50 threads in sleeps of 5 ms": _THREADS.format(threads=50, target="doze", sleep=0.005),
    "50 threads in sleeps of 60 ms": _THREADS.format(threads=50, target="doze", sleep=0.06),
    "500 idle threads": _THREADS.format(threads=500, target="doze", sleep=3600),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """The observer's share of one CPU, with looks and without."""

    looking: float
    not_looking: float

    @property
    def cost(self) -> float:
        """What the looks take."""
        return self.looking - self.not_looking


def pair(python: str, program: str, span_s: float, dice: random.Random) -> Pair:
    """One observation of each kind, in random order."""
    rates = [STACKS_HZ, 0.0]
    shares = {hz: _share(python, program, span_s, hz) for hz in dice.sample(rates, len(rates))}
    return Pair(*(shares[hz] for hz in rates))


def _share(python: str, program: str, span_s: float, stacks_hz: float) -> float:
    """What the observer took over a span, which ends with the program."""
    life_s = span_s + _SETTLE_US / 1e6 + 0.5
    spec = ObserverSpec(
        run={"id": "bench", "kind": "command", "name": "looks", "params": {}},
        sampling=Sampling(stacks_hz=stacks_hz),
        start=Start([python, "-c", PROGRAMS[program], str(life_s)], own_environment()),
    )
    with Observation(spec) as observation:
        told = [message for message, _ in observation.messages() if isinstance(message, Counters)]
    first = next(message for message in told if message.at_us - told[0].at_us >= _SETTLE_US)
    took_us = told[-1].observer["cpu_us"] - first.observer["cpu_us"]
    return float(took_us / (told[-1].at_us - first.at_us))
