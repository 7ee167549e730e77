"""How much slower a target is for being watched: pairs of runs, watched and unwatched, in random order."""

from __future__ import annotations

import random

from app.model.frames import Report
from bench.observation import Observation, of_workload, run_alone

DEFAULT_HZ = 1000.0


def pair(python: str, threads: int, seconds: float, dice: random.Random) -> float:
    """Operations a second unwatched, over those watched: 1.01 is a target that is 1 % slower."""
    rates = {}
    for watched in dice.sample([True, False], 2):
        rates[watched] = (_watched if watched else _unwatched)(python, threads, seconds)
    return rates[False] / rates[True]


def _unwatched(python: str, threads: int, seconds: float) -> float:
    return float(run_alone(python, threads, seconds)["ops_per_s"])


def _watched(python: str, threads: int, seconds: float) -> float:
    with Observation(of_workload(python, threads, seconds, DEFAULT_HZ)) as observation:
        for message, _ in observation.messages():
            if isinstance(message, Report) and "result" in message.data:
                return float(message.data["result"]["ops_per_s"])
    raise RuntimeError("The watched workload gave no result")
