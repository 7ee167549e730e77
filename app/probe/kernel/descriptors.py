"""How many files the observer may have open: it has one for each thread that it watches."""

from __future__ import annotations

import resource


def allow_many() -> None:
    """Raises the limit, by default 1,024, to the most that this user may have.

    Whatever is started from then on inherits it, so this is for after a target was started: a program is not
    to find another limit than without GILScope.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
