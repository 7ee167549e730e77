"""By keys alone: the run is a few stops away, and the catalogue's cards are gone over by the arrows."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .steps import import_made

MOST_STOPS = 25
FOCUSED = "() => document.activeElement.closest('.workload')?.dataset.name ?? null"


def stops_before_the_run(page: Page) -> int:
    page.evaluate("() => document.activeElement.blur()")
    for stops in range(MOST_STOPS + 1):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.closest('main') !== null"):
            return stops
    return MOST_STOPS + 1


def test_few_stops_lead_to_the_run(page: Page) -> None:
    assert 5 < stops_before_the_run(page) <= MOST_STOPS
    page.goto(import_made(page, "keys"))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    assert 5 < stops_before_the_run(page) <= MOST_STOPS


def test_arrows_go_over_the_cards_of_the_catalogue(page: Page) -> None:
    names = page.locator(".workload").evaluate_all("cards => cards.map((card) => card.dataset.name)")
    page.locator("#search").focus()
    while page.evaluate(FOCUSED) is None:
        page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == names[0]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == names[2]
    page.keyboard.press("ArrowRight")
    expect(page.locator(".workload .go:focus")).to_have_count(1)
    page.keyboard.press("ArrowUp")
    assert page.evaluate(FOCUSED) == names[1]
    page.keyboard.press("End")
    assert page.evaluate(FOCUSED) == names[-1]
    page.locator("#search").fill("convoy")
    page.keyboard.press("Tab")
    while page.evaluate(FOCUSED) is None:
        page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "convoy"
