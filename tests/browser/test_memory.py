"""Heap, collector and pages of real runs, and the page of the memory manager."""

from __future__ import annotations

import re
import sys
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from .conftest import Site
from .steps import LIVE, api, go_on, start, tab

# The pixels of the map that have no colour of the ground, read from a copy.
DRAWN_POOLS = """() => {
  const map = document.querySelector(".map canvas");
  const copy = new OffscreenCanvas(map.width, map.height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(map, 0, 0);
  const {data} = copy.getImageData(0, 0, map.width, map.height);
  const ground = getComputedStyle(map.closest(".panel")).backgroundColor.match(/\\d+/g).map(Number);
  let drawn = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== ground[0] || data[i + 1] !== ground[1] || data[i + 2] !== ground[2]) drawn += 1;
  }
  return drawn;
}"""
A_SIZE = re.compile(r"[\d.]+ [KMG]iB")


def test_the_heap_is_mapped_while_somebody_looks(page: Page) -> None:
    """The map comes with the panel, follows the heap, and says of each pool what it holds."""
    start(page, "fragmentation", seconds="8")
    tab(page, "Heap")
    panel = page.get_by_role("tabpanel", name="Heap")
    expect(panel.locator(".map canvas")).to_be_visible()
    page.wait_for_function(f"() => ({DRAWN_POOLS})() > 500")
    expect(panel.locator(".facts")).to_contain_text(re.compile(r"pymalloc.*Arenas\d+, \d", re.DOTALL))
    expect(panel.locator(".classes tbody tr").first).to_contain_text("16 B")
    expect(panel.locator(".cost")).to_contain_text(re.compile(r"Read at [\d.]+ s, in [\d.]+ m?s.*of a core"))

    panel.locator(".map canvas").hover(position={"x": 1, "y": 1})
    tip = panel.locator(".map .tip")
    expect(tip).to_contain_text(
        re.compile(r"(blocks of \d+ B: (about )?[\d,]+ of \d+ in use|free|never carved)")
    )
    expect(tip).to_contain_text(re.compile(r"pool 1 of \d+ · 0x[0-9a-f]+arena 1 · 0x[0-9a-f]+"))

    by_size = page.evaluate("() => document.querySelector('.map canvas').toDataURL()")
    panel.get_by_role("button", name="Fullness").click()
    page.wait_for_function(
        "before => document.querySelector('.map canvas').toDataURL() !== before", arg=by_size
    )
    expect(panel.locator(".pinned")).to_contain_text(re.compile(r"\d+ arenas have at most a tenth"))
    expect(panel.locator(".pinned")).to_contain_text(A_SIZE)

    expect(page.locator(".badge")).to_have_text("finished")
    expect(page.locator(".brief")).to_contain_text("arenas")
    tab(page, "Overview")
    page.locator(".brief button").first.click()
    found = page.locator(".finding").first
    expect(found).to_contain_text("heap-fragmented")
    expect(found.locator(".advice")).to_contain_text("What could be done")


def test_the_collector_has_a_lane_and_its_counts(page: Page) -> None:
    start(page, "reference-cycles", seconds="60")
    expect(page.locator(".labels .collector")).to_be_visible()
    tab(page, "Collector")
    panel = page.get_by_role("tabpanel", name="Collector")
    expect(panel.locator(".sentence")).to_contain_text(re.compile(r"\d+ collections?, "))
    expect(panel.locator("tbody tr").first).to_contain_text(re.compile(r"\d+ of [\d,]+"))
    go_on(page, 1)
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    summary = api(page, urlsplit(page.url).path + "/summary")
    tab(page, "Collector")
    first = panel.locator("tbody tr").first.locator("td").nth(1)
    expect(first).to_have_text(f"{summary['gc'][0]['collections'][0]:,}")

    # Somewhere on the lane lies a pause, and the tip tells its generation and its length.
    # The click on the tab may have scrolled the lane out of sight.
    lane = page.locator(".labels .collector")
    lane.evaluate("lane => lane.scrollIntoView({block: 'center', behavior: 'instant'})")
    row = lane.bounding_box()
    plot = page.locator("canvas.plot").bounding_box()
    assert row
    assert plot
    tip = page.locator(".timeline .tip")
    for x in range(2, int(plot["width"]), 4):
        page.mouse.move(plot["x"] + x, row["y"] + row["height"] / 2)
        page.wait_for_function("() => document.body.dataset.idle === 'true'")
        if "generation" in tip.inner_text():
            break
    assert re.search(r"generation \w+[\d.]+ (µs|ms|s) from [\d. ]+ s", tip.inner_text().replace("\n", ""))


