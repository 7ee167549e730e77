"""Figures, header and summary of small observations, reckoned by hand."""

import json

import pytest

from app.analysis.figures import figures_of
from app.analysis.header import header_of
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.frames import (
    Collector,
    Counters,
    End,
    Event,
    Frame,
    Memory,
    Names,
    Process,
    Report,
    decode,
    encode,
)
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, LOCK, RUNNING, STALLED, STATES, UNKNOWN, WAITING

PID = 100
MS = 1000


def frame(start_ms, end_ms, gil=(), lanes=(), switches=0, samples=50, failed=0, late=0):
    """A frame of one GIL; `gil` and `lanes` hold lengths in ms."""
    track = [n * MS if at % 3 == 2 else n for at, n in enumerate(gil)]
    rows = [[lane, [n * MS if at % 2 else n for at, n in enumerate(pieces)]] for lane, pieces in lanes]
    gils = [[0, switches, track]] if gil else []
    return Frame(start_ms * MS, end_ms * MS, samples, failed, late, gils, rows)


def process_row(pid, cpu_us, rss=1000):
    return [pid, cpu_us, rss, 2000, 7, 1]


# ---- threads


def test_shares_of_a_thread_are_over_its_own_observed_time_with_unknown_among_them(begin):
    ledger = begin()
    ledger.feed(frame(0, 50, lanes=[(0, [RUNNING, 20, UNKNOWN, 5, LOCK, 25]), (1, [LOCK, 10])]))
    first, second, third = summarise(ledger)["threads"]
    assert first["observed_s"] == 0.05
    assert first["shares"] == {
        "running": 0.4,
        "stalled": 0,
        "waiting": 0,
        "native": 0,
        "lock": 0.5,
        "io": 0,
        "sleep": 0,
        "unknown": 0.1,
    }
    assert (second["observed_s"], second["shares"]["lock"]) == (0.01, 1.0)
    assert (third["observed_s"], set(third["shares"].values())) == (0, {None})


def test_a_wait_goes_on_from_one_slice_into_the_next(begin):
    ledger = begin()
    ledger.feed(frame(0, 50, lanes=[(0, [RUNNING, 30, WAITING, 20])]))
    ledger.feed(frame(50, 100, lanes=[(0, [WAITING, 50])]))
    ledger.feed(frame(100, 150, lanes=[(0, [WAITING, 5, RUNNING, 35, WAITING, 10])]))
    waits = summarise(ledger)["threads"][0]["gil_wait"]
    assert (waits["count"], waits["max_s"]) == (2, 0.075)
    assert waits["p50_s"] == pytest.approx(0.010, rel=0.02)


@pytest.mark.parametrize("state", [s for s in range(len(STATES)) if s not in (WAITING, UNKNOWN)])
def test_a_wait_is_ended_by_every_other_state(begin, state):
    ledger = begin()
    ledger.feed(frame(0, 50, lanes=[(0, [WAITING, 10, state, 1, WAITING, 39])]))
    waits = summarise(ledger)["threads"][0]["gil_wait"]
    assert (waits["count"], waits["cut"], waits["max_s"]) == (2, 0, 0.039)


def assert_cut_in_two(ledger):
    summary = summarise(ledger)
    for runs in (summary["threads"][0]["gil_hold"], summary["threads"][1]["gil_wait"]):
        assert (runs["count"], runs["cut"], runs["max_s"], runs["histogram"]) == (0, 2, None, [])
        assert runs["cut_longest_s"] == 0.05
    longest = summary["longest_waits"] + summary["longest_holds"]
    told = [(row["name"], row["length_s"]) for row in longest if row["at_least"]]
    assert told == [("t1", 0.05), ("t1", 0.05), ("t0", 0.05), ("t0", 0.05)]


