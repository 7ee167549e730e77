"""python -m app.probe: one observation, as app.model.spec and app.model.frames describe."""

from __future__ import annotations

import gc
import signal

from .observer import serve
from .pacing import shorten_slice, tighten_timer
from .target import adopt_orphans

if __name__ == "__main__":
    # What a terminal or a supervisor sends to the whole group is for the server and the target to judge; the
    # observer ends with its standard input. A handler, since the target would inherit what is ignored.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)
    adopt_orphans()
    tighten_timer()
    shorten_slice()
    gc.freeze()
    serve()
