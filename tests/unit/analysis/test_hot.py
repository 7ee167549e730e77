"""Hot functions: shares of the looks at a holder, and of the waiting."""

from collections import Counter

from app.analysis.functions import Functions, Place
from app.analysis.hot import UNREAD, HotFunctions, most_seen
from app.model.frames import Names

FUNCTIONS = Functions()
FUNCTIONS.names(Names(0, functions=[[0, "parse", "/home/me/parse.py", 3], [1, "send", "/home/me/net.py", 9]]))


def test_the_function_seen_most_comes_first_with_its_line_and_its_part_of_the_waiting():
    hot = HotFunctions()
    hot.add(Place(1, 12), waiters=4)
    for line in (5, 6, 6):
        hot.add(Place(0, line), waiters=0)
    parse, send = hot.rows(9, FUNCTIONS)
    assert (parse["function"], parse["file"], parse["line"]) == ("parse", "/home/me/parse.py", 6)
    assert (parse["held_share"], parse["waited_share"]) == (0.75, 0.0)
    assert (send["function"], send["held_share"], send["waited_share"]) == ("send", 0.25, 1.0)
    assert hot.rows(1, FUNCTIONS) == [parse]


def test_a_function_of_the_library_is_told_with_those_that_called_it_most():
    """One that polls a queue is at the line that raises Empty, which says nothing of who polls."""
    functions = Functions()
    library = "/usr/lib/python3.12/queue.py"
    own = "/home/me/poll.py"
    named = [[0, "Queue.get", library, 154], [1, "poll", own, 3], [2, "once", own, 9]]
    functions.names(Names(0, functions=named))
    hot = HotFunctions()
    for caller, looks in ((2, 1), (1, 3), (2, 1)):
        hot.add(Place(0, 168), waiters=0, looks=looks, callers=(Place(caller, 5),))
    [row] = hot.rows(9, functions)
    assert (row["function"], row["line"], row["callers"]) == ("Queue.get", 168, [["poll", own, 5]])


def test_looks_that_found_no_stack_have_a_row_without_a_place():
    hot = HotFunctions()
    hot.add(None, waiters=0, looks=3)
    hot.add(Place(0, 5), waiters=0)
    unread, parse = hot.rows(9, FUNCTIONS)
    assert (unread["function"], unread["file"], unread["line"]) == (UNREAD, None, None)
    assert unread["held_share"] == 0.75
    assert parse["waited_share"] is None  # nobody waited: a share of nothing


def test_of_lines_seen_as_often_the_first_is_told():
    assert most_seen(Counter({9: 2, 4: 2, 7: 1})) == 4
    assert most_seen(Counter()) is None
