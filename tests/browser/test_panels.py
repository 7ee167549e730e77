"""The tabs come from the registry of panels: one more there has a tab, a section, and the run's state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from support import recorded

from .steps import PUT, import_file, tab

OWN = """
export const own = {
  key: "own",
  label: "Its own",
  question: "What the run's figures tell",
  create(section) {
    return { update: ({ figures }) => section.textContent = `up to ${(figures?.at_us ?? 0) / 1e6} s` };
  },
};
"""


@pytest.fixture
def site(site_of_sources: object) -> object:
    """The registry is a module of its own there."""
    return site_of_sources


def test_a_panel_is_one_module_and_a_place_in_one_list(new_page: Callable[..., Page], tmp_path: Path) -> None:
    page = new_page()

    def with_one_more(route: Route) -> None:
        text = route.fetch().text()
        listed = text.replace("export const PANELS = [", "export const PANELS = [\n  own,")
        route.fulfill(body=f'import {{ own }} from "./own.js";\n{listed}', content_type="text/javascript")

    page.route("**/panels/registry.js", with_one_more)
    page.route("**/panels/own.js", lambda route: route.fulfill(body=OWN, content_type="text/javascript"))
    page.goto(import_file(page, recorded.write(tmp_path / "made.jsonl", seconds=2)))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    keys = page.evaluate(
        """async () => (await import("/static/js/widgets/panels/registry.js")).PANELS.map(({key}) => key)"""
    )
    tabs = page.locator("[role=tab]").evaluate_all("tabs => tabs.map((tab) => tab.dataset.tab)")
    assert tabs == keys
    assert keys[0] == "own"
    tab(page, "Its own")
    expect(page.get_by_role("tabpanel", name="Its own")).to_have_text("up to 2 s")
    page.get_by_role("slider", name="Playhead").evaluate(PUT, 1_000_000)
    expect(page.get_by_role("tabpanel", name="Its own")).to_have_text("up to 1 s")


def test_the_overview_shows_the_busiest_threads_and_leads_on(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    page.goto(import_file(page, recorded.write(tmp_path / "made.jsonl", seconds=2, held=0.75)))
    tab(page, "Overview")
    rows = page.locator(".glance .of-threads tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("running 75.0 %")
    expect(rows.nth(1)).to_contain_text("waiting 75.0 %")
    page.get_by_role("button", name="All threads and their figures").click()
    expect(page.get_by_role("tabpanel", name="Threads")).to_be_visible()
