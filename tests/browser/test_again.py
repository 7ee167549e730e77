"""Run again and Change, on the page of a run that has ended."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .steps import RUN_PAGE, api

ASKED = {
    "workload": "convoy",
    "params": {"switch_interval_ms": 2.5},
    "executor": "threads",
    "workers": 3,
    "seconds": 1.5,
    "name": "a convoy of three",
}


def asked(page: Page) -> dict:
    """What the run on view was asked for."""
    run = api(page, page.evaluate("location.pathname"))
    return {name: run[name] for name in ASKED}


@pytest.fixture
def ended(new_page: Callable[..., Page]) -> Page:
    page = new_page()
    run = page.evaluate(
        """async (asked) => {
          const headers = {"content-type": "application/json"};
          const how = {method: "POST", headers, body: JSON.stringify(asked)};
          return (await fetch("/api/v1/runs", how)).json();
        }""",
        ASKED,
    )
    page.goto(f"{page.evaluate('location.origin')}/runs/{run['id']}")
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    return page


def test_run_again_starts_the_same_in_a_run_of_its_own(ended: Page) -> None:
    page, before = ended, ended.url
    first = asked(page)
    page.get_by_role("button", name="Run again").click()
    expect(page).not_to_have_url(before)
    expect(page).to_have_url(RUN_PAGE)
    assert asked(page) == first


def test_change_fills_the_form_with_the_fields_of_the_run_and_starts_with_them(ended: Page) -> None:
    page, first = ended, asked(ended)
    page.get_by_role("link", name="Change").click()
    form = page.locator("#launch-convoy")
    expect(form.locator("[name=workers]")).to_have_value("3")
    expect(form.locator("[name=seconds]")).to_have_value("1.5")
    expect(form.locator("[name='params.switch_interval_ms']")).to_have_value("2.5")
    form.locator("[name=workers]").fill("2")
    form.get_by_role("button", name=re.compile("^Run with these")).click()
    expect(page).to_have_url(RUN_PAGE)
    assert {**asked(page), "name": first["name"]} == {**first, "workers": 2}
