"""What a target writes is taken as fast as it comes, and its end is kept."""

from __future__ import annotations

import os
import threading

import pytest

from app.probe.program.output import KEPT, SAMPLED, TOLD_IN_FULL, Output


@pytest.fixture
def output():
    output = Output()
    yield output
    output.close()


def written(output: Output, data: bytes) -> threading.Thread:
    """A thread that writes it all, as a target does: it waits while the pipe is full."""

    def write() -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(output.writer, rest) :]
        output.started()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_all_of_a_little_is_told_once(output: Output) -> None:
    written(output, b"said\n").join()
    output.drain()
    assert output.told() == {"output": "said\n"}
    assert output.told() is None
    assert output.tail == "said"


def test_all_is_told_of_a_whole_one_which_has_to_wait(output: Output) -> None:
    output.close()
    whole = Output(whole=True)
    data = b"".join(b"%07d\n" % number for number in range(400_000))  # 3.2 MB: the pipe holds less
    writer = written(whole, data)
    told: list[str] = []
    while writer.is_alive() or len("".join(told)) < len(data):
        whole.relieve()
        whole.drain()
        report = whole.told()
        told += [] if report is None else [report["output"]]
        assert report is None or "dropped" not in report
    assert "".join(told).encode() == data
    whole.close()


def test_after_the_first_megabytes_a_whole_one_is_as_any_other() -> None:
    whole = Output(whole=True)
    writer = written(whole, bytes(TOLD_IN_FULL + (4 << 20)))
    told = dropped = 0
    while writer.is_alive():
        whole.relieve()
        whole.drain()
        report = whole.told() or {"output": ""}
        told, dropped = told + len(report["output"]), dropped + report.get("dropped", 0)
    assert told >= TOLD_IN_FULL
    assert dropped > 0
    whole.close()


def test_of_much_the_end_is_told_and_how_much_was_dropped(output: Output) -> None:
    data = b"".join(b"line %d\n" % number for number in range(2_000_000))
    writer = written(output, data)
    while writer.is_alive():
        output.relieve()
    output.drain()
    told = output.told()
    assert told is not None
    assert told["output"].encode() == data[-KEPT:]
    assert told["dropped"] == len(data) - KEPT
    assert output.tail.endswith("line 1999999")


def test_what_was_read_before_is_dropped_with_what_was_skipped(output: Output) -> None:
    written_before = threading.Thread(target=os.write, args=(output.writer, b"old"))
    written_before.start()
    written_before.join()
    output.drain()
    new = bytes(KEPT) + b"new"
    writer = written(output, new)
    while writer.is_alive():
        output.relieve()
    output.drain()
    told = output.told()
    assert told is not None
    assert (told["output"].encode(), told["dropped"]) == (new[-KEPT:], len(b"old" + new) - KEPT)


def test_to_make_room_where_nothing_was_written_does_nothing(output: Output) -> None:
    output.relieve()
    output.drain()
    assert output.told() is None
    output.started()
    output.drain()
    output.relieve()


def test_of_a_flood_samples_are_told_each_byte_counts_and_the_end_is_told_in_full(output: Output) -> None:
    told = []
    size = 0
    while size <= TOLD_IN_FULL + KEPT:
        os.write(output.writer, b"x" * KEPT)
        output.drain()
        told.append(output.told())
        size += KEPT
    for _ in range(10):
        os.write(output.writer, b"y" * KEPT)
        output.drain()
        told.append(output.told())
    os.write(output.writer, b"z" * KEPT)
    output.drain()
    told.append(output.told(last=True))
    assert [len(each["output"]) for each in told[-11:]] == [SAMPLED] * 10 + [KEPT]
    assert sum(len(each["output"]) + each.get("dropped", 0) for each in told) == output.total
    assert output.total == size + 11 * KEPT
