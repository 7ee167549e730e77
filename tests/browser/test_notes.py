"""A note on the timeline: by key and by button, kept with the run, gone to, edited and removed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from support.plain import NO_TLS

from .conftest import Site
from .steps import PICTURE, PICTURE_IS_NOT, import_made

HOSTILE = '<img src=x onerror="document.title=1"> & 100 %'


@pytest.fixture
def page(new_page: Callable[..., Page], request: pytest.FixtureRequest) -> Page:
    """That of a run of the test's own: notes stay with a run."""
    page = new_page()
    page.goto(import_made(page, f"notes{zlib.crc32(request.node.name.encode())}"))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    expect(page.locator(".labels li.lane")).to_have_count(3)
    return page


def listed(page: Page) -> Locator:
    return page.get_by_role("list", name="Notes on the timeline").get_by_role("listitem")


def write(page: Page, words: str) -> None:
    page.get_by_label(re.compile("Note at")).fill(words)
    page.keyboard.press("Enter")


def test_a_key_writes_a_note_at_the_pointer_which_is_there_whoever_opens_the_run(
    page: Page, new_page: Callable[..., Page]
) -> None:
    plot = page.locator("canvas.plot").bounding_box()
    assert plot
    page.mouse.move(plot["x"] + plot["width"] / 4, plot["y"] + plot["height"] / 2)
    before = page.evaluate(PICTURE)
    page.keyboard.press("n")
    write(page, HOSTILE)
    expect(listed(page)).to_have_text(re.compile(re.escape(HOSTILE)))
    page.wait_for_function(PICTURE_IS_NOT, arg=before)
    assert "note=" not in page.url
    other = new_page()
    parts = re.match(r"(https?://[^/]+)(/runs/\w+)", page.url)
    assert parts
    site, path = parts.groups()
    other.goto(f"{site}/history")
    other.locator(f"a[href='{path}']").first.click()
    expect(listed(other)).to_have_text(re.compile(re.escape(HOSTILE)))
    assert "GILScope" in other.title()
    listed(other).get_by_role("button", name="Edit the note").click()
    write(other, "here it stalls")
    expect(listed(other)).to_contain_text("here it stalls")
    page.reload()
    expect(listed(page)).to_contain_text("here it stalls")
    listed(page).get_by_role("button", name="Remove the note: here it stalls").click()
    expect(listed(page)).to_have_count(0)
    other.reload()
    expect(other.locator(".labels li.lane")).to_have_count(3)
    expect(other.locator(".own-notes")).to_be_hidden()


def test_a_button_writes_one_at_what_is_selected_and_the_address_says_which_was_chosen(page: Page) -> None:
    address = page.url.split("?")[0]
    page.goto(f"{address}?select=0.25-0.3")
    page.get_by_role("button", name="Note", exact=True).click()
    write(page, "early")
    expect(listed(page)).to_have_count(1)
    page.goto(f"{address}?select=1.5-1.8&window=1-2")
    expect(listed(page)).to_have_count(1)
    page.get_by_role("button", name="Note", exact=True).click()
    write(page, "late")
    expect(listed(page)).to_have_text([re.compile("1 250 ms.*early"), re.compile("2 1.50 s.*late")])
    listed(page).nth(0).get_by_role("button", name="1 250 ms").click()
    page.wait_for_url(re.compile(r"window=0-1&.*note=[0-9a-f]{8}$"))
    assert "early" not in page.url
    chosen = page.url
    page.goto("about:blank")
    page.goto(chosen)
    expect(listed(page).nth(0)).to_have_attribute("aria-current", "true")
    page.goto(f"{address}?window=1-2&note={chosen.rsplit('=', 1)[1]}")
    expect(listed(page).nth(0)).to_have_attribute("aria-current", "true")
    page.wait_for_url(re.compile(r"window=1-2&"))


def test_a_form_that_is_left_leaves_nothing(page: Page) -> None:
    page.keyboard.press("n")
    page.get_by_label(re.compile("Note at")).fill("never mind")
    page.keyboard.press("Escape")
    expect(page.locator(".own-notes")).to_be_hidden()
    page.keyboard.press("n")
    expect(page.get_by_label(re.compile("Note at"))).to_have_value("")


def test_whoever_looks_at_a_file_reads_them_and_is_offered_no_change(
    page: Page, browser: Browser, site: Site, tmp_path: Path
) -> None:
    page.keyboard.press("n")
    write(page, "to be seen")
    expect(listed(page)).to_have_count(1)
    run = re.search(r"/runs/(\w+)", page.url)
    assert run
    file = tmp_path / "run.html"
    export = f"http://{site.host}:{site.port}/api/v1/runs/{run[1]}/export?format=html"
    file.write_bytes(httpx.get(export, headers=site.bearer, verify=NO_TLS, timeout=30).content)
    with browser.new_context() as context:
        opened = context.new_page()
        opened.goto(file.as_uri())
        expect(listed(opened)).to_contain_text("to be seen")
        expect(listed(opened).get_by_role("button")).to_have_count(1)
        expect(opened.get_by_role("button", name="Note", exact=True)).to_have_count(0)
        opened.keyboard.press("n")
        expect(opened.locator(".own-notes form")).to_be_hidden()
