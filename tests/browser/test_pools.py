"""Pools of threads: how many of their threads are at work, beneath the table of threads."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .steps import start, tab


def test_a_pool_is_told_with_its_threads_and_what_waits_for_them(page: Page) -> None:
    start(page, "async-blocking", seconds="20", **{"'params.where'": "to_thread"})
    tab(page, "Threads")
    panel = page.get_by_role("tabpanel", name="Threads")
    row = panel.locator(".pools tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("th")).to_have_text("blocking")
    expect(row.locator(".number").first).to_have_text("1")
    expect(row.locator(".number").nth(2)).to_have_text(re.compile(r"\d %$"))
    expect(row.locator(".number").nth(3)).to_have_text("0")
    expect(row.locator(".states")).to_contain_text("sleep")
    courses = panel.locator(".pools .courses")
    expect(courses.locator(".chart h3")).to_contain_text(["blocking: threads", "blocking: tasks waiting"])
    expect(courses.locator(".chart canvas")).to_have_count(2)
