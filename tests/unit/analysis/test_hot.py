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
