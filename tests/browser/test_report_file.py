"""A run as one HTML file: it opens from a file, has the page's timeline and panels, and asks for nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support.made import Made, observation

from app.exporters import html_page
from app.lab.export import export, exporter_of
from app.model.frames import encode
from app.runs.archive import of_file
from app.runs.timeline import TimelineWriter, level_for
from app.runs.window import figures_of


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
        # The sheets of the page are all there: timeline and panels share one screen, as on the page.
        assert page.locator(".minimap .strip").bounding_box()["height"] < 30
        assert page.locator(".dock").bounding_box()["y"] < 700
        assert page.evaluate("document.documentElement.scrollHeight") <= 900
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


def test_it_opens_at_a_time_with_the_figures_of_it_and_of_others_says_that_they_are_not(
    browser: Browser, tmp_path: Path
):
    # GIVEN a file of a span of a run
    recording, path = tmp_path / "made.jsonl", tmp_path / "made.html"
    recording.write_text("".join(f"{line}\n" for line in observation(400).lines()))
    run, (from_us, to_us) = of_file(str(recording), tmp_path), (5_010_000, 6_230_000)
    path.write_bytes(b"".join(export(run, exporter_of("html"), (from_us, to_us))))
    switches = figures_of(run.recorded(), run.to_json(), from_us, to_us)["gils"][0]["switches_per_s"]
    assert round(switches, 1) != round(run.summary()["gils"][0]["switches_per_s"], 1)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        complaints = []
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        # THEN it shows the figures of that time, and says so
        note, tile = page.locator(".note").first, page.locator(".figure[data-figure=switches] .value")
        expect(note).to_contain_text("are of the time from 5.010 to 6.230 s")
        expect(page.locator(".figure[data-figure=switches]")).to_contain_text(f"{switches:.0f}")
        of_the_span = tile.text_content()
        # WHEN a hand zooms into another
        page.locator("canvas.plot").hover()
        page.mouse.wheel(0, -300)
        expect(note).to_contain_text("of the whole run, not of the time from")
        # AND to all of it
        page.keyboard.press("f")
        expect(note).to_contain_text("Over the whole run")
        assert tile.text_content() != of_the_span
    assert complaints == []
