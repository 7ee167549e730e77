"""CPython 3.13 with the GIL."""

from __future__ import annotations

from . import Layout

LAYOUT = Layout(
    version=(3, 13),
    free_threaded=False,
    interpreters_head=632,
    interp_next=7264,
    interp_id=7272,
    interp_threads_head=7344,
    interp_runtime=7376,
    tstate_native_thread_id=160,
    interp_ceval_gil=16,
)
