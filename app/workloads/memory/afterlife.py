"""Which objects are the same from one look to the next, and what became of those that no name reaches.

An object is known by its address and its type for as long as it is seen without a break, so two objects that
lie at one address in turn within a single line pass for one. What no name reaches is looked for among the
objects that the collector follows; of others, an int or a str, nobody can say when it is freed.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple

from app.workloads.context import Json
from app.workloads.memory import graph


class Known(NamedTuple):
    """An object as it was last seen."""

    number: int
    type_name: str
    followed: bool  # by the collector
    reached: bool  # by a name

    def __str__(self) -> str:
        return f"{self.type_name} #{self.number}"


class Afterlife:
    """Remembers the objects of the look before. Entered, it hears of every collection."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}
        self._last_number = 0
        self._collected = 0  # objects that the collector freed since the look before

    def __enter__(self) -> Afterlife:
        gc.callbacks.append(self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        gc.callbacks.remove(self._hear)

    def _hear(self, phase: str, info: Json) -> None:
        if phase == "stop":
            self._collected += info["collected"]

    def survivors(self) -> list[Any]:
        """The objects known that the collector still follows.

        To be called before anything else of this program's is allocated: what the line freed leaves its place
        to the next object of its kind. Up to 3.11 a comprehension is a function, and what it shares a cell.
        """
        followed = gc.get_objects()
        alive: list[Any] = []
        for thing in followed:
            if id(thing) in self._known and _is_same(thing, self._known):
                alive.append(thing)
        return alive

    def take(self, objects: Sequence[Any], reached: int, alive: Sequence[Any]) -> tuple[list[int], list[str]]:
        """The numbers of these objects, the first so many reached by names; and what became of others."""
        now: dict[int, Known] = {}
        numbers = []
        for place, thing in enumerate(objects):
            number = self._number(thing)
            numbers.append(number)
            now[id(thing)] = Known(number, graph.type_name(thing), gc.is_tracked(thing), place < reached)
        for thing in alive:  # those for which a look had no room
            now.setdefault(id(thing), self._known[id(thing)])
        notes = self._farewells(now)
        self._known, self._collected = now, 0
        return numbers, notes

    def _number(self, thing: Any) -> int:
        if id(thing) in self._known and _is_same(thing, self._known):
            return self._known[id(thing)].number
        self._last_number += 1
        return self._last_number

    def _farewells(self, now: dict[int, Known]) -> list[str]:
        numbers = {known.number for known in now.values()}
        gone = [known for known in self._known.values() if known.followed and known.number not in numbers]
        waited = [known for known in gone if not known.reached and self._collected]
        others = [known for known in gone if known not in waited]
        notes = []
        if waited:
            notes.append(f"The collector freed {_listed(waited)}, which no name reached.")
        if others and self._collected:
            notes.append(f"{_listed(others)} went within a line in which the collector ran.")
        elif others:
            was, went = (
                ("was", "its last reference") if len(others) == 1 else ("were", "the last reference to each")
            )
            notes.append(f"{_listed(others)} {was} freed at once: {went} went.")
        return notes


def lost(objects: Sequence[Json], edges: Sequence[Sequence[Any]], told: set[int]) -> list[str]:
    """What is to be said of objects that no name reaches, but once; `told` are those of which it was said."""
    unreached = {each["id"]: each for each in objects if not each["reachable"]}
    new = [each for number, each in unreached.items() if number not in told]
    if not new:
        return []
    told.update(each["id"] for each in new)
    names = _listed([f"{each['type']} #{each['id']}" for each in new])
    within = dict.fromkeys(unreached, 0)
    for out, into, _ in edges:
        if out in within and into in within:
            within[into] += 1
    if all(each["refcount"] == within[number] for number, each in unreached.items()):
        why = "but each has a reference from among them, so counting frees none: they wait for the collector"
    else:
        why = "but something beside your names still refers to them"
    return [f"No name reaches {names} any more, {why}."]


def _is_same(thing: Any, known: dict[int, Known]) -> bool:
    return known[id(thing)].type_name == graph.type_name(thing)


def _listed(things: Sequence[object]) -> str:
    texts = [str(thing) for thing in things]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