def test_every_process_has_its_pages_on_one_chart(page: Page) -> None:
    start(page, "copy-on-write", seconds="60", workers="1")
    tab(page, "Memory")
    panel = page.get_by_role("tabpanel", name="Memory")
    expect(panel.locator(".sizes tbody tr")).to_have_count(2)
    expect(panel.locator(".chart.processes canvas")).to_be_visible()
    expect(panel.locator(".chart.processes .reading")).to_have_count(2)
    cells = panel.locator(".sizes tbody tr").first.locator("td")
    expect(cells.first).to_have_text(re.compile(r"[\d.]+ m?s"))  # when the process was walked
    for column in range(1, 5):
        expect(cells.nth(column)).to_have_text(A_SIZE)
    expect(panel.locator(".together")).to_contain_text(
        re.compile(r"The 2 processes have .+ in sum, but take")
    )
    expect(panel.locator(".mappings section")).to_have_count(2)
    pymalloc = panel.locator(".mappings section").first.locator("tr", has_text="pymalloc")
    expect(pymalloc.locator("td").first).to_have_text(A_SIZE)


@pytest.fixture
def ladder(page: Page, site: Site) -> Page:
    page.goto(f"http://{site.host}:{site.port}/memory")
    page.locator("#ladder-python").select_option(sys._base_executable)  # type: ignore[attr-defined]
    page.get_by_role("button", name="Start").click()
    expect(page.locator(LIVE)).to_be_visible()
    expect(page.locator("[data-action=allocate]")).to_be_enabled()
    return page


SYSTEM = """() => [...document.querySelectorAll("[data-rung=system] .facts > div")].map((fact) => [
  fact.querySelector("dt").textContent, fact.querySelector("dd").textContent.split("→").at(-1).trim()])"""
WATCH_SYSTEM = f"""() => {{
  globalThis.seen = [];
  new MutationObserver(() => seen.push(({SYSTEM})())).observe(
    document.querySelector("[data-rung=system]"), {{childList: true, subtree: true}});
}}"""


def test_what_was_read_before_a_press_is_not_set_beside_what_came_of_it(ladder: Page) -> None:
    ladder.wait_for_function(f"() => Object.fromEntries(({SYSTEM})()).USS?.includes('MiB')")
    ladder.evaluate(WATCH_SYSTEM)
    ladder.locator("[data-action=free-all]").click()
    expect(ladder.locator(".climb .what")).to_contain_text("Freed all")
    ladder.wait_for_function(f"() => Object.fromEntries(({SYSTEM})()).USS?.includes('MiB')")
    told = [dict(facts) for facts in ladder.evaluate("() => seen")]
    after = [facts for facts in told if facts["RSS"] != "–"]
    assert {facts["USS"] for facts in after} > {"–"}
    for facts in after:
        assert facts["USS"] == "–" or float(facts["USS"].split()[0]) <= float(facts["RSS"].split()[0]) + 1


def test_a_button_moves_the_rungs_of_the_ladder(ladder: Page) -> None:
    page = ladder
    page.locator("[data-action=free-all-but-one]").click()
    expect(page.locator(".climb .what")).to_contain_text(re.compile(r"Freed [\d,]+ objects and kept [\d,]+"))
    objects = page.locator("[data-rung=objects]")
    expect(objects).to_have_class(re.compile("moved"))
    expect(objects.locator(".before").first).to_have_text(re.compile(r"[\d,.]+ k? ?→"))
    # RSS has hardly fallen, and the page says why, with numbers.
    expect(page.locator(".climb .because")).to_contain_text(
        re.compile(r"MiB of objects went, and RSS fell by .+ arenas have at most a tenth")
    )
    page.wait_for_function(f"() => ({DRAWN_POOLS})() > 500")

    page.locator("[data-action=free-all]").click()
    expect(page.locator(".climb .what")).to_contain_text("Freed all")
    expect(page.locator("[data-rung=system]")).to_have_class(re.compile("moved"))
    expect(page.locator(".climb .because")).to_be_empty()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".climb .badge")).to_have_text("stopped")
    expect(page.locator("[data-action=collect]")).to_be_disabled()


