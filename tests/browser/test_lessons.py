"""What is said of a run beside its picture: as it happens, at its end, and against its mended variant."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from support.interpreters import FREE_THREADED, NEW, OLD

from .conftest import Site
from .steps import LIVE, RUN_PAGE, start, tab


def test_a_deadlock_is_drawn_and_named(page: Page) -> None:
    """Its threads stand still, so none of them is ever seen running for long."""
    page.locator("[data-name=deadlock] .go").click()
    expect(page).to_have_url(RUN_PAGE)
    graph = page.locator("figure.waits-for")
    expect(graph).to_have_class(re.compile("dead"))
    expect(graph.locator(".verdict")).to_contain_text(re.compile(r"Deadlock: .+ → .+ Found [\d.]+ m?s after"))
    expect(graph.locator("svg line.dead")).to_have_count(4)
    expect(graph.locator("svg g.dead")).to_have_count(4)
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    expect(page.locator(".finding").first).to_contain_text("deadlock")


def test_a_run_is_compared_with_its_mended_variant(page: Page) -> None:
    start(page, "leak", seconds="1.5")
    expect(page.locator(".badge")).to_have_text("finished")
    page.locator(".answer").get_by_role("button", name="Result").click()
    expect(page.locator(".showed li").first).to_have_text(re.compile(r"\d"))
    explained = page.locator(".explained")
    for heading in ("Why", "What helps", "The fixed version", "Background"):
        expect(explained.get_by_role("heading", name=heading)).to_be_visible()
    explained.get_by_role("button", name="Run both and compare").click()
    expect(page).to_have_url(re.compile(r"/compare\?runs=\w+$"))
    expect(page.locator("[data-run='1'] .waiting")).to_be_visible()
    # The second begins when the first has ended, and then the address names both.
    expect(page).to_have_url(re.compile(r"/compare\?runs=\w+,\w+$"))
    for index in range(2):
        expect(page.locator(f".head-of[data-run='{index}'] .badge")).to_have_text("finished")
        expect(page.locator(f".head-of[data-run='{index}'] .showed li").first).to_be_visible()
    peak = page.locator(".both tbody tr", has_text="Heap at the end")
    expect(peak.locator("td")).to_have_count(4)
    expect(page.locator(".differ tbody tr", has_text="limit").first).to_contain_text("2,000")
    assert page.locator(".charts canvas").count() >= 6
    expect(page.locator(".timeline.small .labels li").first).to_be_visible()
    assert page.evaluate("() => sessionStorage.length") == 0, "it is not started a second time"
    page.reload()
    expect(page.locator(".head-of[data-run='1'] .badge")).to_have_text("finished")


def test_runs_are_chosen_to_be_compared(page: Page, site: Site) -> None:
    for _ in range(2):  # of one alone there is nothing to choose
        start(page, seconds="2", workers="2")
        expect(page.locator(".badge")).to_have_text("finished")
        page.goto(f"http://{site.host}:{site.port}/")
    page.goto(f"http://{site.host}:{site.port}/compare")
    expect(page.locator("[name=a] option").first).to_be_attached()
    page.locator("[name=b]").select_option(index=0)
    page.locator("[name=a]").select_option(index=0)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".head-of .name")).to_have_text(["cpu-bound", "cpu-bound"])
    expect(page.locator(".both tbody tr", has_text="GIL held")).to_contain_text("The spread is not known")


def test_pictures_and_tables_of_a_result_are_shown(page: Page) -> None:
    start(page, "image-filter", seconds="2")
    expect(page.locator(".badge")).to_have_text("finished")
    picture = page.locator(".picture img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 10
    expect(picture).to_have_attribute("alt", re.compile(r"\w"))


def test_a_run_that_never_began_shows_why_and_nothing_else(page: Page) -> None:
    run = page.evaluate(
        "body => fetch('/api/v1/runs', {method: 'POST', body: JSON.stringify(body),"
        " headers: {'content-type': 'application/json'}}).then((answer) => answer.json())",
        {"command": ["/nothing/of/that/name"]},
    )
    page.goto(re.sub(r"/$", f"/runs/{run['id']}", page.url))
    expect(page.locator(".badge")).to_have_text("failed")
    expect(page.locator(".failure")).to_contain_text("/nothing/of/that/name")
    expect(page.locator(".figures")).to_be_hidden()
    expect(page.locator(".timeline")).to_be_hidden()
    expect(page.get_by_role("tab")).to_have_text(["Process", "Result"])


@OLD.needed()
@NEW.needed()
def test_an_executor_that_an_interpreter_lacks_is_greyed_out(page: Page) -> None:
    page.locator("[data-name=primes] summary").click()
    form = page.locator("#launch-primes")
    python = form.locator("[name=python]")
    versions = python.locator("option").evaluate_all(
        "all => all.filter((one) => !one.disabled).map((one) => [one.value, one.dataset.version])"
    )
    old = next(path for path, version in versions if int(version.split(".")[1]) < 13)
    option = form.locator("[name=executor] option[value=subinterpreters]")
    python.select_option(old)
    expect(option).to_be_disabled()
    expect(option).to_have_text(re.compile(r"subinterpreters \(needs CPython 3\.\d+ or later\)"))
    new = next(path for path, version in versions if int(version.split(".")[1]) >= 13)
    python.select_option(new)
    expect(option).to_be_enabled()
    expect(option).to_have_text("subinterpreters")


@pytest.mark.parametrize("python", FREE_THREADED.each()[:1])
def test_without_a_gil_threads_run_at_once(page: Page, python: str) -> None:
    """Figures and counters of a lock that is not there give way to the one that counts."""
    page.locator("[data-name=cpu-bound] summary").click()
    page.locator("#launch-cpu-bound [name=python]").select_option(python)
    page.locator("#launch-cpu-bound [type=submit]").click()
    expect(page.locator(LIVE)).to_be_visible()
    page.wait_for_function(
        "() => parseFloat(document.querySelector('[data-figure=running] .value').textContent) > 1"
    )
    expect(page.locator("[data-figure=held]")).to_be_hidden()
    page.locator(".timeline").get_by_role("button", name="Counters").click()
    counters = page.locator(".labels li.counter .title")
    expect(counters.filter(has_text="Running at once")).to_be_visible()
    expect(counters.filter(has_text="GIL use")).to_have_count(0)
    expect(page.locator(".look")).to_contain_text("This build has no GIL")
    # Of a run that has ended it is of the whole of it, as the other figures and the lanes are.
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    expect(page.locator(".under .note")).to_contain_text("Over the whole run")
    running = page.locator("[data-figure=running]")
    expect(running).to_have_attribute("title", re.compile("over the whole run"))
    assert float(running.locator(".value").inner_text()) > 1


@pytest.mark.parametrize("path", ["/", "/memory", "/compare", "/processes"])
def test_a_narrow_screen_is_enough(new_page: Callable[..., Page], site: Site, path: str) -> None:
    page = new_page(viewport={"width": 480, "height": 800})
    page.goto(f"http://{site.host}:{site.port}{path}")
    expect(page.locator("#main")).to_be_visible()
    assert page.locator("#main").evaluate("main => main.scrollWidth <= main.clientWidth")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_run_fits_a_narrow_screen(new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 480, "height": 800})
    start(page, "io-bound", seconds="60", workers="1")
    for name in ("Heap", "Collector", "Memory", "Findings"):
        tab(page, name)
        assert page.locator("#main").evaluate("main => main.scrollWidth <= main.clientWidth"), name


def test_what_scrolls_sideways_shows_at_which_edge_there_is_more(new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 400, "height": 800})
    start(page, "io-bound", seconds="60", workers="1")
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    tab(page, "Threads")
    table = page.locator(".threads > .wide")
    expect(table.locator("tbody tr").first).to_be_visible()
    table.evaluate("wide => { wide.firstElementChild.style.visibility = 'hidden' }")

    def edges(left: int) -> list[bytes]:
        table.evaluate("(wide, left) => { wide.scrollLeft = left }", left)
        table.scroll_into_view_if_needed()
        box = table.bounding_box()
        assert box is not None
        size = {"y": box["y"] + 1, "width": 4, "height": 4}
        return [page.screenshot(clip={"x": x, **size}) for x in (box["x"] + 1, box["x"] + box["width"] - 5)]

    at_start, at_end = edges(0), edges(10_000)
    assert at_start[0] == at_end[1], "there is nothing more"
    assert at_start[1] != at_start[0], "more on the right"
    assert at_end[0] != at_end[1], "more on the left"
