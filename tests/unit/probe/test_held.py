"""What a keeper holds for a near side that may not have it."""

from __future__ import annotations

import json

from app.probe.line.held import Held


def message(kind: str, seq: int) -> bytes:
    return json.dumps({"type": kind, "seq": seq, "x": "." * 70}, separators=(",", ":")).encode() + b"\n"


def numbers(data: bytes) -> list[int]:
    return [json.loads(line)["seq"] for line in data.splitlines()]


def filled(most_bytes: int, kinds: list[str]) -> Held:
    held = Held(most_bytes)
    for seq, kind in enumerate(kinds):
        held.add(message(kind, seq))
    return held


def test_what_the_near_side_has_is_let_go_of_and_the_rest_is_sent_again() -> None:
    held = filled(1 << 20, ["frame"] * 5)
    assert numbers(held.take(1)) == [0], "one at least"
    assert numbers(held.take(1 << 16)) == [1, 2, 3, 4]
    assert held.take(1 << 16) == b""
    held.has(2)
    held.add(message("frame", 5))
    assert numbers(held.take(1 << 16)) == [5]
    held.again()
    assert numbers(held.take(1 << 16)) == [3, 4, 5]
    held.has(5)
    assert (len(held), held.size, held.next) == (0, 0, 6)


def test_the_oldest_of_what_was_measured_goes_first_and_what_names_stays() -> None:
    held = filled(1000, ["hello", "names", *["frame"] * 8, "event"])
    assert held.is_full
    held.make_room()
    assert not held.is_full
    kept = numbers(held.take(1 << 16))
    assert kept[:2] == [0, 1]
    assert kept[-1] == 10
    assert kept[2:] == list(range(kept[2], 11)), "only the oldest"


def test_what_cannot_be_spared_fills_it_and_nothing_of_it_is_dropped() -> None:
    held = filled(1000, ["names"] * 20)
    held.make_room()
    assert held.is_full
    assert len(held) == 20


def test_nothing_is_dropped_of_what_there_is_room_for() -> None:
    held = filled(1 << 20, ["frame"] * 5)
    held.make_room()
    assert len(held) == 5
