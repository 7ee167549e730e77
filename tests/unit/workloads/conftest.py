"""Workloads that a test observes, those of its own among them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.line import Target

# A family as anybody would add one, run in place of the real ones.
OWN_FAMILY = """
import sys
from app.workloads import catalogue
from app.workloads.__main__ import main
catalogue.FAMILIES = ("own_family",)
sys.exit(main())
"""


@pytest.fixture
def observe(tmp_path: Path) -> Iterator[Callable[..., Target]]:
    """Start `app.workloads run ...`; with `own`, the source of a family, that family is the catalogue."""
    with ExitStack() as targets:

        def start(*arguments: str, own: str | None = None) -> Target:
            environment = {"PATH": os.defpath}
            program = ["-m", "app.workloads"]
            if own is not None:
                (tmp_path / "own_family.py").write_text(own)
                environment["PYTHONPATH"] = str(tmp_path)
                program = ["-c", OWN_FAMILY]
            target = Target([sys.executable, *program, "run", *arguments], environment)
            targets.callback(target.close)
            return target

        yield start
