"""The figures and the panel that a run opens with are those of the question that it is looked at for."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from support import recorded

from .steps import LIVE, api, import_file, import_made, tab

# A workload of each question, its first figures, and the panel on view while it runs and once it has ended.
ASKED = [
    ("convoy", ["Held", "Contended", "GIL wait, p99"], "Waits", "Waits"),
    ("primes", ["Operations", "CPU"], "Overview", "Result"),
    ("lock-contention", ["Lock waiters", "Operations"], "Overview", "Result"),
    ("async-blocking", ["Loop lag, p99", "Loop blocked"], "Loops", "Loops"),
    ("leak", ["RSS", "Objects", "Collector"], "Memory", "Memory"),
]


@pytest.mark.parametrize(("workload", "figures", "live", "ended"), ASKED, ids=str)
def test_a_run_opens_with_what_answers_its_question(
    page: Page, workload: str, figures: list[str], live: str, ended: str
) -> None:
    page.get_by_role("button", name=f"Run {workload}").first.click()
    expect(page.locator(LIVE)).to_be_visible()
    expect(page.get_by_role("tab", selected=True)).to_have_text(live)
    shown = page.locator(".figure:visible")
    expect(shown.locator("dt")).to_have_count(8)
    for place, name in enumerate(figures):
        expect(shown.nth(place).locator("dt")).to_have_text(name)
        expect(shown.nth(place).locator(".value")).to_have_text(re.compile(r"\d"))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".badge")).to_have_text("stopped")
    expect(page.get_by_role("tab", selected=True)).to_have_text(ended)


def test_what_a_run_showed_is_told_where_it_opens_on_another_panel(page: Page) -> None:
    page.get_by_role("button", name="Run leak").first.click()
    expect(page.locator(LIVE)).to_be_visible()
    expect(page.locator(".answer")).to_be_hidden()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".answer")).to_contain_text("answers were stored")
    page.locator(".answer").get_by_role("button", name="Result").click()
    expect(page.get_by_role("tab", selected=True)).to_have_text("Result")
    expect(page.locator(".answer")).to_be_hidden()
    expect(page).to_have_url(re.compile("tab=result"))
    page.reload()
    expect(page.get_by_role("tab", selected=True)).to_have_text("Result")
    expect(page.locator(".figure:visible dt").first).to_have_text("RSS, peak")


def test_a_hand_chooses_against_the_question(page: Page) -> None:
    page.get_by_role("button", name="Run leak").first.click()
    tab(page, "Threads")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".badge")).to_have_text("stopped")
    expect(page.get_by_role("tab", selected=True)).to_have_text("Threads")


def test_a_run_that_asks_nothing_opens_on_what_it_reported(page: Page) -> None:
    page.goto(import_made(page, "asks-nothing"))
    expect(page.get_by_role("tab", selected=True)).to_have_text("Result")
    expect(page.locator(".figure:visible dt").first).to_have_text("Held")


def test_advice_that_is_a_setting_of_the_workload_is_a_button(page: Page) -> None:
    page.get_by_role("button", name="Run deadlock").first.click()
    expect(page.locator(LIVE)).to_be_visible()
    first = page.url
    finding = page.locator(".found .finding", has_text="deadlock")
    tab(page, "Findings")
    expect(finding.first).to_be_visible()
    finding.first.get_by_role("button", name="Run it so").click()
    page.wait_for_url(lambda url: "/runs/" in url and url.split("?")[0] != first.split("?")[0])
    expect(page.locator(LIVE)).to_be_visible()
    run = api(page, urlsplit(page.url).path)
    assert (run["workload"], run["params"]["order"]) == ("deadlock", "ranked")


def test_advice_that_any_workload_can_follow_is_a_button_too(page: Page, tmp_path: Path) -> None:
    """`primes` is there to show no finding; that the GIL is saturated is found of it as of any."""
    run = {"kind": "workload", "name": "primes", "executor": "threads", "workers": 2, "seconds": 20}
    page.goto(import_file(page, recorded.write(tmp_path / "primes.jsonl", seconds=6, run=run)))
    first = page.url
    tab(page, "Findings")
    finding = page.locator(".found .finding", has_text="gil-saturated")
    way = finding.locator(".fix", has_text="The same with processes")
    way.get_by_role("button", name="Run it so").click()
    page.wait_for_url(lambda url: "/runs/" in url and url.split("?")[0] != first.split("?")[0])
    expect(page.locator(LIVE)).to_be_visible()
    started = api(page, urlsplit(page.url).path)
    assert (started["workload"], started["executor"], started["workers"]) == ("primes", "processes", 2)
