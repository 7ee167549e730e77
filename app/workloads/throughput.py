"""What the workers of a run got done, as a sentence of its result."""

from __future__ import annotations

from app.workloads.context import Json


def told(result: Json, did: str) -> str:
    """How much all workers did in a second, and each of them; `did` is a verb with what was done."""
    verb, _, things = did.partition(" ")
    workers, rate = result["workers"], result["ops_per_s"]
    done = f"{verb} {rate:,.0f} {things} a second"
    if workers == 1:
        return f"One worker on {result['executor']} {done}."
    if result["executor"] == "sequential":
        return f"{workers} workers, one after the other, {done}."
    return f"{workers} workers on {result['executor']} {done} together, {rate / workers:,.0f} each."
