"""The layouts that the observer has are those that the rest of GILScope offers."""

from __future__ import annotations

from app.model import versions
from app.probe.cpython import layouts


def test_every_version_offered_has_a_layout_and_every_layout_is_offered() -> None:
    assert set(layouts.known()) == set(versions.SUPPORTED)
