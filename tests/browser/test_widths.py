"""What a page says has room at every width: no line of the head wraps, no figure and no label is cut off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .steps import import_made

WIDTHS = (1440, 1280, 800, 400)
# The tops of the links of the head: one line has one.
LINES = """() => {
  const links = [...document.querySelectorAll("header.top nav a")];
  return new Set(links.map((link) => link.offsetTop)).size;
}"""
# Words of figures that go beyond their tile.
BEYOND = """() => [...document.querySelectorAll(".figure")].flatMap((tile) => {
  const edge = tile.getBoundingClientRect().right;
  const words = [...tile.querySelectorAll("dt, .value, .unit")].filter((one) => one.checkVisibility());
  return words.filter((one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return range.getBoundingClientRect().right > edge;
  }).map((one) => one.textContent);
})"""
# Labels of lanes that are cut off without a sign of it.
CUT = """() => [...document.querySelectorAll(".labels li.process, .labels li.counter")]
  .filter((label) => label.scrollWidth > label.clientWidth).map((label) => label.textContent)"""
TITLES_CUT = """() => [...document.querySelectorAll(".labels .counter .title")]
  .filter((title) => title.scrollWidth > title.clientWidth).map((title) => title.textContent)"""
# Names of threads that lie below what follows them.
BELOW = """() => [...document.querySelectorAll(".labels li.lane .name")].filter((name) => {
  const next = [...name.parentElement.children].find((other) =>
    other.offsetWidth && name.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING &&
    !name.contains(other));
  return next && name.lastChild.getBoundingClientRect().right > next.getBoundingClientRect().left;
}).map((name) => name.textContent)"""


@pytest.mark.parametrize("width", WIDTHS)
def test_head_figures_and_labels_have_room(new_page: Callable[..., Page], width: int) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    page.goto(import_made(page, f"width-{width}"))
    expect(page.locator(".labels li.process")).to_be_visible()
    expect(page.locator(".labels li.counter .title").first).to_be_visible()
    assert page.evaluate(LINES) == 1
    assert page.evaluate(BEYOND) == []
    assert page.evaluate(CUT) == []
    assert page.evaluate(TITLES_CUT) == []
    assert page.evaluate(BELOW) == []


def test_on_a_phone_the_head_shows_which_page_is_open(new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 400, "height": 800})
    page.goto(f"{page.evaluate('location.origin')}/history")
    expect(page.locator("header.top [aria-current=page]")).to_be_in_viewport(ratio=1)
