"""What is said of a collector: what came of its largest collection, and when the next is due."""

import pytest

from app.analysis import collector_words
from app.analysis.collectors import without_next
from app.model.summary import CollectorMemory, MovedRow, NextCollection

MIB = 1 << 20


def moved(
    given_back: int, freed: int | None, rss_before: int = 200 * MIB, collected: int = 5_000
) -> MovedRow:
    return {
        "at_s": 3.25,
        "length_s": 0.01,
        "generation": 2,
        "collections": 1,
        "collected": collected,
        "given_back": given_back,
        "freed": freed,
        "rss_before": rss_before,
        "rss_after": rss_before - given_back,
        "anonymous_before": 0,
        "anonymous_after": 0,
        "arenas_before": None,
        "arenas_after": None,
        "large_blocks_before": None,
        "large_blocks_after": None,
    }


def memory(*largest: MovedRow, given_back: int | None = None, held: int | None = None) -> CollectorMemory:
    return {"given_back": given_back, "held": held, "largest": list(largest)}


DUE: NextCollection = {
    "in_s": 2.0,
    "generation": 2,
    "count": 7,
    "threshold": 10,
    "objects_per_s": 1.5,
    "at_least": False,
}


def test_of_a_run_that_has_ended_no_collection_is_due():
    row = {"next": DUE, "said": ["Freed much.", "The next collection is due now."], "pid": 1}
    assert without_next(row) == {"next": None, "said": ["Freed much."], "pid": 1}
    assert without_next({"next": None, "said": ["Freed much."]})["said"] == ["Freed much."]


def test_little_is_not_worth_a_sentence():
    assert collector_words.words(memory(), None) == []
    assert collector_words.words(memory(moved(7 * MIB, 7 * MIB)), None) == []


def test_what_went_back_is_told_with_what_all_collections_gave_back():
    (said,) = collector_words.words(memory(moved(9 * MIB, 10 * MIB), given_back=30 * MIB), None)
    assert "gave it back, and RSS went from" in said
    assert "All collections together gave back" in said
    assert "A higher threshold" not in said


def test_what_the_c_library_kept_is_told_as_that():
    (said,) = collector_words.words(memory(moved(1 * MIB, 12 * MIB)), None)
    assert "the allocator keeps the rest" in said
    assert "gave it back" not in said


@pytest.mark.parametrize(
    ("row", "much"),
    [
        (moved(50 * MIB, None), True),
        (moved(49 * MIB, None), False),  # less than a quarter of what RSS was
        (moved(31 * MIB, None, rss_before=40 * MIB), False),  # most of RSS, and not much all the same
    ],
)
def test_dead_cycles_keep_much_where_it_is_much_and_a_part_of_rss(row: MovedRow, much: bool):
    assert (collector_words.keeps_much(memory(row)) is row) is much
    said = collector_words.words(memory(row), None, is_one_of_several=True)
    assert ("A higher threshold" in said[0]) is much
    assert said[0].endswith(collector_words.OF_ALL)


def test_of_a_collection_that_found_no_cycle_nothing_is_said():
    """Something else let go of it."""
    row = moved(50 * MIB, None, collected=0)
    assert collector_words.keeps_much(memory(row)) is None
    assert collector_words.words(memory(row), None, is_one_of_several=True) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "of generation 2 is due in about 2"),
        ({"in_s": 0.01, "generation": None}, "The next collection is due now:"),
        ({"at_least": True}, "at the earliest"),
    ],
)
def test_the_next_one_is_told_with_what_is_held_until_then(change: dict, said: str):
    (due,) = collector_words.words(memory(held=7 * MIB), {**DUE, **change})
    assert said in due
    assert "Until then" not in due
    (due,) = collector_words.words(memory(held=8 * MIB), {**DUE, **change})
    assert "Until then dead cycles hold about" in due
