"""What the collections of one collector did to memory, in sentences, and when the next is due."""

from __future__ import annotations

from app.model.summary import CollectorMemory, MovedRow, NextCollection
from app.model.units import count, seconds, size

WORTH_BYTES = 8 << 20  # freed: less is not worth a sentence
KEPT_SHARE = 0.5  # of it, that must have gone back to the system to be called so

# What dead cycles keep until a collection comes is much where it is so many bytes, and that part of RSS.
MUCH_BYTES = 32 << 20
MUCH_SHARE = 0.25


OF_ALL = "RSS is that of the process: all of its interpreters move it."


def _freed_most(memory: CollectorMemory) -> MovedRow | None:
    """Of the collections that collected something: of others, what moved meanwhile was not kept by cycles."""
    return next((row for row in memory["largest"] if row["collected"]), None)


def keeps_much(memory: CollectorMemory) -> MovedRow | None:
    """The collection that freed most, where dead cycles had kept much until then."""
    largest = _freed_most(memory)
    if largest is None:
        return None
    return largest if freed_by(largest) >= max(MUCH_BYTES, MUCH_SHARE * largest["rss_before"]) else None


def words(memory: CollectorMemory, due: NextCollection | None, is_one_of_several: bool = False) -> list[str]:
    """The sentences; none where there is nothing to tell."""
    largest = _freed_most(memory)
    said = []
    if largest is not None and freed_by(largest) >= WORTH_BYTES:
        said.append(freed_words(largest, memory["given_back"]))
        if keeps_much(memory) is largest:
            said[-1] += " A higher threshold would make the peak worse."
        if is_one_of_several:
            said[-1] += f" {OF_ALL}"
    if due is not None:
        said.append(_due(due, memory["held"]))
    return said


def freed_by(row: MovedRow) -> int:
    """What was in use and is no more, whether or not it went back to the system."""
    return max(row["given_back"], row["freed"] or 0)


def freed_words(largest: MovedRow, all_: int | None) -> str:
    """What a collection freed, and what came of it."""
    which = "collections" if largest["collections"] > 1 else "collection"
    went, back = freed_by(largest), largest["given_back"]
    said = (
        f"{count(largest['collected'])} objects in dead cycles kept {size(went)}: the {which} at "
        f"{largest['at_s']:.1f} s "
    )
    if back < KEPT_SHARE * went:
        return (
            f"{said}freed it, but RSS was {size(largest['rss_before'])} before and "
            f"{size(largest['rss_after'])} after: the allocator keeps the rest for what comes next."
        )
    said += f"gave it back, and RSS went from {size(largest['rss_before'])} to {size(largest['rss_after'])}."
    if all_ is not None and all_ > back:
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
