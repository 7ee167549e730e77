"""Who makes whom wait, and where: the panels of waits and of functions, of real runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from .steps import LIVE, PICTURE, PICTURE_IS_NOT, RUN_PAGE, api, elapsed, go_on, start, tab

LENGTH = re.compile(r"[\d.]+ (µs|ms|s)$")


def convoy(page: Page, **fields: str) -> None:
    """A run of which the computing threads have begun to be in the way."""
    start(page, "convoy", **fields)
    page.wait_for_function(
        "() => parseFloat(document.querySelector('[data-figure=contended] .value').textContent) > 50"
    )


def rows(part: Locator) -> Locator:
    return part.locator("tbody tr")


def test_a_convoy_is_told_by_functions_and_by_threads(page: Page) -> None:
    convoy(page, seconds="90")
    tab(page, "Functions")
    hot = page.locator(".hot")
    expect(rows(hot).first).to_contain_text("count_down")
    expect(rows(hot).first).to_contain_text(re.compile(r"cpu_bound\.py:\d+"))
    expect(rows(hot).first.locator(".caption").first).to_have_text(re.compile(r"\d\d\.\d %|100 %"))

    tab(page, "Waits")
    matrix = page.locator(".matrix").first
    expect(matrix.get_by_role("columnheader", name="io-1")).to_be_visible()
    expect(matrix.get_by_role("rowheader", name="cpu-1")).to_be_visible()
    expect(matrix.locator(".cell[title*='io-1 waited']").first).to_have_text(LENGTH)
    io = rows(page.locator(".histograms")).filter(has_text="io-1")
    expect(io.locator(".bars").first).to_have_attribute("aria-label", re.compile(r"median .+ longest"))
    expect(page.locator("[data-longest=waits]").locator("tbody tr")).to_have_count(10)

    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    summary = api(page, urlsplit(page.url).path + "/summary")
    tab(page, "Waits")
    blamed = {row["blamed"]["name"] for row in summary["longest_waits"] if row["blamed"]}
    shown = rows(page.locator("[data-longest=waits]")).all_inner_texts()
    assert all(any(name in row for row in shown) for name in blamed)


def test_a_long_wait_leads_to_its_place_on_the_timeline(page: Page) -> None:
    convoy(page, seconds="20")
    tab(page, "Waits")
    waits = rows(page.locator("[data-longest=waits]"))
    expect(waits.locator("button.link").first).to_be_enabled()
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    before = page.evaluate(PICTURE)
    at, length, name, wait = within(waits, elapsed(page))
    wait.get_by_role("button").click()
    page.wait_for_function(PICTURE_IS_NOT, arg=before)
    # A third of the view is the wait itself; a short one stands in 50 ms.
    shown = seconds(page.locator(".buttons .span").inner_text())
    assert shown == pytest.approx(max(0.05, 3 * length), rel=0.02)
    expect(page.locator(".timeline")).to_be_in_viewport()
    # In the middle of the view the thread waits, as it was said to.
    row = page.locator(".labels .lane", has_text=name).bounding_box()
    plot = page.locator("canvas.plot").bounding_box()
    assert row
    assert plot
    page.mouse.move(plot["x"] + plot["width"] / 2, row["y"] + row["height"] / 2)
    tip = page.locator(".timeline .tip")
    expect(tip).to_contain_text("waiting")
    when = re.search(r"at ([\d.]+) (\d+) s$", tip.inner_text())
    assert when
    assert at <= float(when[1] + when[2]) <= at + length + 0.001


def within(waits: Locator, end: float) -> tuple[float, float, str, Locator]:
    """The first wait with as much of the run before and after it: when, how long, whose, and its row."""
    for row in waits.all():
        at, length, name = row.locator("td").all_inner_texts()[:3]
        begin, span = seconds(at), seconds(length)
        if begin > span + 0.05 and begin + 2 * span + 0.05 < end:
            return begin, span, name, row
    raise AssertionError(f"each wait stands at the border of the run: {waits.all_inner_texts()}")


def seconds(text: str) -> float:
    *value, unit = text.removeprefix("≥ ").split()
    return float("".join(value)) * {"µs": 1e-6, "ms": 1e-3, "s": 1}[unit]


def test_the_flame_graph_is_zoomed_searched_and_walked(page: Page) -> None:
    start(page, seconds="60")
    tab(page, "Functions")
    expect(page.locator(".functions .flame .frame")).to_have_count(0)
    expect(page.locator(".hot tbody tr").first).to_contain_text("count_down")
    page.get_by_role("button", name="Refresh").click()
    frames = page.locator(".functions .flame .frame")
    expect(frames.first).to_have_text("all looks")
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    go_to = frames.filter(has_text="_work").first
    before = frames.count()
    go_to.click()
    expect(go_to).to_be_focused()
    assert go_to.evaluate("frame => frame.offsetWidth") == frames.first.evaluate("frame => frame.offsetWidth")
    expect(page.locator(".functions .flame .frame.caller").first).to_be_visible()

    page.keyboard.press("ArrowUp")
    expect(page.locator(".functions .flame .frame:focus")).not_to_have_text("_work")
    page.get_by_role("button", name="Whole graph").click()
    expect(frames).to_have_count(before)

    page.get_by_role("searchbox", name="Search functions").fill("count_down")
    expect(page.locator(".functions .flame .frame.found").first).to_have_text("count_down")
    expect(page.locator(".functions .flame .reading")).to_contain_text(
        re.compile(r"“count_down”: [\d.]+ % of all looks")
    )

    page.locator(".functions").get_by_text("As a list").click()
    expect(page.locator(".functions .as-list li").first).to_contain_text("100 %")


def test_one_s_own_lines_run_and_say_what_they_print(page: Page) -> None:
    page.locator("button.own").click()
    panel = page.locator("#script")
    panel.get_by_label("Python source").fill(
        "import os, time\ntime.sleep(0.5)\nprint('workers:', os.environ['GILSCOPE_WORKERS'])\n"
    )
    panel.locator("[name=workers]").fill("3")
    panel.get_by_role("button", name="Run this code").click()
    expect(page).to_have_url(RUN_PAGE)
    expect(page.locator(".badge")).to_have_text("finished")
    expect(page.locator(".output pre")).to_have_text("workers: 3\n")
    expect(panel).to_be_hidden()
    page.locator("button.own").click()
    expect(panel.get_by_label("Python source")).to_have_value(re.compile("time.sleep"))


def test_lines_that_fail_say_how(page: Page) -> None:
    page.locator("button.own").click()
    page.get_by_label("Python source").fill("raise RuntimeError('no way')")
    page.get_by_role("button", name="Run this code").click()
    expect(page.locator(".title .of")).to_contain_text("exit status 1")
    expect(page.locator(".output pre")).to_contain_text("RuntimeError: no way")


def test_badges_say_why_a_measure_is_not_exact(page: Page) -> None:
    """Before 3.15 CPython does not publish its collector's pauses: they are sampled."""
    start(page, seconds="60", python=sys._base_executable)  # type: ignore[attr-defined]
    badge = page.locator(".badges li", has_text="collector")
    expect(badge).to_contain_text("inferred")
    badge.focus()
    expect(badge.locator(".why")).to_be_visible()
    expect(badge).to_have_attribute("aria-label", re.compile(r"^collector inferred: .+"))


