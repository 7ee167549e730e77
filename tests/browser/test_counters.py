"""Counters are lanes of the timeline: on its clock, told by pointer, click and keys, and remembered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .steps import import_made, start

LABELS = ".labels li.counter"
# Of a lane, the share of its pixels that are not of its ground.
DRAWN = """
(key) => {
  const plot = document.querySelector("canvas.plot");
  const row = document.querySelector(`.labels [data-counter=${key}]`).closest("li").getBoundingClientRect();
  const box = plot.getBoundingClientRect();
  const ratio = plot.width / box.width;
  const copy = new OffscreenCanvas(plot.width, plot.height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(plot, 0, 0);
  const left = plot.width / 4;
  const top = (row.top - box.top + 4) * ratio;
  const {data} = copy.getImageData(left, top, plot.width / 2, (row.height - 8) * ratio);
  const pixels = new Uint32Array(data.buffer);
  return new Set(pixels).size > 1 || pixels[0] !== copy.getImageData(left, top - 6 * ratio, 1, 1).data[0];
}
"""


def title_of(page: Page) -> Locator:
    return page.locator(f"{LABELS} .title")


def row(page: Page, title: str) -> Locator:
    return page.locator(LABELS, has_text=title)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """The page of a run of 2 s that has ended: the GIL always held and contended, CPU at 90 % of a core."""
    page = new_page()
    page.goto(import_made(page, "counters"))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    expect(title_of(page)).to_have_text(["CPU"])
    return page


def point(page: Page, title: str, share: float = 0.5) -> dict[str, Any]:
    """Where a counter's lane is at a share of the view."""
    at, plot = row(page, title).bounding_box(), page.locator("canvas.plot").bounding_box()
    assert at
    assert plot
    return {"x": plot["x"] + share * plot["width"], "y": at["y"] + at["height"] / 2}


def test_the_question_has_a_lane_and_all_can_be_shown(page: Page) -> None:
    corner = page.locator(".timeline").get_by_role("button", name="Counters")
    expect(corner).to_have_text(re.compile(r"1/\d$"))
    expect(corner).to_have_attribute("aria-expanded", "false")
    corner.click()
    expect(corner).to_have_attribute("aria-expanded", "true")
    expect(title_of(page)).to_have_text(["CPU", "GIL use", "Switches", "Waiters", "RSS"])
    first, threads = row(page, "CPU").bounding_box(), page.locator(".labels .process").bounding_box()
    assert first
    assert threads
    assert first["y"] < threads["y"]
    for key in ("cpu", "gil", "switches", "waiters", "rss"):
        assert page.evaluate(DRAWN, key), key
    page.wait_for_url(re.compile(r"\?counters=all$"))
    page.locator(".scroller").focus()
    page.keyboard.press("c")
    expect(title_of(page)).to_have_text(["CPU"])


def test_a_value_is_told_at_the_pointer_by_click_and_by_keys(page: Page) -> None:
    page.keyboard.press("c")
    expect(row(page, "GIL use").locator(".values")).to_have_text(re.compile("^100 % · 100 %$"))
    where = point(page, "CPU", 0.45)
    page.mouse.move(**where)
    tip = page.locator(".timeline .tip")
    expect(tip).to_contain_text(re.compile(r"CPU\s*90 %\s*mean of 250 ms from 0\.750 000 s"))
    expect(row(page, "RSS").locator(".values")).to_have_text("16.0 MiB")

    page.mouse.click(**where)
    head = page.locator(".slice h3")
    expect(head).to_contain_text(re.compile(r"CPU\s*90 %\s*mean of 250 ms from 0\.750 000 s"))
    expect(page.locator(".slice .what")).to_contain_text("100 % is one core")
    page.wait_for_url(re.compile(r"slice=cpu@\d"))
    page.mouse.move(0, 0)
    page.locator(".scroller").focus()
    page.keyboard.press("]")
    expect(head).to_contain_text("from 1.000 000 s")
    page.keyboard.press("[")
    expect(head).to_contain_text("from 0.750 000 s")
    page.keyboard.press("}")
    expect(head).to_contain_text("GIL use")
    expect(head).to_contain_text("held 100 %")
    for _ in range(4):
        page.keyboard.press("}")
    expect(head).to_contain_text("worker-0")  # below the counters are the threads
    page.keyboard.press("{")
    expect(head).to_contain_text(re.compile(r"RSS\s*16\.0 MiB\s*read at 0\.\d+ \d+ s"))
    page.keyboard.press("m")
    expect(page.locator(".selection")).to_contain_text("250 ms")
    page.keyboard.press("p")
    expect(title_of(page).first).to_have_text("CPU")
    page.keyboard.press("c")
    expect(title_of(page)).to_have_text(["CPU", "RSS"])
    page.wait_for_url(re.compile(r"slice=rss@"))
    page.reload()
    expect(head).to_contain_text("RSS")


def test_pins_are_kept_found_by_the_search_and_in_the_address(page: Page) -> None:
    page.keyboard.press("c")
    row(page, "RSS").hover()
    page.get_by_role("button", name="Pin RSS").click()
    row(page, "CPU").hover()
    page.get_by_role("button", name="Pin CPU").click()
    page.keyboard.press("c")
    expect(title_of(page)).to_have_text(["RSS"])
    page.wait_for_url(re.compile(r"\?counters=rss$"))
    kept = page.url
    page.goto(re.sub(r"\?.*", "", kept))
    expect(title_of(page)).to_have_text(["RSS"])  # this browser keeps it

    page.keyboard.press("/")
    page.keyboard.type("switch")
    expect(title_of(page)).to_have_text(["RSS", "Switches"])
    expect(page.locator(".labels li.lane")).to_have_count(0)
    page.get_by_role("button", name="Show all").click()
    expect(title_of(page)).to_have_text(["RSS"])
    row(page, "RSS").hover()
    page.get_by_role("button", name="Pin RSS").click()
    expect(page.locator(LABELS)).to_have_count(0)
    page.wait_for_url(re.compile(r"\?counters=none$"))
    page.goto(kept)
    expect(title_of(page)).to_have_text(["RSS"])


def test_they_zoom_and_move_with_the_lanes(page: Page) -> None:
    page.locator(".scroller").focus()
    for _ in range(8):
        page.keyboard.press("w")
    page.mouse.move(**point(page, "CPU"))
    expect(page.locator(".timeline .tip")).to_contain_text("mean of 250 ms")
    expect(page.locator(".timeline .buttons .span")).to_have_text(re.compile(r"^7\d\.\d ms$"))


def test_a_touch_tells_of_them(new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 400, "height": 800}, has_touch=True)
    page.goto(import_made(page, "counters-touched"))
    expect(title_of(page)).to_have_text(["CPU"])
    row(page, "CPU").scroll_into_view_if_needed()
    where = point(page, "CPU")
    page.touchscreen.tap(where["x"], where["y"])
    expect(page.locator(".slice h3")).to_contain_text("CPU")
    tip = page.locator(".timeline .tip").bounding_box()
    assert tip is None or (tip["x"] >= 0 and tip["x"] + tip["width"] <= 400)


def test_they_follow_a_run_that_goes_on(new_page: Callable[..., Page]) -> None:
    page = new_page()
    start(page, "cpu-bound", seconds="60", workers="2")
    value = row(page, "CPU").locator(".values")
    expect(value).to_have_text(re.compile(r"^\d+ %( at .+)?$"))
    before = value.inner_text()
    expect(value).not_to_have_text(before)
    page.locator(".scroller").focus()
    page.keyboard.press("c")
    expect(title_of(page)).to_have_text(
        ["CPU", "GIL use", "Switches", "Waiters", "RSS", "Python heap", "Operations"]
    )
    dock = page.locator(".dock").bounding_box()
    assert dock
    assert dock["y"] + dock["height"] <= 800  # figures, timeline and dock are in sight together
    assert dock["height"] >= 150
