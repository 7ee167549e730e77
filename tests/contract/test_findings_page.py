"""docs/findings.md: current, whole, and right by its own account."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import findings as page  # noqa: E402

from app.workloads import catalogue  # noqa: E402

CODES = {
    code
    for path in (ROOT / "app/analysis/findings").glob("*.py")
    for code in re.findall(r'code="([a-z-]+)"', path.read_text())
}


def test_the_page_is_what_the_script_makes_of_its_results() -> None:
    assert page.main(["--check"]) == 0


def test_each_finding_has_its_paragraph() -> None:
    told = set(re.findall(r"\*\*`([a-z-]+)`\*\*", page.TEXTS.read_text()))
    assert told == CODES


def test_each_finding_is_due_of_a_program() -> None:
    due = {code for program in page.programs() for code in program.due | program.free_due}
    assert due == CODES - page.EVERYWHERE - page.OF_CLUSTERS


def test_each_workload_is_in_the_matrix_and_nothing_of_it_is_unknown() -> None:
    programs = page.programs()
    assert {each.name for each in programs if each.workload} == {each.name for each in catalogue.workloads()}
    assert set(page.ALSO) | page.AT_ONCE | page.AT_ONCE_IN_PART <= {each.name for each in programs}
    for program in programs:
        assert program.due | program.free_due | program.may <= CODES
    assert set(page.stored()) <= {each.name for each in programs}


def test_none_is_wrong_and_none_missing() -> None:
    results = page.stored()
    for program in page.programs():
        for label, result in results.get(program.name, {}).items():
            assert page.judged(program, result) == ([], []), (program.name, label)
