"""A long stored run: its page is sent its last messages alone, and asks for what comes on view."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from browser.conftest import TOKEN, Site
from playwright.sync_api import Page, expect
from support.made import observation

from app.model.frames import Frame, Report, encode

SLICES = 1200
LUMPS = 12  # of a mebibyte each, so that the recording has more members than a page is sent


@pytest.fixture
def long_run(site: Site) -> str:
    """The path of the page of such a run."""
    made = observation(SLICES, 0)
    told = []
    for message in made.told:
        told.append(message)
        if isinstance(message, Frame) and message.end_us % (SLICES // LUMPS * 50_000) == 0:
            told.append(Report(message.end_us, {"filler": "x" * (1 << 20)}))
    lines = "\n".join(encode(message, number) for number, message in enumerate(told)) + "\n"
    api = f"http://{site.host}:{site.port}/api/v1/runs"
    with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
        client.delete(f"{api}/made")
        answer = client.post(f"{api}/import", content=lines.encode())
        assert answer.status_code == 201, answer.text
    return f"/runs/{answer.json()['id']}"


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
    row = page.locator(".labels li", has_text="worker-0").bounding_box()  # the legend's lines have moved it
    y = row["y"] + row["height"] / 2
    page.mouse.move(x + 1, y)
    expect(page.locator(".timeline .tip")).to_contain_text("20.0 ms")
    page.mouse.click(x + 1, y)
    expect(page.locator(".slice")).to_contain_text("worker-0")
