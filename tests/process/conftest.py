"""Every interpreter found on this machine is a target."""

from __future__ import annotations

import os

import pytest

from app.runs import interpreters

EXTRA = [path for path in os.environ.get("GILSCOPE_PYTHONS", "").split(":") if path]
FOUND = [found for found in interpreters.find(EXTRA) if found.supported]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`python` is the path of each interpreter in turn; `any_python` that of one."""
    if "python" in metafunc.fixturenames:
        metafunc.parametrize("python", [f.path for f in FOUND], ids=[_name(f) for f in FOUND])


def _name(found: interpreters.Interpreter) -> str:
    return f"{found.label}-{found.build.replace(' ', '-')}"


@pytest.fixture
def any_python() -> str:
    """The newest interpreter that can be read."""
    return FOUND[0].path
