"""Each workload belongs to a chapter of the book, and puts a question to a room."""

from __future__ import annotations

import pytest

from app.workloads import catalogue, chapters
from app.workloads.catalogue import QUESTIONS, Workload

WORKLOADS = catalogue.workloads()


@pytest.mark.parametrize(
    ("subject", "numbers"),
    [
        ("Deadlocks: the dining philosophers (chapter 12).", (12,)),
        ("The lock, threads and processes (chapters 3, 6 and 15).", (3, 6, 15)),
        ("Two of them (chapters 9 and 10).", (9, 10)),
        ("The Java Language Specification, chapter 17.", ()),
        ("", ()),
    ],
)
def test_a_subject_names_its_chapters(subject: str, numbers: tuple[int, ...]) -> None:
    assert chapters.chapters_of(subject) == numbers


def test_the_book_has_nineteen_chapters_in_order() -> None:
    assert [chapter.number for chapter in chapters.CHAPTERS] == list(range(1, 20))


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_a_workload_belongs_to_chapters_that_there_are_and_asks(workload: Workload) -> None:
    numbers = chapters.chapters_of(workload.subject)
    assert numbers, f"the subject of {workload.name} names no chapter: {workload.subject!r}"
    assert set(numbers) <= {chapter.number for chapter in chapters.CHAPTERS}
    assert chapters.asked(workload.name, workload.question).endswith("?")


def test_a_workload_without_a_question_of_its_own_asks_what_its_run_is_looked_at_for() -> None:
    asked = {chapters.asked("not of the catalogue", question) for question in QUESTIONS}
    assert len(asked) == len(QUESTIONS)


def test_a_question_is_one_of_a_workload_that_there_is() -> None:
    names = {workload.name for workload in WORKLOADS}
    assert set(chapters._OF_WORKLOAD) <= names
