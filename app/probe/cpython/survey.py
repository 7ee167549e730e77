"""Walking the interpreters and thread states of a CPython, and reading its GIL."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.probe.kernel.memory import ProcessMemory, Unmapped

from .layouts import TSTATE_INTERP, TSTATE_NEXT, Layout

# Lists are walked while their owner changes them: a walk that goes on beyond these is on a stale pointer.
MAX_INTERPRETERS = 1_000
MAX_THREADS = 10_000
_MAX_ID = 1 << 32  # of an interpreter

_TRIES = 3  # a list that changes under the walk is walked again


class Inconsistent(Exception):
    """The structures contradict each other: the layout is wrong, or they changed while they were read."""


@dataclass(frozen=True)
class ThreadState:
    """A PyThreadState: the Python side of an OS thread in one interpreter."""

    address: int
    tid: int  # native_thread_id, in the target's own pid namespace
    interpreter: int  # its id
    gil: int  # the address of the GIL that it takes


@dataclass(frozen=True)
class InterpreterState:
    """A PyInterpreterState."""

    address: int
    id: int


@dataclass(frozen=True)
class GilState:
    """A GIL, and the first interpreter that uses it."""

    address: int
    interpreter: int


Links = dict[int, tuple[int, int]]  # of thread states: {address: (native thread id, address of the next)}


@dataclass(frozen=True)
class Survey:
    """Everything found in one walk. `heads` are words that change when a thread or interpreter is made.

    From 3.12 on a thread is made in two steps: its state is listed, and later it binds that, which gives it
    an id. Each word is as it was before the list behind it was walked, so what has changed since is seen.
    """

    interpreters: list[InterpreterState]
    gils: list[GilState]
    threads: list[ThreadState]
    heads: dict[int, int]  # by address
    links: dict[int, Links] = field(default_factory=dict)  # by the address of the interpreter


def survey(
    memory: ProcessMemory, runtime: int, layout: Layout, before: dict[int, Links] | None = None
) -> Survey:
    """Every interpreter, GIL and thread state; Inconsistent where they contradict each other three times.

    With `before`, the links of an earlier survey, a list of thread states is read only up to where it is as
    it was: new ones come at its head, and of hundreds each takes 3 us to read. Those that have gone from
    behind there are told of still.
    """
    links = before or {}
    for _ in range(_TRIES - 1):
        try:
            return _survey(memory, runtime, layout, links)
        except (Inconsistent, Unmapped):
            links = {}
    return _survey(memory, runtime, layout, links)


def _survey(memory: ProcessMemory, runtime: int, layout: Layout, before: dict[int, Links]) -> Survey:
    found: list[InterpreterState] = []
    gils: dict[int, GilState] = {}
    threads: list[ThreadState] = []
    links: dict[int, Links] = {}
    head = runtime + layout.runtime_state.interpreters_head
    heads = {head: memory.u64(head)}
    for interp in interpreters(memory, runtime, layout):
        number = memory.u64(interp + layout.interpreter_state.id)
        heads[interp + layout.interpreter_state.id] = number  # another may be made where one has ended
        head = interp + layout.interpreter_state.threads_head
        heads[head] = memory.u64(head)
        gil = gil_address(memory, runtime, interp, layout)
        if layout.interpreter_state.ceval_gil is not None:
            heads[interp + layout.interpreter_state.ceval_gil] = gil
        if not gil:
            continue  # it is being made, or taken down
        if number > _MAX_ID or (gil not in gils and not _is_gil(memory, gil, layout)):
            raise Inconsistent(f"the interpreter at {interp:#x} has no id, or no GIL")
        found.append(InterpreterState(interp, number))
        gils.setdefault(gil, GilState(gil, number))
        links[interp] = _thread_states(memory, heads[head], interp, layout, before.get(interp, {}))
        for address, (tid, _) in links[interp].items():
            if tid:
                threads.append(ThreadState(address, tid, number, gil))
            else:  # its thread has yet to bind it, which moves no head
                heads[address + layout.thread_state.native_thread_id] = 0
    found.sort(key=lambda i: i.id)
    return Survey(found, sorted(gils.values(), key=lambda g: g.interpreter), threads, heads, links)


def _is_gil(memory: ProcessMemory, address: int, layout: Layout) -> bool:
    """Whether what lies there can be a GIL: held, free, or not made yet."""
    return memory.i32(address + layout.gil.locked) in (-1, 0, 1)


def gil_address(memory: ProcessMemory, runtime: int, interp: int, layout: Layout) -> int:
    """The GIL that an interpreter's threads take: its own, or one that it shares."""
    if layout.runtime_state.gil is not None:
        return runtime + layout.runtime_state.gil
    assert layout.interpreter_state.ceval_gil is not None
    return memory.u64(interp + layout.interpreter_state.ceval_gil)


def interpreters(memory: ProcessMemory, runtime: int, layout: Layout) -> Iterator[int]:
    """The address of each PyInterpreterState, newest first."""
    interp = memory.u64(runtime + layout.runtime_state.interpreters_head)
    met: set[int] = set()
    while interp and len(met) < MAX_INTERPRETERS:
        if interp in met:
            raise Inconsistent(f"the interpreter at {interp:#x} comes after itself")
        met.add(interp)
        if memory.u64(interp + layout.interpreter_state.runtime) != runtime:
            raise Inconsistent(f"the interpreter at {interp:#x} belongs to another runtime")
        yield interp
        interp = memory.u64(interp + layout.interpreter_state.next)
    if interp:
        raise Inconsistent(f"more than {MAX_INTERPRETERS} interpreters")


def _thread_states(memory: ProcessMemory, first: int, interp: int, layout: Layout, before: Links) -> Links:
    """Each of an interpreter's, newest first; the id is 0 until the thread binds its state."""
    size = layout.thread_state.native_thread_id + 8
    address = first
    links: Links = {}
    as_before = False  # from here on the list is what it was
    while address and len(links) < MAX_THREADS:
        if address in links:
            raise Inconsistent(f"the thread state at {address:#x} comes after itself")
        link = before.get(address)
        if not as_before or link is None or not link[0]:
            block = memory.read(address, size)
            following, owner = struct.unpack_from("=QQ", block, TSTATE_NEXT)
            if owner != interp:
                raise Inconsistent(f"the thread state at {address:#x} belongs to another interpreter")
            found = struct.unpack_from("=Q", block, layout.thread_state.native_thread_id)[0], following
            as_before = as_before or found == link
            link = found
        links[address] = link
        address = link[1]
    if address:
        raise Inconsistent(f"more than {MAX_THREADS} threads")
    return links


assert TSTATE_INTERP == TSTATE_NEXT + 8  # both are read in one unpack
