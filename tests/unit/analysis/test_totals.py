"""Running totals: what could not be read leaves the reading before it standing."""

from app.analysis.totals import Totals, seconds


def test_a_total_moves_from_where_it_is_counted_on():
    totals = Totals(2)
    totals.read([100, 7])
    totals.rebase()
    totals.read([130, None])
    assert (totals.moved(0), totals.moved(1)) == (30, 0)


def test_a_total_that_was_never_read_has_not_moved_but_is_unknown():
    totals = Totals(2)
    totals.read([5, None])
    assert (totals.moved(0), totals.moved(1)) == (5, None)
    totals.rebase()
    totals.read([5, 9])  # read for the first time: it is counted from nothing
    assert totals.moved(1) == 9


def test_what_is_stored_goes_on_as_before():
    one, other = Totals(1), Totals(1)
    one.read([10])
    one.rebase()
    one.read([25])
    other.read(one.state())
    other.count_from(one.origin())
    other.read([None])
    assert other.moved(0) == one.moved(0) == 15


def test_seconds_of_nothing_are_nothing():
    assert (seconds(1_500_000), seconds(0), seconds(None)) == (1.5, 0.0, None)