@pytest.mark.parametrize("how", ["unknown", "missing"])
def test_a_gap_of_the_observer_cuts_a_wait_and_a_hold_and_each_part_is_a_lower_bound(begin, how):
    # GIVEN one wait and one hold of 110 ms, of which 10 ms in the middle could not be read
    ledger = begin()
    ledger.feed(frame(0, 50, [0, 1, 50], [(1, [WAITING, 50])]))
    if how == "unknown":
        ledger.feed(frame(50, 60, [HOLDER_UNKNOWN, 0, 10], [(1, [UNKNOWN, 10])]))
    ledger.feed(frame(60, 110, [0, 1, 50], [(1, [WAITING, 50])]))
    # THEN both parts are cut while the second goes on
    assert_cut_in_two(ledger)
    assert all(row["at_least"] for row in summarise(ledger)["longest_holds"])

    # AND when it has ended
    ledger.feed(frame(110, 150, [HOLDER_NONE, 0, 10, 2, 0, 30], [(1, [LOCK, 10, RUNNING, 30])]))
    assert_cut_in_two(ledger)
    whole = [row for row in summarise(ledger)["longest_holds"] if not row["at_least"]]
    assert [(row["name"], row["length_s"]) for row in whole] == [("t2", 0.03)]

    # AND what comes after is whole again
    ledger.feed(frame(150, 200, [0, 1, 50], [(1, [WAITING, 20, LOCK, 30])]))
    hold, wait = (
        summarise(ledger)["threads"][lane][what] for lane, what in ((0, "gil_hold"), (1, "gil_wait"))
    )
    assert (hold["count"], hold["cut"], hold["max_s"]) == (1, 2, 0.05)
    assert (wait["count"], wait["cut"], wait["max_s"]) == (1, 2, 0.02)


@pytest.mark.parametrize(
    ("between", "longest_s"),
    [
        ([], 0.05),
        ([0, 3, 0], 0.05),
        ([1, 0, 0], 0.03),
        ([HOLDER_NONE, 0, 0], 0.03),
    ],
    ids=["nothing", "other-waiters", "other-holder", "handed-back"],
)
def test_a_hold_is_broken_by_whatever_stands_between(begin, between, longest_s):
    ledger = begin()
    ledger.feed(frame(0, 20, [0, 0, 20]))
    ledger.feed(frame(20, 50, [0, 2, 10, *between, 0, 1, 20]))
    hold = summarise(ledger)["threads"][0]["gil_hold"]
    assert hold["max_s"] == longest_s
    assert hold["count"] == (1 if longest_s == 0.05 else 2)
    assert summarise(ledger)["threads"][1]["gil_hold"]["count"] == 0


def test_of_a_hold_that_part_counts_as_kept_for_which_another_waited(begin):
    ledger = begin()
    ledger.feed(frame(0, 50, [0, 0, 40, 0, 2, 10]))
    ledger.feed(frame(50, 100, [0, 1, 10, 1, 0, 40]))
    first, second = (summarise(ledger)["threads"][lane]["gil_kept"] for lane in (0, 1))
    assert (first["count"], first["max_s"]) == (1, 0.02)
    assert second["count"] == 0
    # One that is cut has kept another for so long at least.
    ledger.feed(frame(100, 150, [0, 1, 30, HOLDER_UNKNOWN, 0, 20]))
    first = summarise(ledger)["threads"][0]["gil_kept"]
    assert (first["count"], first["cut"], first["max_s"]) == (2, 0, 0.03)


def test_a_thread_keeps_its_row_under_its_new_name_when_it_has_gone(begin):
    ledger = begin()
    ledger.feed(frame(0, 50, lanes=[(1, [RUNNING, 50])]))
    ledger.feed(Names(50 * MS, [[1, PID, 101, "renamed", 0]], gone=[1]))
    row = figures_of(ledger)["threads"][1]
    assert (row["lane"], row["name"], row["alive"], row["observed_s"]) == (1, "renamed", False, 0.05)


def test_the_end_of_a_process_is_the_end_of_its_threads(begin):
    ledger = begin()
    ledger.feed(Process(50 * MS, PID, None, [], "3.12.1", gone=True))
    assert [row["alive"] for row in figures_of(ledger)["threads"]] == [False] * 3
    assert figures_of(ledger)["processes"] == []
    assert [row["pid"] for row in summarise(ledger)["memory"]] == [PID]


