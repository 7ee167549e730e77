"""A run that has ended is played again on its own page, and its address brings a viewer back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support import recorded

from .steps import PUT, choose_a_view, figure, import_file, tab


@pytest.fixture
def page(new_page: Callable[..., Page], tmp_path: Path) -> Page:
    """The page of a run of 12 seconds, whose RSS grows by a mebibyte a second from ten."""
    page = new_page()
    page.goto(import_file(page, recorded.write(tmp_path / "made.jsonl", seconds=12)))
    expect(page.get_by_role("group", name="Replay")).to_be_visible()
    return page


def put(page: Page, seconds: float) -> None:
    page.get_by_role("slider", name="Playhead").evaluate(PUT, seconds * 1e6)
    expect(page.locator(".then")).to_contain_text(f"as they were at {seconds:.3f} s")


def test_figures_panels_and_map_follow_the_playhead(page: Page) -> None:
    whole = figure(page, "rss")
    put(page, 4)
    assert figure(page, "rss") == "14.0 MiB"
    tab(page, "Heap")
    in_use = page.get_by_role("tabpanel", name="Heap").locator(".classes tbody tr").first.locator("td").first
    expect(in_use).to_have_text("1")
    put(page, 11)
    expect(in_use).to_have_text("3")
    put(page, 6)
    expect(in_use).to_have_text("2")
    assert figure(page, "rss") == "16.0 MiB"
    page.get_by_role("button", name="Leave replay").click()
    expect(page.locator(".then")).to_be_hidden()
    assert figure(page, "rss") == whole


def test_it_plays_to_the_end_and_pauses_on_the_way(page: Page) -> None:
    put(page, 1)
    page.get_by_label("Speed").select_option("0.1")
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("button", name="Pause", exact=True).click()
    at = page.locator(".player .at")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert 1 <= float(at.inner_text().split()[0]) < 11
    page.get_by_label("Speed").select_option("100")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(at).to_have_text(re.compile(r"^12\.000 s on"))
    assert figure(page, "rss") == "22.0 MiB"


def test_an_address_brings_back_window_panel_slice_and_playhead(page: Page) -> None:
    put(page, 4)
    choose_a_view(page)
    expect(page).to_have_url(re.compile(r"tab=waits&window=[\d.]+-[\d.]+&at=4&slice=\d@[\d.]+$"))
    url, slice_text = page.url, page.locator(".slice h3").text_content()
    page.goto("about:blank")
    page.goto(url)
    expect(page.locator(".then")).to_contain_text("as they were at 4.000 s")
    expect(page.get_by_role("tabpanel", name="Waits")).to_be_visible()
    expect(page.locator(".slice h3")).to_have_text(slice_text or "")
    assert page.url == url