def test_a_ladder_ends_when_its_page_is_left(ladder: Page, site: Site) -> None:
    run = (ladder.locator(".climb .whole").get_attribute("href") or "").removeprefix("/runs/")
    ladder.goto(f"http://{site.host}:{site.port}/runs/{run}")
    expect(ladder.locator(".badge")).to_have_text("stopped")


def test_one_s_own_lines_are_stepped_through(page: Page, site: Site) -> None:
    page.goto(f"http://{site.host}:{site.port}/memory")
    page.get_by_label("Lines to step through").fill("a = ['<b>']\nb = a\nb.append(a)\ndel a\n")
    page.get_by_role("button", name="Step through").click()
    graph = page.locator(".object-graph")
    expect(graph.locator(".lines li")).to_have_count(4)
    # They were followed as they came; now they are gone through by hand.
    graph.focus()
    page.keyboard.press("Home")
    expect(graph.locator(".at")).to_have_text("step 1 of 4")
    expect(graph.locator("svg .name text")).to_have_text(["a"])
    expect(graph.locator("svg")).to_contain_text("<b>")
    graph.get_by_role("button", name="Next").click()
    expect(graph.locator("svg .name text")).to_have_count(2)
    # Two names, one object: both arrows lead to the only list.
    expect(graph.locator("svg .object", has_text="list")).to_have_count(1)
    graph.focus()
    page.keyboard.press("End")
    expect(graph.locator(".at")).to_have_text("step 4 of 4")
    expect(graph.locator("svg .name text")).to_have_text(["b"])
    graph.get_by_text("The objects of this step").click()
    expect(graph.locator("tbody tr").first).to_contain_text(re.compile(r"list\d+ B[12]0x[0-9a-f]+"))


def test_languages_stand_side_by_side_in_a_table(page: Page, site: Site) -> None:
    page.goto(f"http://{site.host}:{site.port}/memory#languages")
    table = page.locator(".languages table").first
    for language in ("CPython", "free-threaded CPython", "Java", "C++"):
        expect(table.get_by_role("columnheader", name=language, exact=True)).to_be_visible()
    expect(table.get_by_role("rowheader", name="Who frees an object")).to_be_visible()


def test_what_malloc_trim_gave_back_stands_beside_what_was_foretold(page: Page, site: Site) -> None:
    page.goto(f"http://{site.host}:{site.port}/memory")
    lesson = page.locator(".trim-lesson")
    trim = lesson.get_by_role("button", name="malloc_trim(0)")
    expect(trim).to_be_disabled()
    lesson.get_by_role("button", name="Fill and free").click()
    expect(trim).to_be_enabled()
    expect(lesson.locator(".said")).to_contain_text(re.compile(r"would give back [\d.]+ MiB of it"))
    trim.click()
    expect(lesson.locator(".said")).to_contain_text(re.compile(r"Foretold was [\d.]+ MiB.*RSS fell by"))
    expect(trim).to_be_disabled()
    run = (lesson.locator(".whole").get_attribute("href") or "").removeprefix("/runs/")
    [row] = api(page, f"/runs/{run}/summary")["trims"]
    bars = lesson.locator(".beside-bar")
    expect(bars.nth(0)).to_contain_text(f"Foretold{row['foretold'] / 2**20:.1f} MiB")
    expect(bars.nth(1)).to_contain_text(f"RSS fell by{row['given_back'] / 2**20:.1f} MiB")
    expect(lesson.locator(".badge")).to_have_text("finished")