def test_ten_thousand_threads_that_come_and_go_do_not_grow_without_bound(begin):
    # GIVEN a thread that works for a moment every 10 ms, and each hundredth for longer
    ledger = begin(0)
    for lane in range(10_000):
        start_ms = 10 * lane
        ledger.feed(Names(start_ms * MS, [[lane, PID, lane + 1, "", 0]]))
        work_ms = 5 if lane % 100 == 0 else 1
        ledger.feed(frame(start_ms, start_ms + 10, lanes=[(lane, [RUNNING, work_ms, LOCK, 10 - work_ms])]))
        ledger.feed(Names(start_ms * MS + 10 * MS, gone=[lane]))

    # WHEN the summary is made, THEN the most active have rows and none is forgotten in the count
    summary = summarise(ledger)
    assert len(summary["threads"]) == 500
    assert summary["threads_not_shown"] == 9_500
    assert sum(row["shares"]["running"] == 0.5 for row in summary["threads"]) == 100
    assert len(figures_of(ledger)["threads"]) == 200
    assert len(header_of(ledger)["threads"]) == 1_500 + 1  # 15 s of them
    assert sum(1 for _ in ledger.threads) < 3_500


# ---- GILs


def test_figures_of_a_gil_are_over_the_time_in_which_it_was_read(begin):
    ledger = begin()
    pieces = [0, 2, 10, HOLDER_NONE, 0, 10, HOLDER_UNKNOWN, 0, 50, 1, 0, 20]
    ledger.feed(frame(0, 90, pieces, switches=9, failed=50))
    summary = summarise(ledger)
    assert summary["gils"] == [
        {
            "pid": PID,
            "interpreter": 0,
            "switches": 9,
            "switches_per_s": 100.0,
            "coverage": 40 / 90,
            "held_share": 0.75,
            "contended_share": 0.25,
            "waiters": 0.5,
            **{"seen_s": 0.04, "unseen_s": 0.05, "held_s": 0.03, "contended_s": 0.01, "waited_s": 0.02},
        }
    ]
    assert summary["sampling"]["failed"] == 50


def test_a_gil_that_was_never_read_has_no_figures(begin):
    ledger = begin()
    ledger.feed(frame(0, 50, [HOLDER_UNKNOWN, 0, 50]))
    figures = figures_of(ledger)
    assert (figures["gils"][0]["held_share"], figures["gils"][0]["waiters"]) == (None, None)


def test_each_gil_has_figures_of_its_own(begin):
    ledger = begin()
    ledger.feed(Names(0, [[9, 200, 200, "child", 0]], [[1, 200, 0]]))
    gils = [[0, 3, [0, 0, 10 * MS, HOLDER_NONE, 0, 40 * MS]], [1, 5, [9, 0, 50 * MS]]]
    ledger.feed(Frame(0, 50 * MS, 50, 0, 0, gils))
    figures = figures_of(ledger)
    assert [(gil["gil"], gil["pid"], gil["held_share"]) for gil in figures["gils"]] == [
        (0, PID, 0.2),
        (1, 200, 1),
    ]
    assert figures["totals"]["switches_per_s"] == 160


def test_rolling_figures_forget_what_is_older_than_a_second(begin):
    ledger = begin()
    for start_ms in range(0, 3000, 50):
        holder = 0 if start_ms < 1950 else HOLDER_NONE
        ledger.feed(frame(start_ms, start_ms + 50, [holder, 0, 50], switches=1))
    figures = figures_of(ledger)
    assert figures["window_s"] == 1.0
    assert figures["gils"][0]["held_share"] == 0
    assert figures["gils"][0]["switches_per_s"] == 20
    assert figures["gils"][0]["switches"] == 60
    assert figures["observer"]["gil_hz"] == 1000
    assert summarise(ledger)["gils"][0]["held_share"] == 0.65


# ---- counters


