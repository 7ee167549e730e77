"""What runs inside targets, or could be shipped to another machine, imports the standard library alone."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _imported(path: Path) -> Iterator[str]:
    """Absolute dotted names of the modules that a source imports, relative imports resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join([*base, *([node.module] if node.module else [])])


@pytest.mark.parametrize(
    ("part", "beside"),
    [("probe", ("app.probe", "app.model")), ("workloads", ("app.workloads",)), ("model", ("app.model",))],
)
def test_imports_the_standard_library_alone(part: str, beside: tuple[str, ...]) -> None:
    sources = sorted((ROOT / "app" / part).rglob("*.py"))
    foreign = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources
        for name in _imported(path)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not any(name == own or name.startswith(own + ".") for own in beside)
    }
    assert sources
    assert not foreign
