"""How the line to an observer that is elsewhere stood, live and put together from pieces."""

from __future__ import annotations

import pytest

from app.analysis.line import LineUse
from app.model.frames import FarLine

TOLD = [
    FarLine(0, "clock", clock=[-12_500_000, 300]),
    FarLine(50_000, "cut", "`ssh host` ended with status 255", 0),
    FarLine(50_000, "cut", "`ssh host` ended with status 255", 1_000_000),
    FarLine(50_000, "back", "", 1_250_000, 20),
    FarLine(900_000, "gap", "", 850_000),
    FarLine(900_000, "clock", clock=[-12_500_100, 200]),
]


def test_a_run_that_is_observed_from_here_has_none() -> None:
    assert LineUse().info() is None


@pytest.mark.parametrize("border", range(len(TOLD) + 1))
def test_the_same_is_said_of_pieces(border: int) -> None:
    first, second, whole = LineUse(), LineUse(), LineUse()
    for told in TOLD[:border]:
        first.feed(told)
    second.know(first)
    for told in TOLD[border:]:
        second.feed(told)
    whole.absorb(first.state())
    whole.absorb(second.state())
    assert whole.info() == {
        "state": "there",
        "detail": "",
        "clock_ahead_s": -12.5001,
        "clock_off_s": 0.0003,
        "cuts": 1,
        "cut_s": 1.25,
        "dropped": 20,
        "gap_s": 0.85,
    }


def test_a_cut_that_lasts_counts() -> None:
    use = LineUse()
    for told in TOLD[:3]:
        use.feed(told)
    info = use.info()
    assert info is not None
    assert (info["state"], info["cuts"], info["cut_s"]) == ("cut", 1, 1.0)
    assert info["detail"] == "`ssh host` ended with status 255"
