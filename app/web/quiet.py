"""A log that nobody without a token can fill."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

AGAIN_S = 60.0

_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)


class OnceAMinute(logging.Filter):
    """Lets each warning through once in `AGAIN_S`, and every error."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._next_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.levelno >= logging.ERROR:
            return True
        now = self._clock()
        if now < self._next_s.get(record.msg, now):
            return False
        self._next_s[record.msg] = now + AGAIN_S
        return True


_FILTER = OnceAMinute()


def keep_quiet(out_of_descriptors: Callable[[], None]) -> None:
    """Log seldom what clients can cause, in the loop that runs.

    `out_of_descriptors` is called where none is left for another connection.
    """
    for name in ("uvicorn.error", "asyncio", __name__):
        logging.getLogger(name).addFilter(_FILTER)

    def on_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in _NO_DESCRIPTOR and "socket" in context:
            out_of_descriptors()
            logger.warning("No file descriptor is left for another connection; `ulimit -n` raises the limit")
        else:
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(on_exception)
