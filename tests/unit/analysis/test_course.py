"""The course of some values: few enough rows, the first and the newest always among them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.analysis.course import MAX_ROWS, Course


@given(st.integers(1, 20 * MAX_ROWS))
def test_rows_are_few_in_order_evenly_apart_and_the_newest_is_there(readings: int):
    course = Course()
    for number in range(readings):
        course.add((number, 2 * number))
    rows = course.to_json(["at_us", "rss"])["rows"]
    at = [row[0] for row in rows]
    assert len(rows) <= MAX_ROWS + 1
    assert (at[0], at[-1]) == (0, readings - 1)
    assert all(row == [row[0], 2 * row[0]] for row in rows), "each is as it was taken"
    steps = {later - earlier for earlier, later in pairwise(at[:-1])}
    assert len(steps) <= 1
    assert min(readings, MAX_ROWS) / 2 <= len(rows)


def test_a_piece_that_follows_goes_on_and_a_time_is_cut_out():
    first, second = Course(), Course()
    for number in range(3):
        first.add((number, None))
        second.add((number + 3, 1))
    first.absorb(second.state())
    assert first.between(1, 4) == [(1, None), (2, None), (3, 1), (4, 1)]
    assert Course().between(0, 9) == []
