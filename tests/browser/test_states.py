"""What a page says where there is nothing to show: not yet, not any more, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from .conftest import Site, served
from .steps import LIVE, import_made, import_thin, tab


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


@pytest.mark.parametrize("size", [(1280, 800), (400, 800)], ids=str)
def test_a_program_that_fails_shows_why_how_it_ended_and_all_that_was_seen(
    new_page: Callable[..., Page], size: tuple[int, int]
) -> None:
    page = new_page(viewport={"width": size[0], "height": size[1]})
    page.get_by_role("button", name="Your code").click()
    page.locator("#script textarea").fill(
        "import time\nend = time.time() + 1\nwhile time.time() < end: pass\nraise ValueError('of all')\n"
    )
    page.locator("#script").get_by_role("button", name=re.compile("^Run")).click()
    expect(page.locator(".badge[data-state=failed]")).to_have_text("failed")
    expect(page.locator(".failure")).to_be_visible()
    expect(page.locator(".title .of")).to_contain_text("exit status 1")
    expect(page.locator("[data-figure=held] .value")).to_have_text(re.compile(r"\d"))
    expect(page.get_by_role("tab", selected=True)).to_have_text("Result")
    expect(page.locator(".result .output pre")).to_contain_text("ValueError: of all")
    expect(page.locator(".again")).to_be_visible()


def test_a_run_of_which_too_little_was_seen_warns_at_its_head_and_says_what_helps(page: Page) -> None:
    page.goto(import_thin(page))
    expect(page.locator("p.thin")).to_contain_text("Only 50 % of the time was seen.")
    expect(page.locator("[data-figure=seen]")).to_have_class(re.compile("thin"))
    tab(page, "Findings")
    expect(page.locator(".found")).to_contain_text("observation-thin")
    page.get_by_text("The figures behind it").first.click()
    figures = page.locator(".finding", has_text="observation-thin").locator("details")
    seen = figures.locator("div", has=page.get_by_text("Time seen", exact=True))
    expect(seen).to_contain_text("50.0 %")
    assert [text for text in figures.locator("dt").all_inner_texts() if "_" in text] == []


def test_a_page_whose_server_is_gone_says_so_and_keeps_what_it_has(new_page: Callable[..., Page]) -> None:
    page = new_page(tolerate="ERR_|WebSocket connection")
    with served(["-m", "app"]) as own:
        page.goto(own.address())
        page.get_by_role("button", name="Run cpu-bound").first.click()
        expect(page.locator(LIVE)).to_be_visible()
        expect(page.locator("[data-figure=held] .value")).to_have_text(re.compile(r"\d"))
    expect(page.locator(".connection")).to_contain_text("Server not reachable, trying again in")
    expect(page.locator(".connection")).to_contain_text("open the one that it printed")
    # The sentence has a line of its own: what can be done with the run stays in sight.
    expect(page.locator(".title .copy-link")).to_be_in_viewport(ratio=1)
    assert page.locator("main").evaluate("main => main.scrollWidth <= main.clientWidth")
    expect(page.locator("[data-figure=held] .value")).to_have_text(re.compile(r"\d"))
    expect(page.locator(".labels .lane").first).to_be_visible()
    page.get_by_role("button", name="Run convoy").first.click()
    expect(page.locator("#notice")).to_be_visible()
