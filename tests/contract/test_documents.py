"""What the documents point to is there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

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


def test_pages_of_commands_and_api_are_what_the_program_declares() -> None:
    command = [sys.executable, "tools/reference_doc.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_page_of_panels_has_a_row_for_every_panel() -> None:
    sources = "".join(
        path.read_text() for path in (ROOT / "static" / "js" / "widgets" / "panels").rglob("*.js")
    )
    titles = re.findall(r'^  label: "([A-Z][A-Za-z ]+)",$', sources, re.MULTILINE)
    rows = re.findall(r"^\| ([A-Z][a-z ]+) \| [A-Z]", (ROOT / "docs" / "panels.md").read_text(), re.MULTILINE)
    assert len(rows) > 10
    assert sorted(rows) == sorted(titles)


def _options() -> dict[str, set[str]]:
    """Of each command, by the pages of commands, which a test holds against the program."""
    pages = [page for page in (ROOT / "docs" / "commands").glob("*.md") if page.stem != "README"]
    return {page.stem: set(re.findall(r"`(--?[a-z-]+)`", page.read_text())) for page in pages}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_the_documents_is_one_with_these_options(document: Path) -> None:
    known = _options()
    spans = re.findall(r"(?:^\$? ?|`|\"|&& )gilscope ([a-z]+)\b([^`\n]*)", document.read_text(), re.MULTILINE)
    for command, rest in spans:
        assert command in known, (command, rest)
        own = re.split(r" -- |#|   ", re.sub(r"\$\(.*?\)", "", rest))[0]
        assert set(re.findall(r"(?<=[ \[|(/])--?[a-z][a-z-]*", own)) <= known[command] | {"--help", "-n"}, (
            command,
            rest,
        )


@pytest.mark.parametrize("name", ["compose", "kubernetes"])
def test_the_files_to_deploy_are_well_formed_and_give_commands_that_there_are(name: str) -> None:
    text = (ROOT / "docs" / "deploy" / f"{name}.yaml").read_text()
    tree = yaml.safe_load(text)
    if name == "compose":
        service = tree["services"]["gilscope"]
        assert service["pid"] == "service:app"
        assert service["cap_add"] == ["SYS_PTRACE"]
        assert (ROOT / "docs" / "deploy" / service["build"] / "Dockerfile").exists()
    else:
        assert tree["spec"]["shareProcessNamespace"] is True
        service = next(each for each in tree["spec"]["containers"] if each["name"] == "gilscope")
        assert service["securityContext"]["capabilities"] == {
            "drop": ["ALL"],
            "add": ["SYS_PTRACE", "DAC_READ_SEARCH"],
        }
    program, command, *words = service["command"]
    assert program == "gilscope"
    assert {word for word in words if word.startswith("--")} <= _options()[command]


def test_every_fault_in_the_page_of_faults_has_a_test_that_there_is() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    tests += "".join(path.read_text() for path in (ROOT / "tests").rglob("*_test.js"))
    known = set(re.findall(r"^ *(?:async )?def (test_\w+)\(", tests, re.MULTILINE))
    known |= set(re.findall(r'^Deno\.test\("([^"]+)"', tests, re.MULTILINE))
    page = (ROOT / "docs" / "faults.md").read_text()
    rows = re.findall(r"^\| [^|-][^|]* \| [^|]+ \| (`.+`) \|$", page, re.MULTILINE)
    assert len(rows) == page.count("\n| ") - 2, "a row without a test"
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(rows) > 30
    assert [name for name in named if name not in known] == []


def test_the_page_of_exports_has_a_row_for_every_format() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs" / "exports.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(FORMATS)


def test_the_documents_and_workflows_give_targets_that_the_makefile_has() -> None:
    files = [*DOCUMENTS, *(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"]
    text = "\n".join(file.read_text() for file in files)
    given = set(re.findall(r"(?:^|`|run: |entry: )make ([a-z0-9-]+)", text, re.MULTILINE))
    offered = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"serve", "test", "install", "lint"} <= given <= offered


def test_the_newest_of_the_changes_is_this_version() -> None:
    changes = (ROOT / "docs" / "CHANGELOG.md").read_text()
    newest = re.search(r"^## (\S+)", changes, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert newest
    assert newest[1] == project["version"]
