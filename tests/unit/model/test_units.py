from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.model import units


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (units.rate, 0.524, "0.52/s"),
        (units.rate, 48.66, "48.7/s"),
        (units.rate, 1234.4, "1,234/s"),
        (units.rate, None, "–"),
        (units.share, 0.974, "97 %"),
        (units.share, 0.034, "3.4 %"),
        (units.share, 0.0, "0 %"),
        (units.share, 0.0004, "<0.1 %"),
        (units.share, 1.0, "100 %"),
        (units.share, 0.0996, "10 %"),
        (units.seconds, 0.0000042, "4.2 µs"),
        (units.seconds, 0.005, "5 ms"),
        (units.seconds, 0.9996, "1 s"),
        (units.seconds, 0.0009996, "1 ms"),
        (units.seconds, 12.34, "12.3 s"),
        (units.seconds, 0.0, "0 µs"),
        (units.size, 512, "512 B"),
        (units.size, 25_165_824, "24 MiB"),
        (units.size, -262_144, "−256 KiB"),
        (units.size, 1024**4, "1 TiB"),
        (units.count, 1234567, "1,234,567"),
        (units.mean, 2.94, "2.94"),
        (units.mean, 0.046, "0.05"),
        (units.mean, 12.34, "12.3"),
        (units.per_second, 412.4, "412/s"),
        (units.coverage, 0.769, "76.9 %"),
        (units.coverage, 0.84, "84 %"),
        (units.coverage, 0.9499, "94.9 %"),
        (units.coverage, 0.9996, "99.9 %"),
        (units.coverage, 0.99999, "100 %"),
    ],
)
def test_figures_as_a_person_reads_them(form: Callable[[Any], str], value: float, text: str) -> None:
    assert form(value) == text


@pytest.mark.parametrize(
    "form",
    [
        *(units.share, units.coverage, units.seconds, units.size, units.count, units.mean),
        units.per_second,
    ],
)
def test_what_was_not_measured_is_a_dash_and_never_a_nought(form: Callable[[Any], str]) -> None:
    assert form(None) == "–"


def test_a_length_of_which_no_more_was_seen_is_a_lower_bound() -> None:
    assert units.at_least(0.5, None) == units.at_least(0.5, 0.4) == "500 ms"
    assert units.at_least(None, 0.4) == units.at_least(0.3, 0.4) == "≥ 400 ms"
    assert units.at_least(None, None) == "–"
