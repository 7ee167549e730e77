"""Every interpreter found on this machine is a target, by what it can show."""

from __future__ import annotations

import pytest
from support.interpreters import FOUND, name, witnessed

_BY_FIXTURE = {
    "python": FOUND,
    "gil_python": [found for found in FOUND if found.gil_enabled],
    "isolating_python": [f for f in FOUND if f.gil_enabled and f.version_info >= (3, 12)],
    "publishing_python": [found for found in FOUND if found.version_info >= (3, 13)],
    "free_threaded_python": [found for found in FOUND if found.free_threaded],
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`python` is the path of each interpreter in turn; `gil_python`, of each that runs with a GIL;
    `free_threaded_python`, of each that can run without; `isolating_python`, of each
    whose interpreters can have a GIL each; `publishing_python`, of each that publishes its own
    offsets; `witnessed_python`, of each whose symbols the kernel can put probes on."""
    for fixture in metafunc.fixturenames:
        chosen = witnessed() if fixture == "witnessed_python" else _BY_FIXTURE.get(fixture)
        if chosen is not None:
            ids = [name(found) for found in chosen]
            metafunc.parametrize(fixture, [found.path for found in chosen], ids=ids, scope="module")


@pytest.fixture
def any_python() -> str:
    """The newest interpreter that can be read."""
    return FOUND[0].path


@pytest.fixture
def gil_any_python() -> str:
    """The newest interpreter with a GIL."""
    return next(found.path for found in FOUND if found.gil_enabled)
