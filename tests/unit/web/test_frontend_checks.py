"""The scripts of the pages: types, lint, form, floors and unit tests."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "static" / "js"
TESTS = Path(__file__).parent / "js"
DENO = Path(sysconfig.get_path("scripts"), "deno")

# A module imports from its own floor's folder and from lower floors; two parts of one floor know nothing of
# each other.
FLOORS = (
    {"base"},
    {"net", "state"},
    {"draw"},
    {"tracks", "charts"},
    {"widgets"},
    {"pages"},
)
IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")


def deno(*arguments: str | Path) -> None:
    """Run deno with the pages' settings; its complaints are the failure."""
    environment = os.environ | {
        "DENO_TLS_CA_STORE": "system,mozilla",
        "DENO_NO_UPDATE_CHECK": "1",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [DENO, *arguments], cwd=ROOT / "static", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--quiet", "--frozen", "js"),
        ("lint", "--quiet", "js", TESTS),
        ("fmt", "--quiet", "--check", "js", TESTS),
        ("test", "--quiet", "--no-check", "--frozen", "--allow-read=css", TESTS),
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_scripts_pass(arguments: tuple[str | Path, ...]) -> None:
    deno(*arguments)


def test_every_script_is_checked_for_types() -> None:
    scripts = {path.name: path.read_text() for path in SCRIPTS.rglob("*.js")}
    unchecked = [name for name, text in scripts.items() if not text.startswith("// @ts-check")]
    assert unchecked == []


def floor_of(part: str) -> int:
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def part_of(path: Path) -> str:
    return path.relative_to(SCRIPTS).parts[0]


def imports_of(script: Path) -> list[Path]:
    return [(script.parent / target).resolve() for target in IMPORT.findall(script.read_text())]


def may_import(part: str, other: str) -> bool:
    return part == other or floor_of(other) < floor_of(part)


def test_imports_point_down() -> None:
    upward = [
        f"{script.relative_to(SCRIPTS)} imports {target.relative_to(SCRIPTS)}"
        for script in SCRIPTS.rglob("*/*.js")
        for target in imports_of(script)
        if not may_import(part_of(script), part_of(target))
    ]
    assert upward == []


def test_the_rule_of_the_floors_can_be_broken() -> None:
    assert may_import("widgets", "base")
    assert not may_import("base", "widgets")
    assert not may_import("net", "state")
    assert not may_import("charts", "tracks")


def test_no_colour_is_written_in_a_script() -> None:
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b(?=[\"'`])|\b(?:rgba?|hsla?|oklch)\(")
    coloured = [path.name for path in SCRIPTS.rglob("*.js") if colour.search(path.read_text())]
    assert coloured == []


def test_the_lock_file_names_no_registry() -> None:
    assert "http" not in (ROOT / "static" / "deno.lock").read_text()
