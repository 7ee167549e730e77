"""The objects that names reach, and the references between them, taken without running any code of theirs.

Nothing that an object defines is called: no __repr__, no property, no __getattribute__.
"""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, NamedTuple

USER_MODULE = "__main__"
MAX_TEXT = 40  # characters of what an object or a label is shown as

Reference = tuple[str, Any]  # a label, and what is referred to

_ATOMS = (type(None), bool, int, float, complex, str, bytes, bytearray, range, type(Ellipsis))
_SIZED = (list, tuple, dict, set, frozenset, deque)
_OPAQUE = (ModuleType, CodeType, FrameType, BuiltinFunctionType)
_MAX_INT_BITS = 256  # a longer one takes long to write in decimal, and no one reads it
# From here on a count is none: so CPython marks immortal objects (3.12 and later), and further up, on
# free-threaded builds, functions and classes, whose references it counts no longer one by one.
_IMMORTAL_FROM = 1 << 31
_DEFERRED_FROM = 1 << 40


@dataclass
class Graph:
    """Objects in the order in which they were come upon, and references as places among them."""

    objects: list[Any] = field(default_factory=list)
    edges: list[tuple[int, int, str]] = field(default_factory=list)
    left_out: int = 0  # references whose object did not fit
    _places: dict[int, int] = field(default_factory=dict)

    def place(self, thing: Any, limit: int) -> int | None:
        """The place of an object, which is a new one if it is seen for the first time; None if it is full."""
        known = self._places.get(id(thing))
        if known is None and len(self.objects) < limit:
            known = self._places[id(thing)] = len(self.objects)
            self.objects.append(thing)
        return known


def reach(roots: Iterable[Any], namespace: Mapping[str, Any], limit: int) -> Graph:
    """What can be reached from the roots, the nearest first, at most `limit` objects."""
    graph = Graph()
    for root in roots:
        graph.place(root, limit)
    at = 0
    while at < len(graph.objects):
        for label, referred in references(graph.objects[at], namespace):
            to = graph.place(referred, limit)
            if to is None:
                graph.left_out += 1
            else:
                graph.edges.append((at, to, label))
        at += 1
    return graph


def references(thing: Any, namespace: Mapping[str, Any]) -> Iterator[Reference]:
    """What an object refers to, labelled as a program would say it."""
    kind = type(thing)
    if kind in _ATOMS or _is(thing, _OPAQUE):
        return
    if _is(thing, type):
        if _is_users(thing):
            yield from _of_class(thing)
    elif kind is FunctionType:
        yield from _of_function(thing, namespace)
    elif kind is MethodType:
        yield from (("__self__", thing.__self__), ("__func__", thing.__func__))
    elif kind is CellType:
        yield from _of_cell(thing)
    else:
        known = yield from _of_container(thing)
        yield from _of_instance(thing)
        if not known and not _is_users(kind):
            yield from (("", referred) for referred in gc.get_referents(thing) if _is_told(referred))


def _of_container(thing: Any) -> Generator[Reference, None, bool]:
    """Its items by index or key; the generator's value says whether it is a container of a known kind."""
    of: Any = next((base for base in _SIZED if _is(thing, base)), None)
    if of in (list, tuple, deque):
        yield from ((f"[{index}]", item) for index, item in enumerate(of.__iter__(thing)))
    elif of is dict:
        for key, value in dict.items(thing):
            if type(key) not in _ATOMS:
                yield ("key", key)
            yield (f"[{shown(key)}]", value)
    elif of in (set, frozenset):
        yield from (("item", item) for item in of.__iter__(thing))
    return of is not None


def _of_instance(thing: Any) -> Iterator[Reference]:
    """Attributes in the instance's dict and in its slots, and its class where that is the user's own."""
    kind = type(thing)
    if _is_users(kind):
        yield ("class", kind)
    for name, value in _attributes(thing).items():
        yield (f".{name}", value)
    for base in _bases(kind):
        for name, member in vars(base).items() if _is_users(base) else ():
            if type(member) is MemberDescriptorType:
                try:
                    yield (f".{name}", member.__get__(thing, kind))
                except AttributeError:
                    continue  # the slot is empty


