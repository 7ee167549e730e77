"""Two long runs side by side: their timelines are of the whole runs, and zoom and move together."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support import recorded

from .conftest import Site
from .steps import import_file, import_long

PICTURES = "() => [...document.querySelectorAll('.timelines canvas')].map((canvas) => canvas.toDataURL())"
# Both drawn, and both otherwise than before.
BOTH_CHANGED = f"before => ({PICTURES})().every((picture, index) => picture !== before[index])"
# Of each timeline, how many pixels of its first tenth have the colour of a thread that runs.
EARLY = """
() => [...document.querySelectorAll(".timelines canvas")].map((plot) => {
  const probe = document.createElement("i");
  probe.style.color = "var(--state-running)";
  document.body.append(probe);
  const [r, g, b] = getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number);
  probe.remove();
  const copy = new OffscreenCanvas(plot.width, plot.height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(plot, 0, 0);
  const {data} = copy.getImageData(0, 0, plot.width / 10, plot.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) found += data[i] === r && data[i + 1] === g && data[i + 2] === b;
  return found;
})
"""


@pytest.fixture
def compared(site: Site, new_page: Callable[..., Page]) -> Page:
    """The page that compares two of them."""
    for run_id in ("longA", "longB"):
        import_long(site, run_id)
    page = new_page()
    page.goto(site.address("/compare").replace("?", "?runs=longA,longB&"))
    return page


def test_the_timelines_are_of_the_whole_runs(compared: Page) -> None:
    compared.wait_for_function(f"() => ({EARLY})().every((found) => found > 100)")
    expect(compared.locator(".timelines .span")).to_have_text(re.compile(r"^0 .* to 1 min|^0 .* to 60"))


def test_labels_stand_beside_their_lanes(compared: Page) -> None:
    """Both columns begin at the top of their box, and the labels at its left."""
    compared.wait_for_function(f"() => ({EARLY})().every((found) => found > 100)")
    for figure in compared.locator(".timelines figure").all():
        box, plot = (figure.locator(part).bounding_box() for part in (".labels", "canvas.plot"))
        axis = figure.locator(".labels").evaluate("list => parseFloat(getComputedStyle(list).paddingTop)")
        lines = [line.bounding_box() or {} for line in figure.locator(".labels li").all()]
        assert box
        assert plot
        assert abs(lines[0]["x"] - box["x"]) < 1
        assert abs(lines[0]["y"] - plot["y"] - axis) < 1
        for above, below in pairwise(lines):
            assert abs(above["y"] + above["height"] - below["y"]) < 1


def test_zoom_and_moves_on_one_are_the_others_too(compared: Page) -> None:
    page = compared
    page.wait_for_function(f"() => ({EARLY})().every((found) => found > 100)")
    span = page.locator(".timelines .span")
    shown = span.inner_text()
    for index in (0, 1):
        canvas = page.locator(".timelines canvas").nth(index)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box
        before = page.evaluate(PICTURES)
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
        page.mouse.wheel(0, -300)
        page.wait_for_function(BOTH_CHANGED, arg=before)
        expect(span).not_to_have_text(shown)
        shown, before = span.inner_text(), page.evaluate(PICTURES)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
        page.mouse.up()
        expect(span).not_to_have_text(shown)
        page.wait_for_function(BOTH_CHANGED, arg=before)
        shown = span.inner_text()
    page.get_by_role("button", name="Whole").click()
    expect(span).to_have_text(re.compile(r"^0 "))


def test_a_server_that_is_away_is_said_to_be(new_page: Callable[..., Page], site: Site) -> None:
    page = new_page(tolerate="ERR_FAILED")
    page.route("**/api/v1/runs?*", lambda route: route.abort())
    page.goto(f"http://{site.host}:{site.port}/compare")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    expect(page.get_by_role("button", name="Compare")).to_be_hidden()


def test_of_two_scripts_the_lines_that_differ_are_shown_and_which_does_more_is_said(
    new_page: Callable[..., Page], site: Site, tmp_path: Path
) -> None:
    page = new_page()
    for name in ("one", "two"):
        run = {"id": f"script{name}", "script": f"same()\n{name}()\nsame()\n"}
        import_file(page, recorded.write(tmp_path / f"{name}.jsonl", seconds=2, run=run))
    page.goto(f"http://{site.host}:{site.port}/compare?runs=scriptone,scripttwo")
    differ = page.locator(".differ")
    expect(differ.get_by_text("1 line only in A, 1 line only in B")).to_be_visible()
    lines = differ.locator(".program tbody tr")
    expect(lines).to_have_count(4)
    assert [line.get_attribute("data-in") for line in lines.all()] == ["both", "a", "b", "both"]
    expect(lines.nth(1)).to_contain_text("one()")
    expect(lines.nth(2)).to_contain_text("two()")
    expect(differ.locator(".none")).to_be_hidden()
    expect(page.locator(".at-once .head")).to_contain_text("Neither does more at once")
    expect(page.locator(".at-once .row")).to_have_count(4)
