"""What is kept of a reading: the newest of each process, and how it went."""

from __future__ import annotations

import json

from app.analysis.readings.open_files import KeptOpenFiles
from app.model.frames import Rollup
from app.model.readings.open_files import OpenFiles


def reading(at_us: int, pid: int = 7, sockets: int = 2) -> OpenFiles:
    return OpenFiles(at_us, pid, files=3, sockets=sockets, pipes=1, others=4, limit=1024, most=[["/a", 2]])


def of(*readings: OpenFiles) -> KeptOpenFiles:
    kept = KeptOpenFiles()
    for each in readings:
        kept.feed(each, None)
    return kept


def test_a_row_has_the_newest_reading_and_its_course():
    kept = of(reading(1_000_000), reading(2_000_000, sockets=5))
    kept.feed(Rollup(3, 7, 1, 1, 1, 0, 0), None)  # not of this kind
    (row,) = kept.rows()
    assert row["at_s"] == 2.0
    assert (row["open"], row["sockets"], row["limit"], row["most"]) == (13, 5, 1024, [["/a", 2]])
    assert row["course"]["names"] == ["at_us", "open", "files", "sockets", "pipes", "others"]
    assert row["course"]["rows"] == [[1_000_000, 10, 3, 2, 1, 4], [2_000_000, 13, 3, 5, 1, 4]]


def test_a_process_that_has_ended_is_in_the_summary_and_not_live():
    kept = of(reading(1_000_000), reading(1_000_000, pid=8))
    kept.process_gone(7, 1_500_000)
    assert [(row["pid"], row["ended"]) for row in kept.rows()] == [(7, True), (8, False)]
    assert [row["pid"] for row in kept.live_rows()] == [8]
    assert "course" not in kept.live_rows()[0]
    assert kept.courses() == [
        {
            "pid": 8,
            "names": ["at_us", "open", "files", "sockets", "pipes", "others"],
            "rows": [[1_000_000, 10, 3, 2, 1, 4]],
        }
    ]
    kept.forget([7])
    assert [row["pid"] for row in kept.rows()] == [8]


def test_a_pid_that_is_used_again_begins_anew():
    kept = of(reading(1_000_000))
    kept.process_gone(7, 1_500_000)
    kept.feed(reading(2_000_000), None)
    (row,) = kept.rows()
    assert not row["ended"]
    assert len(row["course"]["rows"]) == 1


def test_pieces_put_together_are_the_whole():
    whole = of(reading(1_000_000), reading(2_000_000, sockets=5), reading(3_000_000, pid=8))
    together = KeptOpenFiles()
    for piece in (of(reading(1_000_000)), of(reading(2_000_000, sockets=5), reading(3_000_000, pid=8))):
        together.absorb(json.loads(json.dumps(piece.state())), 0)
    assert together.rows() == whole.rows()
