"""Tracks that are put together over slices count as each of them would."""

from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import BORDERS, HISTORIES, LOOKS, MISSING, READINGS, messages_of

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise


@settings(max_examples=150)
@given(
    HISTORIES,
    BORDERS,
    MISSING,
    LOOKS,
    READINGS,
    st.sampled_from([0, 0, 70_000]),  # looks are told after their frame, never before
    st.sets(st.integers(0, 100), max_size=3),
)
def test_a_summary_is_the_same(history, borders, missing, looks, readings, late_us, settled):
    rolling, joined = Ledger(), Ledger(rolling=False)
    for number, message in enumerate(messages_of(history, borders, missing, looks, readings, late_us)):
        rolling.feed(message)
        joined.feed(message)
        if number in settled:
            joined.settle()
    joined.settle()
    assert summarise(joined) == summarise(rolling)
