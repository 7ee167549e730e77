"""Every version of Python found on this machine is a target, by what it can show."""

from __future__ import annotations

import pytest
from support.interpreters import (
    A_GIL_EACH,
    ANY,
    FOUND,
    FREE_THREADED,
    NEW,
    WITH_GIL,
    WITNESSED,
)

_BY_FIXTURE = {
    "python": ANY,
    "gil_python": WITH_GIL,
    "isolating_python": A_GIL_EACH,
    "publishing_python": NEW,
    "free_threaded_python": FREE_THREADED,
    "witnessed_python": WITNESSED,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`python` is the path of an interpreter of each version in turn; `gil_python`, of each that runs with a
    GIL; `free_threaded_python`, of each that can run without; `isolating_python`, of each
    whose interpreters can have a GIL each; `publishing_python`, of each that publishes its own
    offsets; `witnessed_python`, of each whose symbols the kernel can put probes on.

    A test marked `builds` has every build of a version."""
    builds = metafunc.definition.get_closest_marker("builds") is not None
    for fixture in metafunc.fixturenames:
        if kind := _BY_FIXTURE.get(fixture):
            metafunc.parametrize(fixture, kind.each(builds), scope="module")


@pytest.fixture
def any_python() -> str:
    """The newest interpreter that can be read."""
    return FOUND[0].path


@pytest.fixture
def gil_any_python() -> str:
    """The newest interpreter with a GIL."""
    return WITH_GIL.found[0].path
