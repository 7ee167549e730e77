"""The pages of teaching: the catalogue's chapters in the book's order, and none that is not there."""

from __future__ import annotations

import re

import pytest

from app.runs import catalogue
from app.web.teaching_pages import chapters_of

from .conftest import Site

HTML = {"Accept": "text/html"}


def test_chapters_come_in_the_books_order_each_with_its_workloads() -> None:
    known = catalogue.load()
    rows = chapters_of(known)
    numbers = [row["number"] for row in rows]
    assert numbers == sorted({number for spec in known.workloads for number in spec.chapters})
    for row in rows:
        assert [spec.name for spec in row["workloads"]] == [
            spec.name for spec in known.workloads if row["number"] in spec.chapters
        ]


@pytest.mark.asks
def test_every_step_is_on_the_page_with_its_words(site: Site) -> None:
    page = site.client.get("/teach", headers=HTML).text
    known = catalogue.load()
    linked = set(re.findall(r'href="/teach/(\d+)/([^"]+)"', page))
    assert linked == {(str(number), spec.name) for spec in known.workloads for number in spec.chapters}
    told = set(re.findall(r'<template class="lesson-of" data-workload="([^"]+)"', page))
    assert told == {spec.name for spec in known.workloads}


@pytest.mark.asks
@pytest.mark.parametrize("path", ["/teach/15", "/teach/15/convoy", "/teach/follow"])
def test_a_step_has_an_address(site: Site, path: str) -> None:
    assert site.client.get(path, headers=HTML).status_code == 200


@pytest.mark.asks
@pytest.mark.parametrize(
    "path", ["/teach/0", "/teach/99", "/teach/x", "/teach/15/nothing", "/teach/2/convoy"]
)
def test_a_step_that_is_none_is_told_so(site: Site, path: str) -> None:
    page = site.client.get(path, headers=HTML)
    assert page.status_code == 404
    assert "There is nothing to teach at" in page.text


@pytest.mark.parametrize("path", ["/teach", "/teach/15", "/teach/follow"])
def test_who_may_only_look_is_offered_nothing_to_press(site_with, path: str) -> None:
    site = site_with("steady", look_token="the-token-that-may-look")
    looker = {**HTML, "Authorization": "Bearer the-token-that-may-look"}
    page = site.client.get(path, headers=looker)
    assert page.status_code == 200
    assert "data-follows" in page.text
    for pressed in ('data-act="run"', 'data-act="audience"', 'data-go="next"', 'class="stop"'):
        assert pressed not in page.text
