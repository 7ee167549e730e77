"""A span of a run, as if it were the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.analysis.test_bins import HISTORIES, INSTANTS, LANES, SPAN_US, frames_of

from app.analysis.excerpt import Excerpt
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.frames import CLibrary, Counters, End, Event, Frame, Hello, Loops, Memory, Names

RUN = {"id": "x", "kind": "command", "name": "x", "state": "finished", "started_at": 0.0, "error": None}
BEGIN = [
    Hello(0, 0.0, {}, {"gil_hz": 1000.0}),
    Names(0, [[lane, 1, lane, "", 0] for lane in range(LANES)], [[0, 1, 0]]),
]


def excerpt(messages, from_us, to_us):
    made = Excerpt(from_us, to_us)
    for message in messages:
        made.feed(message)
    return made.summary(RUN)


@given(HISTORIES, st.sets(INSTANTS, max_size=8), INSTANTS, INSTANTS)
def test_its_figures_are_those_of_the_slices_between_its_borders(history, borders, one, other):
    from_us, to_us = sorted((one, other))
    to_us = max(to_us, from_us + 1)
    ledger = Ledger()
    for message in BEGIN:
        ledger.feed(message)
    for frame in frames_of(history, borders | {from_us, to_us} - {SPAN_US}):
        if from_us <= frame.start_us < to_us:
            ledger.feed(frame)
    ledger.feed(End(to_us, "finished"))
    expected = summarise(ledger, {**RUN, "duration_s": (to_us - from_us) / 1e6})
    found = excerpt([*BEGIN, *frames_of(history, borders)], from_us, to_us)
    for summary in (expected, found):
        del summary["sampling"], summary["findings"]  # a cut slice has a share of its samples
    assert found == expected


def test_totals_count_from_what_was_told_before_it_and_events_are_its_own():
    messages = [*BEGIN]
    for n in range(8):
        messages.append(
            Frame(n * 50_000, (n + 1) * 50_000, 50, 0, 0, [[0, 3, [0, 0, 50_000]]], [[0, [0, 50_000]]])
        )
        messages.append(
            Counters((n + 1) * 50_000, [[1, 40_000 * n, 1 << 20, 1 << 20, 0, 0]], [[0, 40_000 * n, 0, n, 0]])
        )
        messages.append(Event((n + 1) * 50_000, "gil-on", 1, str(n)))
    summary = excerpt(messages, 125_000, 275_000)
    assert summary["run"]["duration_s"] == 0.15
    assert summary["threads"][0]["cpu_s"] == 0.12  # from the counters at 100 ms to those at 250 ms
    assert summary["threads"][0]["voluntary_switches"] == 3
    assert [row["by"] for row in summary["gils_switched_on"]] == ["2", "3", "4"]
    assert summary["gils"][0]["switches"] == 9  # of the slices that end in it


def four_reads_a_second(from_us, to_us):
    """Of a run of two threads, of which one computes."""
    messages = [*BEGIN]
    for at_us in range(0, 4_000_000, 50_000):
        messages.append(Frame(at_us, at_us + 50_000, 50, 0, 0, [], [[0, [0, 50_000]], [1, [5, 50_000]]]))
        if at_us % 250_000 == 200_000:
            end_us = at_us + 50_000
            totals = [[0, end_us, 0, 8, 0], [1, 0, 0, 0, 0]]
            messages.append(Counters(end_us, [[1, end_us, 1 << 20, 1 << 20, 0, 0]], totals, ops=end_us))
    return excerpt(messages, from_us, to_us)


@pytest.mark.parametrize("from_us", [1_770_000, 1_810_000, 1_990_000])
def test_the_share_of_a_cpu_is_of_the_time_between_the_readings(from_us):
    """One reading falls into it, 250 ms after the one before."""
    summary = four_reads_a_second(from_us, from_us + 240_000)
    assert summary["cpu_share"] == 1
    assert [thread["cpu_s"] for thread in summary["threads"]] == [0.25, 0]


def test_of_a_span_without_a_reading_no_total_is_known():
    summary = four_reads_a_second(1_780_000, 1_980_000)
    assert summary["cpu_share"] is None
    assert summary["workload"] == {"ops": None, "ops_per_s": None}
    for thread in summary["threads"]:
        assert thread["observed_s"] == 0.2
        assert thread["cpu_s"] is thread["run_delay_s"] is None
        assert thread["voluntary_switches"] is thread["involuntary_switches"] is None


def test_a_loop_that_was_found_before_it_is_told_of_by_the_messages_in_it():
    messages = [*BEGIN]
    for n in range(8):
        start_us, end_us = n * 50_000, (n + 1) * 50_000
        messages.append(Frame(start_us, end_us, 50, 0, 0, [], [[0, [5, 50_000]]]))
        messages.append(Loops(end_us, [[0, "asyncio", True, True]], [[0, 40_000, 10_000, [5_000, 10_000]]]))
    [row] = excerpt(messages, 125_000, 275_000)["loops"]
    assert (row["kind"], row["observed_s"]) == ("asyncio", 0.15)


def test_it_begins_with_what_stood_before_it_of_each_process():
    messages = [*BEGIN]
    for at_us, pid, size in ((1, 1, 10), (2, 7, 20), (3, 1, 30), (60_000, 7, 40), (160_000, 1, 99)):
        messages.append(Memory(at_us, pid, size, size, size, 0, 0, {}))
        messages.append(CLibrary(at_us + 1, pid, 1, 1, "glibc", system=size, free=0))
    messages.append(Frame(0, 200_000, 200, 0, 0, [], [[0, [0, 200_000]]]))
    rows = excerpt(messages, 50_000, 150_000)["memory"]
    assert [(row["pid"], row["rss"], row["c_library"]["system"]) for row in rows] == [
        (7, 40, 40),
        (1, 30, 30),
    ]


def test_operations_are_those_of_the_span():
    excerpt = Excerpt(2_000_000, 3_000_000)
    for at_us in range(0, 4_000_000, 250_000):
        excerpt.feed(Frame(at_us, at_us + 250_000, 250, 0, 0))
        excerpt.feed(Counters(at_us + 250_000, ops=7 * (at_us + 250_000)))
    workload = excerpt.summary({"state": "finished"})["workload"]
    assert workload["ops_per_s"] == 7e6
    assert workload["ops"] == 7_000_000


def test_what_stood_before_it_is_taken_in_the_order_in_which_it_was_told():
    # GIVEN readings that take turns: of the PSS of all it is known what it was once each one's RSS is
    readings = []
    for at_us in range(10_000, 90_000, 20_000):
        readings.append(Counters(at_us, [[7, 1, 5 << 20, None, 1, 0]], [], {}))
        readings.append(Memory(at_us + 10_000, 7, 5 << 20, 1 << 20, 2 << 20, 0, 0, {}))
    frame = Frame(0, 200_000, 200, 0, 0, [], [[0, [0, 200_000]]])
    # THEN it is the same from wherever on they are looked at
    for since in (0, 1, 4, 5):
        assert excerpt([*BEGIN, *readings[since:], frame], 95_000, 150_000)["memory_peak"] == {
            "rss": 5 << 20,
            "uss": 1 << 20,
            "pss": 2 << 20,
        }