def test_a_rate_needs_two_readings(begin):
    ledger = begin()
    ledger.feed(Counters(0, [process_row(PID, 500 * MS)], [[0, 9, 9, 9, 9]], {"cpu_us": 70 * MS}, 0))
    figures = figures_of(ledger)
    assert figures["totals"] == {
        "cpu_share": None,
        "rss": 1000,
        "pss": None,
        "ops": 0,
        "ops_per_s": None,
        "switches_per_s": None,
    }
    assert figures["processes"][0]["cpu_share"] is None
    unknown = dict.fromkeys(("cpu_share", "gil_hz", "coverage"))
    assert figures["observer"] == {**unknown, "late": 0, "failed": 0}

    ledger.feed(Counters(500 * MS, [process_row(PID, 900 * MS)], [], {"cpu_us": 90 * MS}, 50))
    figures = figures_of(ledger)
    assert figures["totals"]["cpu_share"] == figures["processes"][0]["cpu_share"] == 0.8
    assert figures["totals"]["ops_per_s"] == 100
    assert figures["observer"]["cpu_share"] == 0.04


def test_totals_count_from_what_they_were_before_the_first_frame(begin):
    ledger = begin()
    ledger.feed(Counters(0, [process_row(PID, 500 * MS)], [[0, 40 * MS, 10, 3, 4]], {"cpu_us": 70 * MS}))
    ledger.feed(frame(0, 250, [0, 0, 250], [(0, [RUNNING, 250])]))
    threads = [[0, 140 * MS, 2010, 8, None], [1, 30 * MS, 0, 1, 0]]
    ledger.feed(Counters(250 * MS, [[PID, 700 * MS, 5000, 6000, 17, 4]], threads, {"cpu_us": 80 * MS}))
    assert summarise(ledger)["cpu_share"] == 0.8  # 200 ms of CPU in 250
    ledger.feed(Memory(300 * MS, PID, 4500, 900, 800, 10, 20, {}))
    ledger.feed(Counters(500 * MS, [[PID, 700 * MS, 4000, 6000, 17, 4]], [], {"cpu_us": 90 * MS}))
    summary = summarise(ledger)
    known, born_later, unread = summary["threads"]
    assert (known["cpu_s"], known["run_delay_s"], known["voluntary_switches"]) == (0.1, 0.002, 5)
    assert known["involuntary_switches"] == 0
    assert (born_later["cpu_s"], born_later["voluntary_switches"]) == (0.03, 1)
    assert (unread["cpu_s"], unread["voluntary_switches"]) == (None, None)
    assert (known["counted_s"], born_later["counted_s"], unread["counted_s"]) == (0.25, 0.25, None)
    # of the process's 0.2 s of CPU time, what threads used since they were last read has no row
    assert summary["threads_cpu_unlisted_s"] == pytest.approx(0.07)
    (row,) = summary["memory"]
    assert row.pop("parts")["other"] == 4500
    assert row.pop("verdict")
    assert row.pop("parts_course")["rows"] == []
    assert summary["memory"] == [
        {
            "pid": PID,
            "parent": None,
            "ended_s": None,
            "at_s": 0.3,
            "rss": 4500,
            "uss": 900,
            "pss": 800,
            "peak_rss": 6000,
            "swap": 10,
            "shared": 20,
            "kinds": {},
            "huge": None,
            "largest": [],
            "c_library": None,
            "parts_at_s": 0.3,
            "objects_at_s": None,
            "growth": None,
            "minor_faults": 10,
            "major_faults": 3,
            "course": {
                "names": ["at_us", "rss", "uss", "pss"],
                "rows": [[0, 1000, None, None], [250 * MS, 5000, None, None], [300 * MS, 4500, 900, 800]],
            },
        },
    ]
    assert summary["sampling"]["observer_cpu_share"] == 0.04


def test_the_totals_of_a_thread_that_ended_say_how_long_they_cover(begin):
    ledger = begin()
    ledger.feed(Names(100 * MS, [[7, PID, 107, "short", 0]]))
    ledger.feed(frame(0, 250, lanes=[(7, [RUNNING, 150])]))
    ledger.feed(Counters(250 * MS, threads=[[7, 120 * MS, 0, 0, 0]]))
    ledger.feed(frame(250, 400, lanes=[(7, [RUNNING, 150])]))
    ledger.feed(Names(400 * MS, gone=[7]))
    ledger.feed(Counters(500 * MS))
    row = next(row for row in summarise(ledger)["threads"] if row["name"] == "short")
    assert (row["observed_s"], row["cpu_s"], row["counted_s"]) == (0.3, 0.12, 0.15)


