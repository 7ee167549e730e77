"""Findings: one rule, one function, from a summary without findings to a Finding or None.

A rule looks at nothing but the summary that it is given, so it judges a live run, a replay and a recording
alike. What could not be measured is null there, and then it says nothing.
"""

from __future__ import annotations

from app.analysis.findings import (
    cluster,
    connections,
    cores,
    gil,
    growth,
    handing_over,
    hazards,
    idle,
    loops,
    memory,
    observation,
    polling,
    pools,
    stuck,
    switched,
)
from app.analysis.findings.rows import LEAST_S, Rule
from app.model.findings import SEVERITIES
from app.model.summary import FindingRow, Measurements

RULES: tuple[Rule, ...] = (
    *observation.RULES,
    *stuck.RULES,
    *switched.RULES,
    *cluster.RULES,
    *gil.RULES,
    *polling.RULES,
    *idle.RULES,
    *cores.RULES,
    *loops.RULES,
    *pools.RULES,
    *connections.RULES,
    *hazards.RULES,
    *handing_over.RULES,
    *growth.RULES,
    *memory.RULES,
)

# Told only where nothing is wrong: what a program waits for is no news beside what keeps it. And not beside a
# full pool, of which it is told what its threads wait for, and whether more of them would help; nor beside
# threads that poll.
_WHERE_ALL_IS_WELL = "gil-idle"
_SAYS_MORE = ("pool-full", "threads-poll")
_WRONG = ("warning", "critical")
_NOT_THE_PROGRAM = "observation-thin"


def findings(summary: Measurements) -> list[FindingRow]:
    """What every rule has to say of a summary, the gravest first; nothing where too little was seen."""
    if max((thread["observed_s"] for thread in summary["threads"]), default=0.0) < LEAST_S:
        return []
    with polling.found_once(summary):
        found = [finding for rule in RULES if (finding := rule(summary)) is not None]
    if any(
        each.code in _SAYS_MORE or (each.severity in _WRONG and each.code != _NOT_THE_PROGRAM)
        for each in found
    ):
        found = [each for each in found if each.code != _WHERE_ALL_IS_WELL]
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity), reverse=True)
    return [finding.to_json() for finding in found]
