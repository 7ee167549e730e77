"""A real malloc_trim(0), beside what was foretold of it."""

from __future__ import annotations

import pytest

from app.analysis.figures import figures_of
from app.analysis.summary import summarise
from app.model.frames import CLibrary, Frame, Report

PID = 100
MS = 1000
MIB = 1 << 20
ORIGIN_NS = 123  # of the ledgers that `begin` makes


def library(at_ms, trimmable, pid=PID):
    size = None if trimmable is None else trimmable * MIB
    return CLibrary(at_ms * MS, pid, 2 * MS, MS, "glibc", trimmable=size)


def trimmed(heard_ms, at_ms, before, after):
    at_ns = ORIGIN_NS + at_ms * 1_000_000
    return Report(
        heard_ms * MS, {"trimmed": {"at_ns": at_ns, "rss_before": before * MIB, "rss_after": after * MIB}}
    )


@pytest.fixture
def ledger(begin):
    ledger = begin()
    ledger.feed(Frame(0, 100 * MS, 100, 0, 0))
    return ledger


def test_foretold_is_what_was_read_last_before_it(ledger) -> None:
    for message in (library(100, 3), library(1100, 84), library(900, 7, pid=7), library(1990, 1)):
        ledger.feed(message)
    ledger.feed(trimmed(2000, 1700, 101, 17))
    row = {
        "pid": PID,
        "at_s": 1.7,
        "foretold": 84 * MIB,
        "foretold_at_s": 1.1,
        "given_back": 84 * MIB,
        "rss_before": 101 * MIB,
        "rss_after": 17 * MIB,
        "said": "Foretold was 84 MiB, 600 ms before malloc_trim(0) was called: RSS fell by 84 MiB, from "
        "101 MiB to 17 MiB.",
    }
    assert summarise(ledger)["trims"] == figures_of(ledger)["trims"] == [row]


@pytest.mark.parametrize("readings", [[], [library(1800, 84)], [library(100, None)]])
def test_where_nothing_was_read_before_it_nothing_was_foretold(ledger, readings) -> None:
    for message in readings:
        ledger.feed(message)
    ledger.feed(trimmed(2000, 1700, 101, 17))
    [row] = summarise(ledger)["trims"]
    assert row["foretold"] is None
    assert row["given_back"] == 84 * MIB
    assert row["said"].endswith("Nothing was foretold of it.")
