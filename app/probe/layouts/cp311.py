"""CPython 3.11: one GIL a process, inside _PyRuntime."""

from __future__ import annotations

from . import Layout

LAYOUT = Layout(
    version=(3, 11),
    free_threaded=False,
    interpreters_head=40,
    interp_next=0,
    interp_id=48,
    interp_threads_head=16,
    interp_runtime=40,
    tstate_native_thread_id=160,
    runtime_gil=360,
)