def _attributes(thing: Any) -> dict[str, Any]:
    for base in _bases(type(thing)):
        member = vars(base).get("__dict__")
        if type(member) is GetSetDescriptorType:
            # An instance without a dict yet is given one by this, which costs memory, and changes no count.
            attributes = member.__get__(thing, type(thing))
            return attributes if type(attributes) is dict else {}
    return {}


def _bases(cls: type) -> tuple[type, ...]:
    bases: tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
    return bases


def _of_class(cls: type) -> Iterator[Reference]:
    for name, value in vars(cls).items():
        if not (name.startswith("__") and name.endswith("__")) and type(value) is not MemberDescriptorType:
            yield (f".{name}", value)
    yield from (("base", base) for base in cls.__bases__ if _is_users(base))


def _of_function(function: Any, namespace: Mapping[str, Any]) -> Iterator[Reference]:
    code: CodeType = function.__code__
    yield from ((f"cell {name}", cell) for name, cell in zip(code.co_freevars, function.__closure__ or ()))
    yield from ((f"default {place}", value) for place, value in enumerate(function.__defaults__ or ()))
    if function.__globals__ is namespace:
        named = (name for name in code.co_names if name in namespace)
        yield from ((f"global {name}", namespace[name]) for name in named)


def _of_cell(cell: Any) -> Iterator[Reference]:
    try:
        yield ("contents", cell.cell_contents)
    except ValueError:
        return  # the variable is not bound yet


def _is(thing: Any, kinds: type | tuple[type, ...]) -> bool:
    # Not isinstance, which asks an object for its __class__, and so may run its __getattribute__.
    return issubclass(type(thing), kinds)


def _is_users(cls: type) -> bool:
    """Whether a class was defined by the lines that are run."""
    module = vars(type)["__dict__"].__get__(cls).get("__module__")
    return isinstance(module, str) and module == USER_MODULE


def _is_told(thing: Any) -> bool:
    return not _is(thing, (type, *_OPAQUE)) or (_is(thing, type) and _is_users(thing))


def shown(thing: Any) -> str:
    """An object in a few characters."""
    kind = type(thing)
    if kind is int and thing.bit_length() > _MAX_INT_BITS:
        return f"an int of {thing.bit_length()} bits"
    if kind in (str, bytes, bytearray):
        text = repr(thing[:MAX_TEXT])
        return text if len(text) <= MAX_TEXT and len(thing) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
    if kind in _ATOMS:
        return cut(repr(thing))
    if _is(thing, type):
        return cut(f"class {type.__dict__['__name__'].__get__(thing)}")
    if kind is FunctionType:
        return cut(f"{thing.__name__}()")
    if kind is MethodType:
        return cut(f"method of {type_name(thing.__self__)}")
    if _is(thing, ModuleType):
        return cut(f"module {vars(thing).get('__name__', '')}")
    of: Any = next((base for base in _SIZED if _is(thing, base)), None)
    if of is not None:
        length = of.__len__(thing)
        return cut(f"{type_name(thing)} of {length} item{'s' * (length != 1)}")
    return cut(f"{type_name(thing)} object")


def size(thing: Any) -> int | None:
    """Its bytes with the headers before it; None where only its own class's __sizeof__ would tell."""
    if any("__sizeof__" in vars(base) for base in _bases(type(thing)) if _is_users(base)):
        return None
    return sys.getsizeof(thing)


def type_name(thing: Any) -> str:
    """The name of an object's type, as its class statement has it."""
    name: str = type.__dict__["__name__"].__get__(type(thing))
    return name


def cut(text: str) -> str:
    """The text, or as much of it as is shown."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


class Count(NamedTuple):
    """How many references there are to an object; None where CPython does not count them."""

    references: int | None
    immortal: bool


def count_references(held: list[Any]) -> list[Count]:
    """The references to each object, without the list's own.

    What reading adds is measured on an object that has no other reference than such a list's.
    """
    own = _counts([object()])[0]
    return [
        Count(
            None if count >= _IMMORTAL_FROM else count - own,
            _IMMORTAL_FROM <= count < _DEFERRED_FROM,
        )
        for count in _counts(held)
    ]


def _counts(held: list[Any]) -> list[int]:
    return [sys.getrefcount(held[place]) for place in range(len(held))]
