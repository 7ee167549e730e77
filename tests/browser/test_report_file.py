"""A run as one HTML file: it opens from a file, has the page's timeline and panels, and asks for nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support.made import Made, observation

from app.exporters import html_page
from app.lab.export import exporter_of
from app.model.frames import encode
from app.runs.timeline import TimelineWriter, level_for


class Kept(Made):
    """With the timeline that an archive has of it."""

    def timeline(self, bins: int) -> dict:
        writer = TimelineWriter(None)
        for number, message in enumerate(self.told):
            writer.feed(message, encode(message, number), number)
        end_us = 40 * 50_000
        level = level_for(0, end_us, bins)
        window = writer.view([level]).window(level, 0, end_us)
        writer.close()
        return window


@pytest.mark.parametrize("whole", [True, False], ids=["its messages", "shares alone"])
def test_it_opens_from_a_file_and_asks_for_nothing(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
):
    if not whole:
        monkeypatch.setattr(html_page, "_DATA_BYTES", 0)
    made = observation()
    path = tmp_path / "made.html"
    path.write_bytes(b"".join(exporter_of("html").export(Kept(**vars(made)))))
    assert path.stat().st_size < html_page.MOST_BYTES
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        expect(page.locator(".title .badge")).to_have_text("finished")
        expect(page.locator(".figure[data-figure=held]")).to_contain_text("100")
        page.keyboard.press("f")
        row = page.locator(".labels li", has_text="worker-2").bounding_box()
        plot = page.locator("canvas.plot").bounding_box()
        page.mouse.move(plot["x"] + plot["width"] / 3, row["y"] + row["height"] / 2)
        expect(page.locator(".legend [data-state=sleep] .share")).to_have_text(re.compile("^100"))
        expect(page.locator(".timeline .tip")).to_contain_text("sleep" if whole else "shares of time")
        page.get_by_role("tab", name="Threads").click()
        expect(page.get_by_role("tabpanel").first).to_contain_text("worker-1")
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert complaints == []
