"""python -m app.probe: one observation, as app.model.spec and app.model.frames describe."""

from __future__ import annotations

import gc
import signal

from .observer import serve
from .pacing import shorten_slice, tighten_timer
from .target import adopt_orphans

if __name__ == "__main__":
    # The server ends the observer through its standard input; a terminal's Ctrl-C is for the server to judge.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_orphans()
    tighten_timer()
    shorten_slice()
    gc.freeze()
    serve()
