"""Which thread state is the main thread's after a bare fork.

A library that calls fork(2) without PyOS_AfterFork_Child, as uWSGI does, leaves every thread state with the
id that its thread had in the parent, those of threads that did not come along too. The thread that called
fork is the child's main thread. It keeps its pthread_t, and in the structure that this points to the C
library writes the thread's new id; of the others it clears theirs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from app.probe.kernel.memory import ProcessMemory, Unmapped

from .layouts import Layout
from .survey import ThreadState

# The id is 720 bytes in with glibc on x86-64, 208 on aarch64, nearer with musl.
_PTHREAD = struct.Struct("=256I")


def survivor(
    memory: ProcessMemory, layout: Layout, states: Iterable[ThreadState], own_pid: int
) -> int | None:
    """The address of the state whose thread now bears the id `own_pid`; None where none does.

    `own_pid` is the process's id in its own pid namespace. Raises AddressSpaceGone.
    """
    for state in states:
        try:
            pthread = memory.u64(state.address + layout.thread_state.thread_id)
            if own_pid in _PTHREAD.unpack(memory.read(pthread, _PTHREAD.size)):
                return state.address
        except Unmapped:
            continue  # a thread that did not come along, and its stack is freed
    return None
