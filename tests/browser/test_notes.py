"""A note on the timeline: by key and by button, kept in the address, gone to and removed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .steps import PICTURE, PICTURE_IS_NOT, import_made


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    page = new_page()
    page.goto(import_made(page, "notes"))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    expect(page.locator(".labels li.lane")).to_have_count(3)
    return page


def write(page: Page, words: str) -> None:
    page.get_by_label(re.compile("Note at")).fill(words)
    page.keyboard.press("Enter")


def test_a_key_writes_a_note_at_the_pointer_which_a_reload_brings_back(page: Page) -> None:
    plot = page.locator("canvas.plot").bounding_box()
    assert plot
    page.mouse.move(plot["x"] + plot["width"] / 4, plot["y"] + plot["height"] / 2)
    before = page.evaluate(PICTURE)
    page.keyboard.press("n")
    write(page, "here it stalls")
    notes = page.get_by_role("list", name="Notes on the timeline").get_by_role("listitem")
    expect(notes).to_have_count(1)
    expect(notes).to_contain_text("here it stalls")
    page.wait_for_url(re.compile(r"[?&]note=0\.\d+@here\+it\+stalls"))
    page.wait_for_function(PICTURE_IS_NOT, arg=before)
    page.reload()
    expect(notes).to_contain_text("here it stalls")
    notes.get_by_role("button", name="Remove the note: here it stalls").click()
    expect(notes).to_have_count(0)
    page.wait_for_url(lambda url: "note=" not in url)


def test_a_button_writes_one_at_what_is_selected_and_a_press_leads_back_to_it(page: Page) -> None:
    address = page.url.split("?")[0]
    page.goto(f"{address}?select=1.5-1.8&window=1-2&note=0.25@early")
    page.get_by_role("button", name="Note", exact=True).click()
    write(page, "late")
    notes = page.get_by_role("list", name="Notes on the timeline").get_by_role("listitem")
    expect(notes).to_have_text([re.compile("1 250 ms.*early"), re.compile("2 1.50 s.*late")])
    notes.nth(0).get_by_role("button", name="1 250 ms").click()
    page.wait_for_url(re.compile(r"window=0-1(&|$)"))


def test_a_form_that_is_left_leaves_nothing(page: Page) -> None:
    page.keyboard.press("n")
    page.get_by_label(re.compile("Note at")).fill("never mind")
    page.keyboard.press("Escape")
    expect(page.locator(".own-notes")).to_be_hidden()
    page.keyboard.press("n")
    expect(page.get_by_label(re.compile("Note at"))).to_have_value("")
    assert "note=" not in page.url
