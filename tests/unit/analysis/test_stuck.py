"""Threads that stand still, as messages tell of them."""

from __future__ import annotations

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.frames import Blocked, Counters, Frame, Hello, Names
from app.model.states import LOCK, NATIVE

MS = 1000
STACK = 0


def test_a_look_into_the_moment_in_which_it_is_ended_does_not_hide_where_a_thread_stood() -> None:
    ledger = Ledger()
    ledger.feed(Hello(0, 0.0, {}, {"gil_hz": 1000.0}))
    functions, stacks = [[0, "transfer", "/srv/app.py", 20]], [[STACK, [0, 22]]]
    ledger.feed(Names(0, [[0, 1, 10, "main", 0]], functions=functions, stacks=stacks, locks=[STACK]))
    for start in range(0, 1000 * MS, 250 * MS):
        ledger.feed(Frame(start, start + 250 * MS, 250, 0, 0, [], [[0, [LOCK, 250 * MS]]]))
        ledger.feed(Counters(start + 250 * MS, [], [[0, 0, 0, 1, 0]], {}, None))
    ledger.feed(Blocked([[60 * MS, 0, LOCK, 0, STACK, None]]))
    ledger.feed(Blocked([[1010 * MS, 0, NATIVE, 1010 * MS, None, None]]))
    [row] = summarise(ledger)["stuck"]
    assert (row["takes_lock"], row["stack"][0]["function"]) == (True, "transfer")
