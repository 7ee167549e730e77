"""A C call that blocks in the kernel and keeps the GIL meanwhile: nobody computes at all."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import partial

from app.workloads.catalogue import Param, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.gil.native_hold import calls_and_gaps, make_calls, showed_calls_and_gaps, tick
from app.workloads.measured import Shown

_US_A_MS = 1000


def _work(ctx: Context) -> Json:
    if ctx.role == "ticker":
        return tick(ctx)
    # A library opened as PyDLL is called with the GIL held, one opened as CDLL without.
    library = ctypes.CDLL(None) if ctx.params["lets_go"] else ctypes.PyDLL(None)
    return make_calls(ctx, partial(library.usleep, int(ctx.params["call_ms"] * _US_A_MS)))


def _summarise(prepared: None, found: Sequence[Json], companion: Json | None) -> Json:
    return calls_and_gaps(found)


STALLED_HOLDER = Workload(
    name="stalled-holder",
    family="gil",
    title="The holder sleeps",
    sentence="A C function called through ctypes.PyDLL waits in the kernel with the GIL held: all stop.",
    op="one tick: a reading of the clock by one of the other threads",
    look_for=(
        "While the call lasts the holder is stalled: it has the lock and does not run. The processor is "
        "idle, and yet every other thread waits.",
        "Compare longest_gap_ms with longest_call_ms, and the CPU time of the process with the time that "
        "went by: what is lost here is lost to everybody.",
        "Set lets_go: the same call through ctypes.CDLL is made without the lock, and the ticks go on.",
    ),
    why=(
        "C code has to let go of the GIL itself before it blocks. ctypes.PyDLL, a binding without "
        "Py_BEGIN_ALLOW_THREADS and a page that has to be read from disk all block with it held.",
    ),
    helps=(
        "Call through ctypes.CDLL; in an extension module put Py_BEGIN_ALLOW_THREADS around what may block.",
        "Where the library cannot be changed, call it in a process of its own.",
    ),
    subject="The global interpreter lock: what extension modules may do with it (chapter 15).",
    finding="gil-stalled-holder",
    mended=Variant("The call lets go of the GIL", params={"lets_go": True}),
    roles=("caller", "ticker"),
    counting="ticker",
    work=_work,
    executors=("threads", "processes"),
    workers=3,
    min_workers=2,
    summarise=_summarise,
    showed=showed_calls_and_gaps,
    shown=(
        Shown("calls", "Calls"),
        Shown("call_ms", "Call, median", "ms"),
        Shown("longest_call_ms", "Call, longest", "ms"),
        Shown("longest_gap_ms", "Others stood still for up to", "ms"),
    ),
    params=(
        Param(
            "call_ms", "float", 80.0, "How long the kernel is asked to wait.", min=1.0, max=300.0, unit="ms"
        ),
        Param("pause_ms", "float", 100.0, "The pause between two calls.", min=1.0, max=300.0, unit="ms"),
        Param("lets_go", "bool", False, "Whether the call is made without the GIL, by ctypes.CDLL."),
    ),
)
