"""The histogram against exact percentiles."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.histogram import STEPS_US, Histogram, Runs

LENGTHS = st.lists(st.integers(0, 10**12), min_size=1, max_size=200)


def filled(lengths):
    histogram = Histogram()
    for length in lengths:
        histogram.add(length)
    return histogram


@given(LENGTHS, st.floats(0, 1))
def test_quantiles_are_within_two_percent_of_the_exact_ones(lengths, fraction):
    exact = sorted(lengths)[max(1, ceil(fraction * len(lengths))) - 1]
    (found,) = filled(lengths).quantiles([fraction])
    assert abs(found - exact) <= 0.008 * exact


@given(LENGTHS)
def test_count_and_maximum_are_exact_and_quantiles_ascend(lengths):
    histogram = filled(lengths)
    assert (histogram.count, histogram.max_us) == (len(lengths), max(lengths))
    found = histogram.quantiles([0, 0.5, 0.95, 0.99, 1])
    assert found == sorted(found)
    assert found[-1] <= max(lengths)


@given(st.lists(st.integers(0, 127), min_size=1))
def test_short_lengths_have_exact_quantiles(lengths):
    assert filled(lengths).quantiles([0.5]) == [sorted(lengths)[ceil(len(lengths) / 2) - 1]]


@given(LENGTHS, st.integers(0, 10**9))
def test_a_copy_goes_its_own_way(lengths, more):
    histogram = filled(lengths)
    histogram.copy().add(more)
    assert histogram.quantiles([0.5, 1]) == filled(lengths).quantiles([0.5, 1])
    assert histogram.steps() == filled(lengths).steps()
    assert histogram.count == len(lengths)


def test_an_hour_of_holds_of_every_length_takes_few_buckets():
    histogram = filled(range(0, 3_600_000_000, 40_009))
    assert histogram.count == 89_980
    assert len(histogram._counts) < 2_000


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(ValueError, match="no quantiles"):
        Histogram().quantiles([0.5])
    with pytest.raises(ValueError, match="cannot be negative: -1 us"):
        Histogram().add(-1)


def test_runs_without_any_have_no_quantiles():
    quantiles = dict.fromkeys(["p50_s", "p95_s", "p99_s", "max_s"])
    assert Runs().to_json() == {"count": 0, "cut": 0, "cut_longest_s": None, **quantiles, "histogram": []}


def test_a_run_next_to_what_was_not_seen_is_cut_and_lasted_at_least_so_long():
    # GIVEN a run that ends in the unread, one that begins in it, and a whole one
    runs = Runs()
    runs.open_us = 100
    runs.close(unread=True)
    runs.open_us = 200
    assert (runs.to_json()["count"], runs.to_json()["cut"]) == (0, 2)
    assert runs.to_json()["cut_longest_s"] == 0.0002
    runs.close()
    runs.open_us = 50
    runs.close()

    # THEN
    assert (runs.to_json()["count"], runs.to_json()["cut"]) == (1, 2)
    assert (runs.to_json()["max_s"], runs.to_json()["cut_longest_s"]) == (0.00005, 0.0002)


def test_a_run_that_still_goes_on_counts_with_its_length_so_far():
    # GIVEN one run that ended and one that goes on
    runs = Runs()
    runs.open_us = 100
    runs.close()
    runs.open_us = 3_000_000

    # WHEN asked twice, THEN both count, once
    assert runs.to_json() == runs.to_json()
    assert runs.to_json()["count"] == 2
    assert runs.to_json()["max_s"] == 3.0
    assert runs.to_json()["p50_s"] == 0.0001


def test_steps_go_from_a_tenth_of_a_millisecond_to_ten_seconds_by_one_two_five():
    assert STEPS_US[:7] == (100, 200, 500, 1_000, 2_000, 5_000, 10_000)
    assert (len(STEPS_US), STEPS_US[-1]) == (16, 10_000_000)


def test_a_length_counts_in_the_step_that_it_is_no_longer_than():
    assert filled([150, 200, 201, 1_000, 1_000]).steps() == [[0.0002, 2], [0.0005, 1], [0.001, 2]]
    assert filled([99, 10_000_001]).steps()[-1] == [None, 1]
    assert len(filled([99, 10_000_001]).steps()) == 17


@given(LENGTHS)
def test_steps_hold_every_length_and_ascend(lengths):
    steps = filled(lengths).steps()
    assert sum(count for _, count in steps) == len(lengths)
    assert steps[0][1] > 0
    assert steps[-1][1] > 0
    uppers = [upper for upper, _ in steps if upper is not None]
    assert uppers == sorted(uppers)
    for upper_s, _ in steps[:-1]:
        below = sum(length <= upper_s * 1e6 + 0.5 for length in lengths)
        assert below == sum(count for other, count in steps if other is not None and other <= upper_s)
