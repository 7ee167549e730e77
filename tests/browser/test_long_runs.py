"""A long stored run: its page is sent its last messages alone, and asks for what comes on view."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Site
from .steps import COUNT_STATES, import_long


@pytest.fixture
def long_run(site: Site) -> str:
    """The path of the page of such a run."""
    return import_long(site, "made")


def test_it_is_shown_whole_by_shares_and_by_slices_once_it_is_near(
    long_run: str, site: Site, new_page: Callable[..., Page]
):
    page = new_page()
    with page.expect_response(re.compile("/timeline")):  # one that has ended opens whole
        page.goto(site.address(long_run))
    expect(page.locator(".labels")).to_contain_text("worker-2")
    canvas = page.locator("canvas.plot")
    row = page.locator(".labels li", has_text="worker-0").bounding_box()
    plot = canvas.bounding_box()
    x, y = plot["x"] + plot["width"] / 3, row["y"] + row["height"] / 2
    page.mouse.move(x, y)
    expect(page.locator(".timeline .tip")).to_contain_text("zoom in for single slices")
    expect(page.locator(".legend [data-state=running] .share")).to_have_text(re.compile(r"^(49|50|51)"))
    with page.expect_response(re.compile("/messages")):
        page.keyboard.press("ArrowRight")  # where a window stands it is zoomed about its middle
        for _ in range(6):
            page.keyboard.press("+")
            page.keyboard.press("+")
    # Figures, panels and findings are now of that time alone.
    expect(page.locator(".under .note")).to_contain_text("of the time from")
    expect(page.locator(".brief .span, .findings .span").first).not_to_contain_text("whole run")
    row = page.locator(".labels li", has_text="worker-0").bounding_box()  # the legend's lines have moved it
    y = row["y"] + row["height"] / 2
    page.mouse.move(x + 1, y)
    expect(page.locator(".timeline .tip")).to_contain_text("20.0 ms")
    page.mouse.click(x + 1, y)
    expect(page.locator(".slice")).to_contain_text("worker-0")


def test_a_server_that_failed_is_asked_again(
    long_run: str, site: Site, new_page: Callable[..., Page]
) -> None:
    page = new_page(tolerate="ERR_FAILED|503")
    failed: list[str] = []

    def fail_twice(route: Route) -> None:
        if len(failed) == 2:
            route.continue_()
        else:
            failed.append(route.request.url)
            route.abort() if len(failed) == 1 else route.fulfill(status=503)

    page.route("**/timeline?*", fail_twice)
    page.goto(site.address(long_run))
    expect(page.locator(".labels")).to_contain_text("worker-2")
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 100")
    assert len(failed) == 2
