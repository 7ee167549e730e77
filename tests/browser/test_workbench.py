"""A run as a workbench: figures, timeline and details at once, a bar between them, the whole run above."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from .steps import go_on, import_made, start

Open = Callable[..., Page]


@pytest.fixture
def open_run(new_page: Callable[..., Page]) -> Open:
    """Open a run of two seconds that has ended in a window of some size."""

    def open_it(**options: object) -> Page:
        page = new_page(**options)
        page.goto(import_made(page, "workbench"))
        expect(page.locator(".badge[data-state=finished]")).to_be_visible()
        expect(page.locator(".labels li.lane")).to_have_count(3)
        return page

    return open_it


def box(of: Locator) -> dict[str, float]:
    """Its place, with `bottom` and `right`."""
    found = of.bounding_box()
    assert found
    return {
        **found,
        "bottom": found["y"] + found["height"],
        "right": found["x"] + found["width"],
    }


def shown(page: Page) -> tuple[float, float]:
    """Where the frame of the small picture begins and ends, as shares of the whole run."""
    frame, strip = box(page.locator(".minimap .shown")), box(page.locator(".minimap .strip"))
    return (frame["x"] - strip["x"]) / strip["width"], (frame["right"] - strip["x"]) / strip["width"]


def drag(page: Page, of: Locator, from_share: float, to_share: float) -> None:
    place = box(of)
    y = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + from_share * place["width"], y)
    page.mouse.down()
    page.mouse.move(place["x"] + to_share * place["width"], y, steps=4)
    page.mouse.up()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1440, 900), (900, 700)])
def test_figures_timeline_and_details_are_seen_at_once(open_run: Open, width: int, height: int) -> None:
    page = open_run(viewport={"width": width, "height": height})
    figures, scroller = box(page.locator("dl.figures")), box(page.locator(".scroller"))
    timeline, dock = box(page.locator("section.timeline")), box(page.locator(".dock"))
    panel = box(page.get_by_role("tabpanel"))
    assert figures["bottom"] <= timeline["y"]
    assert timeline["bottom"] <= dock["y"] <= timeline["bottom"] + 12  # the bar between them
    assert dock["bottom"] >= height - 60  # no hole: below it the line on how well was measured
    assert dock["bottom"] <= height
    assert scroller["height"] >= 60
    assert panel["height"] >= 100
    assert page.evaluate(
        "() => [document.documentElement, document.querySelector('main')]"
        ".every((one) => one.scrollHeight <= one.clientHeight)"
    )


def test_the_timeline_takes_what_its_lanes_need(open_run: Open) -> None:
    page = open_run(viewport={"width": 1440, "height": 1400})
    last, scroller = box(page.locator(".labels li").last), box(page.locator(".scroller"))
    assert last["height"] == 18  # it only sleeps
    assert abs(last["bottom"] - scroller["bottom"]) <= 1


def test_a_bar_shares_the_room_and_stays_where_it_was_put(open_run: Open) -> None:
    page = open_run()
    bar = page.get_by_role("separator", name="Height of the timeline")
    timeline = page.locator("section.timeline")
    at_first = box(timeline)["height"]
    bar.focus()
    share = 100 * at_first / box(page.locator(".bench"))["height"]
    assert abs(int(bar.get_attribute("aria-valuenow") or 0) - share) <= 1

    place = box(bar)
    page.mouse.move(place["x"] + 40, place["y"] + 4)
    page.mouse.down()
    page.mouse.move(place["x"] + 40, place["y"] - 56, steps=3)
    page.mouse.up()
    dragged = box(timeline)["height"]
    assert abs(at_first - 60 - dragged) <= 2
    assert box(page.locator(".dock"))["bottom"] <= 800

    bar.press("ArrowDown")
    lower = box(timeline)["height"]
    assert lower > dragged + 10
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^\d\d$"))
    told = bar.get_attribute("aria-valuenow")
    page.reload()
    expect(page.locator(".labels li.lane")).to_have_count(3)
    bar.focus()
    expect(bar).to_have_attribute("aria-valuenow", told or "")
    assert abs(box(timeline)["height"] - lower) <= 2
    bar.press("Home")
    assert box(timeline)["height"] < lower
    bar.press("Enter")
    assert abs(box(timeline)["height"] - at_first) <= 2
    expect(page.locator(".slice")).to_be_hidden()  # the key is the bar's own here


def test_the_whole_run_stands_above_with_what_is_on_view(open_run: Open) -> None:
    page = open_run()
    strip = page.locator(".minimap .strip")
    span = page.locator(".timeline .buttons .span")
    expect(span).to_have_text("2.00 s")
    assert shown(page) == pytest.approx((0, 1), abs=0.01)

    page.locator(".scroller").focus()
    page.keyboard.press("w")
    page.keyboard.press("w")
    expect(span).to_have_text("889 ms")
    begin, end = shown(page)
    assert end - begin == pytest.approx(4 / 9, abs=0.01)

    drag(page, strip, (begin + end) / 2, (begin + end) / 2 - 0.2)
    expect(span).to_have_text("889 ms")
    page.wait_for_url(re.compile("window="))
    assert shown(page) == pytest.approx((begin - 0.2, end - 0.2), abs=0.02)

    begin, end = shown(page)
    drag(page, strip, end, end + 0.3)  # its edge
    assert shown(page) == pytest.approx((begin, 1), abs=0.02)
    page.keyboard.press("w")
    drag(page, strip, 0.05, 0.05)  # beside it
    assert shown(page)[0] == pytest.approx(0, abs=0.02)

    colours = page.evaluate(
        """() => {
          const drawn = document.querySelector(".minimap canvas");
          const copy = new OffscreenCanvas(drawn.width, drawn.height).getContext("2d");
          copy.drawImage(drawn, 0, 0);
          const {data} = copy.getImageData(0, 0, drawn.width, drawn.height);
          const seen = new Set();
          for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
          return [...seen];
        }"""
    )
    assert "213,94,0" in colours  # contended, as --state-waiting


def test_the_frame_goes_on_with_a_run_that_does(page: Page) -> None:
    start(page, seconds="60")
    page.wait_for_function("() => parseFloat(document.querySelector('.elapsed').textContent) > 2")
    page.locator(".scroller").focus()
    for _ in range(6):
        page.keyboard.press("w")
    expect(page.locator(".timeline .buttons .span")).to_have_text("878 ms")
    begin, end = shown(page)
    assert end - begin == pytest.approx(0.0878, abs=0.01)  # of ten seconds at least
    go_on(page, 0.5)
    assert shown(page)[1] > end + 0.02


def test_on_a_narrow_screen_they_follow_each_other(open_run: Open) -> None:
    page = open_run(viewport={"width": 400, "height": 800})
    expect(page.get_by_role("separator", name="Height of the timeline")).to_be_hidden()
    timeline, dock = box(page.locator("section.timeline")), box(page.locator(".dock"))
    assert timeline["bottom"] <= dock["y"]
    assert box(page.locator(".minimap .strip"))["height"] >= 20
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_link_within_the_page_leaves_the_run_as_it_is(open_run: Open) -> None:
    page = open_run()
    page.evaluate("() => document.querySelector('.run').dataset.same = 'yes'")
    page.locator("a.skip").press("Enter")
    page.wait_for_url(re.compile("#main$"))
    expect(page.locator(".run[data-same=yes]")).to_be_attached()