def test_counters_may_speak_of_a_process_that_is_no_cpython(begin):
    ledger = begin()
    for at_ms in (0, 250):
        ledger.feed(Counters(at_ms * MS, [process_row(77, at_ms * MS, rss=None), process_row(PID, 0)], []))
    figures = figures_of(ledger)
    assert [(row["pid"], row["python"]) for row in figures["processes"]] == [(PID, "3.12.1"), (77, None)]
    assert figures["totals"]["rss"] == 1000
    assert figures["totals"]["cpu_share"] == 1.0
    assert summarise(ledger)["target"]["pid"] == PID


def test_a_pid_that_the_kernel_gives_away_again_starts_from_nothing(begin):
    ledger = begin()
    ledger.feed(Counters(0, [process_row(PID, 0)]))
    ledger.feed(Process(10, PID, None, [], gone=True))
    ledger.feed(Process(20, PID, 1, ["sh"]))
    (row,) = figures_of(ledger)["memory"]
    assert (row["rss"], row["uss"], row["minor_faults"]) == (None, None, None)


def test_processes_that_come_and_go_do_not_grow_without_bound(begin):
    ledger = begin()
    ledger.feed(frame(0, 20, [0, 0, 20]))
    for index in range(3_000):
        pid, at_us = 1000 + index, index * 20 * MS
        ledger.feed(Process(at_us, pid, PID, ["python3"], "3.12.1"))
        ledger.feed(Names(at_us, gils=[[1 + index, pid, 0]]))
        ledger.feed(Counters(at_us, [process_row(pid, index)]))
        ledger.feed(Process(at_us, pid, PID, ["python3"], "3.12.1", gone=True))
    memory = summarise(ledger)["memory"]
    assert len(memory) <= 2 * 500 + 750 + 1  # 15 s of them have just gone
    assert {PID, 3_999} <= {row["pid"] for row in memory}
    assert len(header_of(ledger)["gils"]) == len(header_of(ledger)["processes"]) == len(memory)


# ---- measured time


def test_a_workload_is_measured_up_to_its_result(begin):
    # GIVEN 100 ms of work, of which the last slice is half after the result
    ledger = begin()
    ledger.feed(frame(0, 50, [0, 1, 50], [(0, [RUNNING, 50])], switches=1))
    ledger.feed(Report(75 * MS, {"result": {"ops": 7, "latency_ms": {"p50": 1.5}}}))
    ledger.feed(frame(50, 100, [0, 1, 20, 1, 1, 30], [(0, [RUNNING, 20, LOCK, 30])], switches=2))
    # WHEN the interpreter takes its time to end
    ledger.feed(frame(100, 150, [2, 0, 50], [(2, [RUNNING, 50])], switches=4))
    ledger.feed(End(150 * MS, "finished", exit_code=0))

    # THEN that is not the workload's
    summary = summarise(ledger)
    assert summary["run"]["duration_s"] == 0.075
    assert summary["gils"][0]["switches"] == 3
    assert summary["gils"][0]["held_share"] == summary["gils"][0]["contended_share"] == 1
    first, second, third = summary["threads"]
    assert (first["observed_s"], first["shares"]["running"]) == (0.075, 70 / 75)
    assert second["gil_hold"]["max_s"] == 0.005
    assert third["observed_s"] == 0
    assert summary["workload"] == {"ops": 7, "ops_per_s": None, "latency_ms": {"p50": 1.5}}
    # nor are the figures that roll, and nothing of them changes any more
    figures = figures_of(ledger)
    assert (figures["begin_us"], figures["at_us"], figures["end_us"]) == (0, 75 * MS, 75 * MS)
    assert figures["window_s"] == 0.075
    assert figures["gils"][0]["switches"] == 3


