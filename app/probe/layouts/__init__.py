"""Where each CPython keeps what the observer reads: one file a version, one Layout in it.

Offsets are in bytes. They come from the interpreter's own headers (`offsetof` with -DPy_BUILD_CORE against
Include/internal) and were confirmed on live processes; an address found with them is believed only after
`runtime.validate` has walked the structures and found them to agree with each other and with the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

Key = tuple[int, int, bool]  # major, minor, free-threaded


@dataclass(frozen=True)
class Gil:
    """struct _gil_runtime_state, counted from its start."""

    interval: int = 0  # u64, microseconds
    last_holder: int = 8  # PyThreadState *; the holder only while locked is 1
    locked: int = 16  # i32: -1 not made yet, 0 free, 1 held
    switch_number: int = 24  # u64: times that the holder was another than the last
    cond: int = 32  # waiters sleep on a futex in [cond, end)
    end: int = 208


@dataclass(frozen=True)
class Layout:
    """The offsets of one CPython."""

    version: tuple[int, int]
    free_threaded: bool
    interpreters_head: int  # _PyRuntimeState
    interp_next: int  # PyInterpreterState, and so below
    interp_id: int
    interp_threads_head: int
    interp_runtime: int
    tstate_native_thread_id: int  # PyThreadState; prev, next, interp are 0, 8, 16 in every version
    runtime_gil: int | None = None  # 3.11: the one GIL lies in _PyRuntimeState
    interp_ceval_gil: int | None = None  # 3.12 on: a pointer, shared by interpreters that share a GIL
    gil: Gil = Gil()

    @property
    def name(self) -> str:
        """As people say it: 3.12, 3.13t."""
        return f"{self.version[0]}.{self.version[1]}{'t' if self.free_threaded else ''}"


TSTATE_NEXT = 8
TSTATE_INTERP = 16


def known() -> dict[Key, Layout]:
    """Every layout, by version and build."""
    from . import cp311, cp312, cp313

    modules = (cp311, cp312, cp313)
    return {(*m.LAYOUT.version, m.LAYOUT.free_threaded): m.LAYOUT for m in modules}
