"""A name means one thing: no two public classes share one, no module hides one of the standard library."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("app", "bench", "tools")

# The same idea in each: what a workload's `prepare` gives to its own workers, and nobody else sees.
SHARED = {"Prepared"}


def test_no_two_public_classes_share_a_name() -> None:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(path.relative_to(ROOT)))
    assert len(found) > 100
    assert not {name: paths for name, paths in found.items() if len(paths) > 1 and name not in SHARED}


def test_no_module_has_the_name_of_one_of_the_standard_library() -> None:
    modules = [path for part in PARTS for path in (ROOT / part).rglob("*.py")]
    names = {path.stem if path.stem != "__init__" else path.parent.name: path for path in modules}
    assert not {name: str(path) for name, path in names.items() if name in sys.stdlib_module_names}
