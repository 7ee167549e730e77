"""The interpreters that this project says it reads are there to be read, where it is tested for all."""

from __future__ import annotations

import pytest
from support.interpreters import Kind, one_of

PROMISES = [
    *(one_of(version) for version in ("3.11", "3.12", "3.13", "3.13t", "3.14", "3.15")),
    Kind("a static build", lambda found: found.build == "static"),
    Kind("a build with a shared libpython", lambda found: found.build == "shared libpython"),
]


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.what, marks=kind.needed()) for kind in PROMISES])
def test_in_ci_none_is_left_out(kind: Kind) -> None:
    """A version that is not found takes its tests along, and nothing else would fail."""
    assert kind.found
