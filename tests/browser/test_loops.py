"""Event loops: how late one is, the function that blocks it, and the way from a step to the timeline."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .steps import start, tab


def test_a_blocked_loop_is_told_with_the_function_and_its_steps_are_found_on_the_timeline(page: Page) -> None:
    start(page, "async-blocking", seconds="20")
    tab(page, "Loops")
    panel = page.get_by_role("tabpanel", name="Loops")
    loop = panel.locator(".lags tbody tr").first
    expect(loop).to_contain_text("asyncio")
    expect(loop.locator(".number").last).to_have_text(re.compile(r"\d+ (ms|s)$"))
    block = panel.locator(".blocks tbody tr").filter(has_text="_sleep_ms")
    expect(block.locator(".place")).to_have_text(re.compile(r"async_blocking\.py:\d+$"))
    expect(block.locator(".state")).to_contain_text("sleep")
    step = panel.locator(".steps tbody tr").first
    expect(step).to_contain_text("_sleep_ms")
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    step.get_by_role("button").click()
    expect(page.locator(".buttons .span")).not_to_have_text("10.0 s")
