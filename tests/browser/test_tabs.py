"""The tabs of a run: one line at every width, in reach of keys, and the tab on view in sight."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .steps import import_made

ROWS = """() => {
  const tabs = [...document.querySelectorAll(".panels .tabs [role=tab]")];
  return new Set(tabs.map((tab) => tab.offsetTop)).size;
}"""
# How many pixels of the tab on view lie beyond an edge of the line.
BEYOND = """() => {
  const list = document.querySelector(".panels .tabs");
  const line = list.getBoundingClientRect();
  const tab = list.querySelector("[aria-selected=true]").getBoundingClientRect();
  return Math.max(0, line.left - tab.left, tab.right - line.right);
}"""
HIDDEN = """() => {
  const list = document.querySelector(".panels .tabs");
  return list.scrollWidth - list.clientWidth;
}"""


@pytest.mark.parametrize("width", [1440, 1280])
def test_all_tabs_are_in_one_line(new_page: Callable[..., Page], width: int) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    page.goto(import_made(page, f"tabs-{width}"))
    expect(page.get_by_role("tab", selected=True)).to_have_text("Result")
    assert page.evaluate(ROWS) == 1
    assert page.evaluate(HIDDEN) == 0


def test_on_a_phone_the_line_scrolls_to_the_tab_on_view_and_the_page_stays(
    new_page: Callable[..., Page],
) -> None:
    page = new_page(viewport={"width": 400, "height": 800}, has_touch=True)
    page.goto(import_made(page, "tabs-400"))
    expect(page.get_by_role("tab", selected=True)).to_have_text("Result")
    assert page.evaluate(ROWS) == 1
    assert page.evaluate(HIDDEN) > 0
    page.wait_for_function(f"() => ({BEYOND})() === 0")
    assert page.evaluate("document.documentElement.scrollTop + document.querySelector('main').scrollTop") == 0

    page.get_by_role("tab", selected=True).press("Home")
    expect(page.get_by_role("tab", selected=True)).to_have_text("Overview")
    assert page.evaluate(BEYOND) == 0
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        assert page.evaluate(BEYOND) == 0
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    page.keyboard.press("End")
    assert page.evaluate(BEYOND) == 0
