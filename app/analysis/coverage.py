"""How much of the time was seen: `coverage`, from 0 to 1, null where there was nothing to see.

thread    the share of the time in which it was there in which its state was known. It was there from the
          message that named it until it went, or to the end of the measured time.
GIL       the share of its time in which its holder was known: a thread, or nobody
run       the smaller of two: the coverage of all GILs, and that of all threads, their times added up. Of a
          program that runs without a GIL it is that of its threads.

Not seen is what a track calls unknown (a thread or a lock that could not be read; the time in which the
observer itself did not run, because it had no CPU; a thread that was not looked at for too long) and every
slice that is missing between two others. Time before an interpreter could be read is not in it.

A share is always one of the time that was seen, but for the shares of a thread's states, of which `unknown`
is one; `coverage` stands beside it and says how much that is.
"""

from __future__ import annotations

from app.analysis.ledger import Ledger
from app.analysis.tracks import known_share
from app.model.states import UNKNOWN


def of_gils(ledger: Ledger) -> float | None:
    """The coverage of all GILs."""
    time = ledger.gils.time()
    return known_share(time.read_us, time.unknown_us)


def of_threads(ledger: Ledger) -> float | None:
    """The coverage of all threads."""
    state_us = ledger.threads.state_us()
    return known_share(sum(state_us) - state_us[UNKNOWN], state_us[UNKNOWN])


def of_run(ledger: Ledger) -> float | None:
    """The coverage of the run."""
    known = [part for part in (of_gils(ledger), of_threads(ledger)) if part is not None]
    return min(known, default=None)
