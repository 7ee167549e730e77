"""Lanes are filtered, ordered, pinned and folded; keys go among slices; the address brings it all back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .steps import import_made, walk_slices


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """The page of a run that has ended: worker-0 and worker-1 take turns, worker-2 sleeps."""
    page = new_page()
    page.goto(import_made(page, "lanes"))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    lanes_are(page, "worker-0", "worker-1", "worker-2")
    return page


def lanes_are(page: Page, *names: str) -> None:
    expect(page.locator(".labels li.lane .name")).to_have_text(list(names))


def test_threads_are_filtered_by_name_state_and_idleness(page: Page) -> None:
    tools = page.get_by_role("group", name="Lanes")
    expect(tools).to_be_hidden()  # three lanes need none
    page.keyboard.press("/")
    search = tools.get_by_role("searchbox")
    expect(search).to_be_focused()
    search.fill("worker-1")
    lanes_are(page, "worker-1")
    expect(tools.locator(".count")).to_have_text("1 of 3 threads")
    search.fill("waiting")
    lanes_are(page, "worker-0", "worker-1")
    search.press("Escape")
    tools.get_by_role("button", name="Show all").click()
    lanes_are(page, "worker-0", "worker-1", "worker-2")
    expect(tools).to_be_hidden()

    page.keyboard.press("/")
    tools.get_by_label("Hide idle").check()
    lanes_are(page, "worker-0", "worker-1")
    tools.get_by_label("Order of the threads").select_option("waiting")
    page.wait_for_url(re.compile(r"\?order=waiting&idle=hidden$"))
    page.reload()
    expect(tools.get_by_label("Hide idle")).to_be_checked()
    expect(page.locator(".labels li.lane")).to_have_count(2)


def test_a_lane_is_pinned_and_a_process_folded(page: Page) -> None:
    sleeper = page.locator(".labels li.lane", has_text="worker-2")
    sleeper.hover()
    sleeper.get_by_role("button", name="Pin worker-2").click()
    lanes_are(page, "worker-2", "worker-0", "worker-1")
    page.wait_for_url(re.compile(r"\?pinned=2$"))
    sleeper.get_by_role("button", name="Pin worker-2").click()
    lanes_are(page, "worker-0", "worker-1", "worker-2")

    fold = page.get_by_role("button", name="Threads of pid 4321")
    fold.press("Enter")
    lanes_are(page)
    expect(page.locator(".labels li.gil")).to_be_visible()
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(fold).to_be_focused()
    fold.press("Enter")
    lanes_are(page, "worker-0", "worker-1", "worker-2")


def test_keys_zoom_move_and_go_among_slices(page: Page) -> None:
    span = page.locator(".timeline .buttons .span")
    expect(span).to_have_text("2.00 s")
    page.locator(".scroller").focus()
    page.keyboard.press("w")
    expect(span).to_have_text("1.33 s")
    page.keyboard.press("a")
    page.wait_for_url(re.compile("window="))
    page.keyboard.press("s")
    expect(span).to_have_text("2.00 s")

    walk_slices(page)
    page.keyboard.press("p")
    lanes_are(page, "worker-1", "worker-0", "worker-2")
    page.keyboard.press("f")  # a turn is 20 ms: at least 50 ms are shown around it
    expect(span).to_have_text(re.compile(r"^[56]\d\.\d ms$"))
    page.keyboard.press("F")
    expect(span).to_have_text("2.00 s")
    page.keyboard.press("Escape")
    expect(page.locator(".slice")).to_be_hidden()

    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Glossary")).to_be_visible()


def test_a_selected_time_has_its_figures_and_is_in_the_address(page: Page) -> None:
    plot = page.locator("canvas.plot")
    box = plot.bounding_box()
    assert box
    note = page.locator(".under .note")

    def drag(from_share: float, to_share: float, y: float) -> None:
        page.mouse.move(box["x"] + from_share * box["width"], y)
        page.mouse.down()
        page.mouse.move(box["x"] + to_share * box["width"], y, steps=4)
        page.mouse.up()

    drag(0.25, 0.5, box["y"] + 8)  # along the axis
    selection = page.locator(".selection")
    expect(selection).to_contain_text(re.compile(r"Selected 0\.5\d\d to 1\.00\d s, \d{3} ms"))
    expect(note).to_contain_text(re.compile(r"are of the time from 0\.5\d\d to 1\.00\d s"))
    expect(page.locator(".timeline .buttons .span")).to_have_text("2.00 s")  # the view stays
    page.wait_for_url(re.compile(r"\?select=0\.5\d*-1(\.0\d*)?$"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == page.url
    page.reload()
    expect(selection).to_be_visible()
    expect(note).to_contain_text("are of the time from 0.5")
    selection.get_by_role("button", name="Zoom to it").click()
    expect(page.locator(".timeline .buttons .span")).to_have_text(re.compile(r"^1\.\d\d s$"))

    page.locator(".scroller").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".slice")).to_be_visible()
    page.keyboard.press("m")  # a turn of 20 ms
    expect(selection).to_contain_text(re.compile(r", (19|20)(\.\d)? ms"))
    page.keyboard.press("Escape")
    expect(page.locator(".slice")).to_be_hidden()
    expect(selection).to_be_visible()
    page.keyboard.press("Escape")
    expect(selection).to_be_hidden()

    with_shift = plot.bounding_box()
    assert with_shift
    page.keyboard.down("Shift")
    drag(0.1, 0.2, with_shift["y"] + with_shift["height"] - 10)
    page.keyboard.up("Shift")
    expect(selection).to_be_visible()
    page.locator(".scroller").focus()
    page.keyboard.press("m")  # no slice is chosen: nothing to select instead
    expect(selection).to_be_visible()


def test_pointing_at_a_lane_makes_no_panel_anew(page: Page) -> None:
    """A pointer moves at every frame; only legend, tip and values beside the lanes are of where it is."""
    page.get_by_role("tab", name="Threads").click()
    page.evaluate(
        "() => { globalThis.changes = 0;"
        " const watch = new MutationObserver((all) => { globalThis.changes += all.length; });"
        " for (const part of document.querySelectorAll('.panels, .figures, .honesty'))"
        " watch.observe(part, {subtree: true, childList: true, characterData: true, attributes: true}); }"
    )
    plot = page.locator("canvas.plot").bounding_box()
    row = page.locator(".labels li.lane", has_text="worker-2").bounding_box()
    assert plot
    assert row
    for share in (0.3, 0.4, 0.5):
        page.mouse.move(plot["x"] + share * plot["width"], row["y"] + row["height"] / 2)
        page.wait_for_function("() => document.body.dataset.idle === 'true'")
    expect(page.locator(".legend .of")).to_contain_text("worker-2")
    assert page.evaluate("() => globalThis.changes") == 0