def test_events_are_marked_on_the_timeline(page: Page) -> None:
    start(page, "cpu-bound", seconds="60", executor="processes", workers="1")
    expect(page.locator(".labels .collector")).to_have_count(2)
    go_on(page)
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    row = page.locator(".labels .process").first.bounding_box()
    plot = page.locator("canvas.plot").bounding_box()
    assert row
    assert plot
    found = find_mark(page, plot["x"], plot["width"], row["y"] + row["height"] / 2)
    assert re.search(r"(forked|stopping|exited) · pid \d+", found)


def find_mark(page: Page, left: float, width: float, y: float) -> str:
    """What the tip says where the pointer first meets a mark."""
    tip = page.locator(".timeline .tip")
    for x in range(0, int(width), 4):
        page.mouse.move(left + x, y)
        page.wait_for_function("() => document.body.dataset.idle === 'true'")
        if tip.is_visible():
            return tip.inner_text()
    raise AssertionError("no event is marked in the row of the process")


def test_tabs_are_reached_by_keys(page: Page) -> None:
    start(page, "io-bound", seconds="60", workers="1")
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Threads")).to_be_focused()
    expect(page.locator(".panel.threads")).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator(".panel.result")).to_be_visible()
    expect(page.locator(".panel.threads")).to_be_hidden()
    expect(page.locator(LIVE)).to_be_visible()


def test_the_process_panel_shows_what_was_started(new_page: Callable[..., Page]) -> None:
    page = new_page()
    start(page, "io-bound", seconds="60", workers="1")
    tab(page, "Process")
    expect(page.locator(".started")).to_contain_text("app.workloads run io-bound")
    limits = re.compile(r"memory [\d.]+ GiB of each process, by rlimit; 4,096 processes and threads")
    expect(page.locator(".started")).to_contain_text(limits)
    expect(page.locator(".tree tbody tr").first).to_contain_text(re.compile(r"CPython 3\.\d+"))