def test_after_the_result_no_series_course_heap_or_pause_grows(begin):
    # GIVEN a run whose totals, heap and collector are told with its result
    ledger = begin()
    ledger.feed(Counters(0, [process_row(PID, 0)]))
    told = (
        [PID, 0, True, [7] * 3, [0] * 3, [0, 0, 0], [0] * 3, [0] * 3, None],
        [PID, 0, 300 * MS, 900, 0, 1],
    )
    ledger.feed(frame(0, 500, [0, 0, 500], [(0, [RUNNING, 500])]))
    ledger.feed(Counters(500 * MS, [process_row(PID, 400_000)], [[0, 300_000, 0, 1, 1]], ops=9))
    ledger.feed(Collector(500 * MS, [told[0]], [told[1]]))
    ledger.feed(Report(500 * MS, {"result": {}}))
    before = figures_of(ledger), summarise(ledger), header_of(ledger)

    # WHEN its interpreter ends, with collections, on all the CPU that there is
    ledger.feed(frame(500, 600, [1, 0, 100], [(1, [RUNNING, 100])]))
    ledger.feed(Counters(500 * MS, [process_row(PID, 400_001)], [[0, 300_001, 0, 1, 1]], ops=10))
    ledger.feed(Counters(600 * MS, [process_row(PID, 999_000, rss=10**9)], [[0, 900_000, 0, 9, 9]], ops=99))
    ledger.feed(
        Collector(600 * MS, [[*told[0][:5], [9, 9, 9], *told[0][6:]]], [[PID, 0, 550 * MS, MS, 2, 0]])
    )

    # THEN every view still ends with the result
    assert (figures_of(ledger), summarise(ledger), header_of(ledger)) == before
    assert summarise(ledger)["workload"] == {"ops": 9, "ops_per_s": 18.0}
    assert len(header_of(ledger)["pauses"]) == 1
    assert ledger.series.newest()[0] == 500 * MS


def test_a_thread_named_within_the_last_slice_is_cut_where_its_track_begins(begin):
    ledger = begin()
    ledger.feed(Names(20 * MS, [[5, PID, 105, "late", 0]]))
    ledger.feed(Report(30 * MS, {"result": {}}))
    ledger.feed(frame(0, 50, lanes=[(0, [RUNNING, 50]), (5, [LOCK, 30])]))
    observed = {row["name"]: row["observed_s"] for row in summarise(ledger)["threads"]}
    assert (observed["t0"], observed["late"]) == (0.03, 0.01)


def test_without_a_result_the_operations_are_those_counted(begin):
    ledger = begin()
    ledger.feed(Report(0, {"phase": "warm"}))
    assert summarise(ledger)["workload"] is None
    ledger.feed(frame(0, 500, [0, 0, 500]))
    ledger.feed(Counters(500 * MS, ops=20))
    assert summarise(ledger)["workload"] == {"ops": 20, "ops_per_s": 40.0}
    # over the time up to their last reading: nobody counted those after it
    ledger.feed(frame(500, 700, [0, 0, 200]))
    ledger.feed(End(700 * MS, "stopped"))
    assert summarise(ledger)["workload"] == {"ops": 20, "ops_per_s": 40.0}


# ---- summary and header


