"""What the documents point to is there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.exporters import FORMATS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r'\]\(([^)#\s]+)[^)]*\)|(?:src|srcset)="([^"]+)"')


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    links = [first or second for first, second in LINK.findall(document.read_text())]
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert not missing


def test_the_page_of_workloads_is_what_the_catalogue_says() -> None:
    command = [sys.executable, "tools/workloads_doc.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_page_of_exports_has_a_row_for_every_format() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "exports.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(FORMATS)


def test_the_documents_and_workflows_give_targets_that_the_makefile_has() -> None:
    files = [*DOCUMENTS, *(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"]
    text = "\n".join(file.read_text() for file in files)
    given = set(re.findall(r"(?:^|`|run: |entry: )make ([a-z-]+)", text, re.MULTILINE))
    offered = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"serve", "test", "install", "lint"} <= given <= offered


def test_the_newest_of_the_changes_is_this_version() -> None:
    changes = (ROOT / "docs" / "CHANGELOG.md").read_text()
    newest = re.search(r"^## (\S+)", changes, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert newest
    assert newest[1] == project["version"]
