"""What the collections of one collector did to memory, in sentences, and when the next is due."""

from __future__ import annotations

from app.model.summary import CollectorMemory, MovedRow, NextCollection
from app.model.units import count, seconds, size

WORTH_BYTES = 8 << 20  # given back: less is not worth a sentence


def words(memory: CollectorMemory, due: NextCollection | None) -> list[str]:
    """The sentences; none where there is nothing to tell."""
    largest = memory["largest"][0] if memory["largest"] else None
    said = []
    if largest is not None and largest["given_back"] >= WORTH_BYTES:
        said.append(_gave_back(largest, memory["given_back"]))
    if due is not None:
        said.append(_due(due, memory["held"]))
    return said


def _gave_back(largest: MovedRow, all_: int | None) -> str:
    several = largest["collections"] > 1
    said = (
        f"{count(largest['collected'])} objects in dead cycles kept {size(largest['given_back'])}: the "
        f"{'collections' if several else 'collection'} at {largest['at_s']:.1f} s gave it back, and RSS went "
        f"from {size(largest['rss_before'])} to {size(largest['rss_after'])}."
    )
    if all_ is not None and all_ > largest["given_back"]:
        said += f" All collections together gave back {size(all_)}."
    return said


def _due(due: NextCollection, held: int | None) -> str:
    which = "" if due["generation"] is None else f" of generation {due['generation']}"
    when = f"in about {seconds(due['in_s'])}" if due["in_s"] >= 0.1 else "now"
    if due["at_least"]:
        when = f"{when} at the earliest"
    said = (
        f"The next collection{which} is due {when}: the count is {count(due['count'])} of "
        f"{count(due['threshold'])}, and rises by {count(due['objects_per_s'])} a second."
    )
    if held is not None and held >= WORTH_BYTES:
        said += f" Until then dead cycles hold about {size(held)} (inferred)."
    return said