def test_the_summary_has_the_shape_of_the_contract(begin):
    ledger = begin()
    ledger.feed(frame(0, 50, [0, 0, 50], [(0, [STALLED, 50])], late=2))
    ledger.feed(Event(10, "stopping", PID, "stopped"))
    ledger.feed(End(50 * MS, "stopped"))
    summary = summarise(ledger, {"name": "mine"})
    assert list(summary) == [
        "schema",
        "run",
        "target",
        "capabilities",
        "sampling",
        "line",
        "gils",
        "threads",
        "threads_not_shown",
        "threads_cpu_unlisted_s",
        "processes",
        "cpu_share",
        "memory",
        "memory_peak",
        "memory_together",
        "heap",
        "gc",
        "types",
        "census",
        "holders",
        "readings",
        "hot",
        "flame",
        "where",
        "who_waits",
        "longest_waits",
        "longest_holds",
        "loops",
        "pools",
        "stuck",
        "workers",
        "unseen_workers",
        "tasks",
        "gils_switched_on",
        "trims",
        "workload",
        "findings",
    ]
    assert summary["run"] == {
        "id": "r1",
        "kind": "workload",
        "name": "mine",
        "state": "stopped",
        "started_at": 1e9,
        "duration_s": 0.05,
        "cpu_s": None,
        "params": {"kind": "primes"},
        "error": None,
    }
    assert summary["target"] == {
        "pid": PID,
        "python": "3.12.1",
        "free_threaded": False,
        "gil_enabled": True,
        "switch_interval_s": 0.005,
        "command": ["python3", "x.py"],
    }
    assert summary["sampling"] == {
        "gil_hz_requested": 1000.0,
        "gil_hz": 1000.0,
        "thread_hz": 1000.0,
        "samples": 50,
        "failed": 0,
        "late": 2,
        "coverage": 1.0,
        "observer_cpu_share": None,
        "less": None,
    }
    assert summary["capabilities"]["gil_wait"] == "inferred"
    assert summary["capabilities"]["stacks"] == "unavailable"
    assert summary["capabilities"]["why"]["gil_wait"] == "read from the futex"
    assert set(summary["capabilities"]["why"]) == {"gil_wait", "heap", "types", "gc", "stacks"}
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_an_observation_that_never_began_has_a_summary_all_the_same():
    summary = summarise(Ledger(), {"id": "r9", "state": "failed"})
    assert (summary["run"]["id"], summary["run"]["state"], summary["target"]["pid"]) == ("r9", "failed", None)
    assert summary["sampling"]["gil_hz"] is None
    assert summarise(Ledger())["run"]["state"] == "starting"
    assert set(summary["capabilities"]["why"].values()) == {"the target never started"}
    attached = summarise(Ledger(), {"kind": "attach"})
    assert set(attached["capabilities"]["why"].values()) == {"the process was never read"}


def test_what_is_not_measured_is_null_and_what_is_measured_and_empty_is_not(begin):
    # GIVEN a run of which no stack is looked at
    ledger = begin()
    ledger.feed(frame(0, 50, [HOLDER_NONE, 0, 50]))
    summary = summarise(ledger)
    assert [summary[name] for name in ("heap", "gc", "hot")] == [None] * 3
    assert figures_of(ledger)["hot"] is None

    # WHEN stacks are looked at, but nobody holds the lock
    ledger.feed(Process(50, PID, None, ["python3"], "3.12.1", capabilities={"stacks": "exact"}))

    # THEN no function is hot
    assert summarise(ledger)["hot"] == figures_of(ledger)["hot"] == []


def test_a_header_holds_what_a_late_viewer_needs(begin):
    ledger = begin()
    assert header_of(ledger)["figures"] is None
    ledger.feed(frame(0, 50, [0, 0, 50]))
    ledger.feed(Counters(50 * MS, [process_row(PID, 10)], ops=3))
    ledger.feed(Names(60 * MS, gone=[1]))
    ledger.feed(Names(70 * MS, gone=[2]))
    ledger.feed(frame(15_050, 15_065, [0, 0, 15]))
    header = header_of(ledger)
    assert (header["type"], header["hello"]["type"], header["hello"]["origin_ns"]) == ("header", "hello", 123)
    assert decode(encode(decode(json.dumps(header["processes"][0])), 0)).pid == PID
    assert header["threads"] == [[0, PID, 100, "t0", 0], [2, PID, 102, "t2", 0]]
    assert header["gils"] == [[0, PID, 0]]
    assert header["figures"]["type"] == "figures"
    assert header["series"]["names"][0] == "at_us"
    (row,) = header["series"]["rows"]
    assert row == [50 * MS, 1.0, 0.0, 0.0, 0.0, None, 1000, None, *[None] * 5, 0.0, 1.0]
    assert json.loads(json.dumps(header, allow_nan=False)) == header


def test_there_is_no_header_before_the_hello():
    with pytest.raises(ValueError, match="begins with its hello"):
        header_of(Ledger())


