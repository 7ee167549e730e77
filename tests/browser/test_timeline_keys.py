"""Every key that the help names does what it says; wheel and fingers zoom, to 100 µs and back to all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .steps import import_made, walk_slices

# What the help names, and where it is shown: here, or in a test of that name.
ELSEWHERE = {
    "N": "test_notes.py",
    "G": "test_area.py",
    "/": "test_lanes.py",
    "M": "test_lanes.py",
    "P": "test_lanes.py",
    "C": "test_counters.py",
    "Shift": "test_area.py",
}
HERE = {
    "Space",
    "A",
    "D",
    "←",
    "→",
    "W",
    "S",
    "+",
    "−",
    "F",
    "0",
    "L",
    "Enter",
    "[",
    "]",
    "{",
    "}",
    "Esc",
    "?",
}

SPAN_S = 2 / 1.5**4  # of four steps from the whole


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """The page of a run of 2 s that has ended."""
    page = new_page()
    page.goto(import_made(page, "timeline-keys"))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    expect(page.locator(".labels li.lane")).to_have_count(3)
    page.locator(".scroller").focus()
    return page


def span_is(page: Page, said: str) -> None:
    expect(page.locator(".timeline .buttons .span")).to_have_text(re.compile(f"^{said}$"))


def starts_at(page: Page, at_s: float) -> None:
    """Until the address says that the view begins there, to a millisecond or two."""
    page.wait_for_function(
        "at => Math.abs(parseFloat(new URLSearchParams(location.search).get('window')) - at) < 0.002",
        arg=at_s,
    )


def test_the_help_names_the_keys_that_are_tested(page: Page) -> None:
    named = page.locator("#words kbd").all_text_contents()
    assert set(named) == HERE | set(ELSEWHERE)


@pytest.mark.parametrize(("closer", "wider"), [("w", "s"), ("+", "-")], ids=["letters", "signs"])
def test_keys_zoom(page: Page, closer: str, wider: str) -> None:
    span_is(page, r"2\.00 s")
    page.keyboard.press(closer)
    span_is(page, r"1\.33 s")
    page.keyboard.press(wider)
    span_is(page, r"2\.00 s")


@pytest.mark.parametrize(
    ("later", "earlier"), [("d", "a"), ("ArrowRight", "ArrowLeft")], ids=["letters", "arrows"]
)
def test_keys_move(page: Page, later: str, earlier: str) -> None:
    for _ in range(4):
        page.keyboard.press("w")
    span_is(page, "395 ms")
    for _ in range(3):  # away from the end, at which it follows the run
        page.keyboard.press(earlier)
    starts_at(page, 2 - 1.3 * SPAN_S)
    page.keyboard.press(later)
    starts_at(page, 2 - 1.2 * SPAN_S)
    page.keyboard.press(earlier)
    starts_at(page, 2 - 1.3 * SPAN_S)


def test_zero_is_ten_seconds_f_the_whole_and_l_the_end(page: Page) -> None:
    page.keyboard.press("0")
    span_is(page, r"10\.0 s")
    page.keyboard.press("f")
    span_is(page, r"2\.00 s")
    for key in "wwa":
        page.keyboard.press(key)
    end = page.get_by_role("button", name="End")
    expect(end).to_be_enabled()
    page.keyboard.press("l")
    expect(end).to_be_disabled()


def test_space_plays(page: Page) -> None:
    page.keyboard.press(" ")
    play = page.locator("[data-play=toggle]")
    expect(play).to_have_attribute("aria-pressed", "true")
    page.keyboard.press(" ")
    expect(play).to_have_attribute("aria-pressed", "false")


def test_keys_choose_go_on_and_close(page: Page) -> None:
    walk_slices(page)
    page.keyboard.press("{")
    expect(page.locator(".slice h3 b")).to_have_text("worker-0")
    page.keyboard.press("Escape")
    expect(page.locator(".slice")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#words")).to_be_visible()


def test_a_key_counts_where_a_button_has_the_focus_that_has_no_use_for_it(page: Page) -> None:
    page.get_by_role("button", name="Zoom in").click()
    span_is(page, r"1\.33 s")
    page.keyboard.press("s")
    span_is(page, r"2\.00 s")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    page.get_by_label("Hide idle").check()
    page.keyboard.press("w")
    span_is(page, r"1\.33 s")
    page.keyboard.press("s")
    page.get_by_role("button", name="Zoom in").focus()
    page.keyboard.press("Enter")  # the button's own: it zooms in, and no slice is chosen
    span_is(page, r"1\.33 s")
    expect(page.locator(".slice")).to_be_hidden()


def test_the_wheel_zooms_from_the_whole_to_100_us_and_back(page: Page) -> None:
    plot = page.locator("canvas.plot").bounding_box()
    assert plot
    page.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + 40)
    for _ in range(60):
        page.mouse.wheel(0, -100)
    span_is(page, "100 µs")
    for _ in range(60):
        page.mouse.wheel(0, 100)
    page.keyboard.press("f")
    span_is(page, r"2\.00 s")


def test_two_fingers_zoom(new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 400, "height": 800}, has_touch=True)
    page.goto(import_made(page, "pinched"))
    plot = page.locator("canvas.plot")
    plot.scroll_into_view_if_needed()
    span_is(page, r"2\.00 s")
    box = plot.bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    middle, y = box["x"] + box["width"] / 2, box["y"] + 60

    def touch(kind: str, *apart: float) -> None:
        points = [{"x": middle + side * each / 2, "y": y, "id": side} for each in apart for side in (-1, 1)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 40)
    touch("touchMove", 60)
    touch("touchMove", 80)
    touch("touchEnd")
    span_is(page, r"1\.00 s")
    expect(page.locator(".slice")).to_be_hidden()  # no press was meant
    touch("touchStart", 80)
    touch("touchMove", 60)
    touch("touchMove", 40)
    touch("touchEnd")
    span_is(page, r"2\.00 s")
