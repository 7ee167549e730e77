"""What a page says where there is nothing to show: not yet, not any more, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, WebSocketRoute, expect

from .conftest import Site
from .steps import import_made


def test_an_unknown_run_has_a_page_that_leads_to_the_history(
    new_page: Callable[..., Page], site: Site
) -> None:
    page = new_page(tolerate="404")
    page.goto(f"http://{site.host}:{site.port}/runs/nobody")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name="Look in the history").click()
    expect(page).to_have_url(re.compile("/history$"))


def test_a_run_of_which_nothing_has_come_says_what_is_waited_for(page: Page) -> None:
    address = import_made(page, "waiting")
    held: list[WebSocketRoute] = []

    def hold(socket: WebSocketRoute) -> None:
        held.append(socket)

    page.route_web_socket(re.compile("/stream"), hold)
    page.goto(address)
    expect(page.locator(".under .note")).to_contain_text("Waiting for the run: its program is being started")
    assert len(held) == 1


def test_a_list_says_that_it_is_looking_and_then_that_there_is_nothing(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/processes*", hold)
    page.get_by_role("link", name="Processes").click()
    expect(page.locator("p.none")).to_have_text("Looking for Python processes …")
    held[0].fulfill(json={"schema": 1, "processes": []})
    expect(page.locator("p.none")).to_have_text("No other Python process runs on this machine.")


def test_a_search_that_finds_no_run_says_so(page: Page) -> None:
    page.get_by_role("link", name="History").click()
    page.get_by_role("searchbox").fill("no run is called like this")
    expect(page.locator("p.none")).to_have_text("No run matches.")
    expect(page.locator("thead")).to_be_hidden()