@pytest.mark.parametrize(
    "message",
    [frame(0, 50, lanes=[(44, [LOCK, 50])]), Counters(0, threads=[[44, 0, 0, 0, 0]]), Names(0, gone=[44])],
    ids=["frame", "counters", "names"],
)
def test_a_lane_that_was_never_named_is_refused(begin, message):
    with pytest.raises(ValueError, match="lane 44 was never named"):
        begin().feed(message)


def test_a_gil_that_was_never_named_is_refused(begin):
    with pytest.raises(ValueError, match="GIL 3 was never named"):
        begin().feed(Frame(0, 50, 1, 0, 0, [[3, 0, [0, 0, 50]]]))


def test_a_step_shows_in_the_row_of_its_own_time_while_the_figures_roll(begin):
    # GIVEN a lock that is held from the second quarter of a second on, by a process that then takes CPU time
    ledger = begin()
    ledger.feed(Counters(0, [process_row(PID, 0)], ops=0))
    for start_ms in (0, 250, 500):
        busy = start_ms > 0
        ledger.feed(frame(start_ms, start_ms + 250, [0 if busy else HOLDER_NONE, 0, 250], switches=50 * busy))
        cpu_us = start_ms * MS
        ledger.feed(Counters((start_ms + 250) * MS, [process_row(PID, cpu_us)], ops=start_ms))
    # THEN
    rows = header_of(ledger)["series"]["rows"]
    assert [row[:8] for row in rows] == [
        [0, None, None, None, None, None, 1000, None],
        [250 * MS, 0.0, 0.0, 0.0, 0.0, 0.0, 1000, 0.0],
        [500 * MS, 1.0, 0.0, 200.0, 0.0, 1.0, 1000, 1000.0],
        [750 * MS, 1.0, 0.0, 200.0, 0.0, 1.0, 1000, 1000.0],
    ]
    figures = figures_of(ledger)
    assert figures["row"] == rows[-1]
    assert figures["gils"][0]["held_share"] == pytest.approx(2 / 3)


def test_a_pid_given_away_again_takes_no_cpu_time_back(begin):
    ledger = begin()
    for at_ms, cpu_ms in ((0, 0), (250, 200), (500, 10), (750, 135)):
        ledger.feed(Counters(at_ms * MS, [process_row(PID, cpu_ms * MS)]))
    assert [row[5] for row in header_of(ledger)["series"]["rows"]] == [None, 0.8, None, 0.5]


def test_the_series_of_a_long_run_covers_all_of_it_in_few_rows(begin):
    ledger = begin()
    for index in range(5_000):
        ledger.feed(Counters(index * 250 * MS, ops=index))
    series = header_of(ledger)["series"]
    ops_per_s = series["names"].index("ops_per_s")
    assert {row[ops_per_s] for row in series["rows"][1:]} == {4.0}
    at_us = [row[0] for row in series["rows"]]
    assert len(at_us) <= 1_200
    assert series["every"] == 8
    assert at_us == list(range(0, 5_000 * 250 * MS, 8 * 250 * MS))


def test_a_row_of_the_series_tells_how_many_threads_ran_at_once(begin):
    # GIVEN a slice in which one thread ran all the time and another half of it
    ledger = begin()
    ledger.feed(Frame(0, 50 * MS, 50, 0, 0, [], [[0, [0, 50 * MS]], [1, [0, 25 * MS, 5, 25 * MS]]]))
    ledger.feed(Counters(50 * MS, [process_row(PID, 10)]))
    # WHEN there comes one in which none did
    ledger.feed(Frame(50 * MS, 100 * MS, 50, 0, 0, [], [[0, [5, 50 * MS]], [1, [5, 50 * MS]]]))
    ledger.feed(Counters(100 * MS, [process_row(PID, 10)]))
    # THEN each row tells of its own time
    series = header_of(ledger)["series"]
    running = series["names"].index("running")
    assert [row[running] for row in series["rows"]] == [1.5, 0.0]


def test_the_memory_of_a_process_is_sent_once_in_figures(begin):
    ledger = begin()
    ledger.feed(Counters(0, [process_row(PID, 0)]))
    told = figures_of(ledger)
    assert {*told["processes"][0]} == {"pid", "python", "cpu_share"}
    assert told["memory"][0]["rss"] is not None
