"""Where time goes: the panel, and the slice of the timeline that is chosen by hand or by key."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .steps import start, tab


def test_a_deadlock_is_told_by_its_slices_and_by_its_places(page: Page) -> None:
    start(page, "deadlock", seconds="20")
    tab(page, "Where time goes")
    places = page.locator(".places tbody tr")
    expect(places.first).to_be_visible()
    page.wait_for_function("() => parseFloat(document.querySelector('.elapsed')?.textContent) > 2")
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")

    tab(page, "Where time goes")
    page.locator(".places [name=state]").select_option("lock")
    expect(places.first.locator(".state")).to_have_text("lock")
    expect(places.first.locator(".place")).to_have_text(re.compile(r"\.py:\d+"))
    expect(page.locator(".where .reading")).to_contain_text("of the threads' time")
    everyone = places.count()
    name = page.locator(".places [name=thread] option").nth(1).inner_text()
    page.locator(".places [name=thread]").select_option(label=name)
    assert places.count() <= everyone

    page.locator(".labels .lane").last.scroll_into_view_if_needed()
    row = page.locator(".labels .lane").last.bounding_box()
    plot = page.locator("canvas.plot").bounding_box()
    assert row
    assert plot
    # It ended while it was watched, so all of it is on view.
    page.mouse.click(plot["x"] + plot["width"] / 2, row["y"] + row["height"] / 2)
    chosen = page.locator(".slice")
    expect(chosen).to_be_visible()
    expect(chosen.locator(".length")).to_have_text(re.compile(r"[\d.]+ (µs|ms|s)"))
    expect(chosen.locator(".what")).not_to_have_text(re.compile("Looking"))
    chosen.locator("[data-slice=later]").click()
    expect(chosen.locator(".what")).not_to_have_text(re.compile("Looking"))
    page.keyboard.press("Escape")
    expect(chosen).to_be_hidden()


def test_a_key_tells_of_a_slice_with_its_stack(page: Page) -> None:
    start(page, "deadlock", seconds="20")
    page.wait_for_function("() => parseFloat(document.querySelector('.elapsed')?.textContent) > 2")
    page.locator(".scroller").focus()
    page.keyboard.press("Enter")
    chosen = page.locator(".slice")
    expect(chosen.locator("h3 .since")).to_have_text(re.compile(r"^from [\d.]+"))
    expect(chosen.locator(".what")).not_to_have_text(re.compile("Looking"))
    told = [chosen.inner_text()]
    for _ in range(2):
        chosen.locator("[data-slice=below]").click()
        expect(chosen.locator(".what")).not_to_have_text(re.compile("Looking"))
        told.append(chosen.inner_text())
    assert any(".py:" in text for text in told), told
    assert len(set(told)) > 1
    page.locator(".stop").click()
