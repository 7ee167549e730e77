"""Lanes are filtered, ordered, pinned and folded; keys go among slices; the address brings it all back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.made import PID, SLICE_US

from app.model.frames import Counters, End, Frame, Hello, Message, Names, Process, encode
from app.model.states import RUNNING, WAITING

from .steps import import_file, import_made, walk_slices


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """The page of a run that has ended: worker-0 and worker-1 take turns, worker-2 sleeps."""
    page = new_page()
    page.goto(import_made(page, "lanes"))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    lanes_are(page, "worker-0", "worker-1", "worker-2")
    return page


def lanes_are(page: Page, *names: str) -> None:
    expect(page.locator(".labels li.lane .name")).to_have_text(list(names))


def test_threads_are_filtered_by_name_state_and_idleness(page: Page) -> None:
    tools = page.get_by_role("group", name="Lanes")
    expect(tools).to_be_hidden()  # three lanes need none
    page.keyboard.press("/")
    search = tools.get_by_role("searchbox")
    expect(search).to_be_focused()
    search.fill("worker-1")
    lanes_are(page, "worker-1")
    expect(tools.locator(".count")).to_have_text("1 of 3 threads")
    search.fill("waiting")
    lanes_are(page, "worker-0", "worker-1")
    search.press("Escape")
    tools.get_by_role("button", name="Show all").click()
    lanes_are(page, "worker-0", "worker-1", "worker-2")
    expect(tools).to_be_hidden()

    page.keyboard.press("/")
    tools.get_by_label("Hide idle").check()
    lanes_are(page, "worker-0", "worker-1")
    tools.get_by_label("Order of the threads").select_option("waiting")
    page.wait_for_url(re.compile(r"\?order=waiting&idle=hidden$"))
    page.reload()
    expect(tools.get_by_label("Hide idle")).to_be_checked()
    expect(page.locator(".labels li.lane")).to_have_count(2)


def test_a_lane_is_pinned_and_a_process_folded(page: Page) -> None:
    sleeper = page.locator(".labels li.lane", has_text="worker-2")
    sleeper.hover()
    sleeper.get_by_role("button", name="Pin worker-2").click()
    lanes_are(page, "worker-2", "worker-0", "worker-1")
    page.wait_for_url(re.compile(r"\?pinned=2$"))
    sleeper.get_by_role("button", name="Pin worker-2").click()
    lanes_are(page, "worker-0", "worker-1", "worker-2")

    fold = page.get_by_role("button", name="Threads of pid 4321")
    fold.press("Enter")
    lanes_are(page)
    expect(page.locator(".labels li.gil")).to_be_visible()
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(fold).to_be_focused()
    fold.press("Enter")
    lanes_are(page, "worker-0", "worker-1", "worker-2")


def of_many_threads(threads: int = 60) -> list[Message]:
    """A second, in which each has the GIL in turn, for a slice."""
    run = {"id": "many", "kind": "command", "name": "many", "params": {}}
    names = [[lane, PID, PID + lane, f"t-{lane:02}", 0] for lane in range(threads)]
    told: list[Message] = [
        Hello(0, 1_700_000_000.0, run, {"gil_hz": 1000}),
        Process(0, PID, None, ["python"], "3.13.0", False, True, 5000),
        Names(0, names, [[0, PID, 0]]),
    ]
    for number in range(20):
        lanes = [[lane, [RUNNING if lane == number else WAITING, SLICE_US]] for lane in range(threads)]
        start_us, end_us = number * SLICE_US, (number + 1) * SLICE_US
        told.append(Frame(start_us, end_us, 50, 0, 0, [[0, 1, [number, 1, SLICE_US]]], lanes))
        if number % 5 == 4:
            told.append(Counters(end_us, [[PID, end_us, 1 << 24, 1 << 24, 0, 0]]))
    return [*told, End(20 * SLICE_US, "finished", None, 0)]


def test_what_is_pinned_stays_in_sight_and_in_reach_while_the_other_lanes_scroll(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text("".join(encode(each, number) + "\n" for number, each in enumerate(of_many_threads())))
    page = new_page()
    page.goto(import_file(page, file) + "?pinned=7&counters=cpu")
    expect(page.locator(".labels li.lane")).to_have_count(60)
    scroller = page.locator(".scroller")
    scroller.evaluate("one => { one.scrollTop = one.scrollHeight; }")
    pinned = page.locator(".labels li.lane", has_text="t-07")
    counter = page.locator(".labels li.counter", has_text="CPU")
    expect(pinned).to_be_in_viewport(ratio=1)
    expect(counter).to_be_in_viewport(ratio=1)
    expect(page.locator(".labels li.lane", has_text="t-59")).to_be_in_viewport()
    expect(page.locator(".labels li.lane", has_text="t-08")).not_to_be_in_viewport()
    plot, label = page.locator("canvas.plot").bounding_box(), pinned.bounding_box()
    assert plot
    assert label
    page.mouse.click(plot["x"] + plot["width"] * 0.375, label["y"] + label["height"] / 2)
    expect(page.locator(".slice h3 b")).to_have_text("t-07")
    expect(page.locator(".legend .of")).to_contain_text("t-07")


def test_keys_zoom_move_and_go_among_slices(page: Page) -> None:
    span = page.locator(".timeline .buttons .span")
    expect(span).to_have_text("2.00 s")
    page.locator(".scroller").focus()
    page.keyboard.press("w")
    expect(span).to_have_text("1.33 s")
    page.keyboard.press("a")
    page.wait_for_url(re.compile("window="))
    page.keyboard.press("s")
    expect(span).to_have_text("2.00 s")

    walk_slices(page)
    page.keyboard.press("p")
    lanes_are(page, "worker-1", "worker-0", "worker-2")
    page.keyboard.press("f")  # a turn is 20 ms: at least 50 ms are shown around it
    expect(span).to_have_text(re.compile(r"^[56]\d\.\d ms$"))
    page.keyboard.press("F")
    expect(span).to_have_text("2.00 s")
    page.keyboard.press("Escape")
    expect(page.locator(".slice")).to_be_hidden()

    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Glossary")).to_be_visible()


def test_a_selected_time_has_its_figures_and_is_in_the_address(page: Page) -> None:
    plot = page.locator("canvas.plot")
    box = plot.bounding_box()
    assert box
    note = page.locator(".under .note")

    def drag(from_share: float, to_share: float, y: float) -> None:
        page.mouse.move(box["x"] + from_share * box["width"], y)
        page.mouse.down()
        page.mouse.move(box["x"] + to_share * box["width"], y, steps=4)
        page.mouse.up()

    drag(0.25, 0.5, box["y"] + 8)  # along the axis
    selection = page.locator(".selection")
    expect(selection).to_contain_text(re.compile(r"Selected 0\.5\d\d to 1\.00\d s, \d{3} ms"))
    expect(note).to_contain_text(re.compile(r"are of the time from 0\.5\d\d to 1\.00\d s"))
    expect(page.locator(".timeline .buttons .span")).to_have_text("2.00 s")  # the view stays
    page.wait_for_url(re.compile(r"\?select=0\.5\d*-1(\.0\d*)?$"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == page.url
    page.reload()
    expect(selection).to_be_visible()
    expect(note).to_contain_text("are of the time from 0.5")
    selection.get_by_role("button", name="Zoom to it").click()
    expect(page.locator(".timeline .buttons .span")).to_have_text(re.compile(r"^1\.\d\d s$"))

    page.locator(".scroller").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".slice")).to_be_visible()
    page.keyboard.press("m")  # a turn of 20 ms
    expect(selection).to_contain_text(re.compile(r", (19|20)(\.\d)? ms"))
    page.keyboard.press("Escape")
    expect(page.locator(".slice")).to_be_hidden()
    expect(selection).to_be_visible()
    page.keyboard.press("Escape")
    expect(selection).to_be_hidden()

    with_shift = plot.bounding_box()
    assert with_shift
    page.keyboard.down("Shift")
    drag(0.1, 0.2, with_shift["y"] + with_shift["height"] - 10)
    page.keyboard.up("Shift")
    expect(selection).to_be_visible()
    page.locator(".scroller").focus()
    page.keyboard.press("m")  # no slice is chosen: nothing to select instead
    expect(selection).to_be_visible()


def test_pointing_at_a_lane_makes_no_panel_anew(page: Page) -> None:
    """A pointer moves at every frame; only legend, tip and values beside the lanes are of where it is."""
    page.get_by_role("tab", name="Threads").click()
    page.evaluate(
        "() => { globalThis.changes = 0;"
        " const watch = new MutationObserver((all) => { globalThis.changes += all.length; });"
        " for (const part of document.querySelectorAll('.panels, .figures, .honesty'))"
        " watch.observe(part, {subtree: true, childList: true, characterData: true, attributes: true}); }"
    )
    plot = page.locator("canvas.plot").bounding_box()
    row = page.locator(".labels li.lane", has_text="worker-2").bounding_box()
    assert plot
    assert row
    for share in (0.3, 0.4, 0.5):
        page.mouse.move(plot["x"] + share * plot["width"], row["y"] + row["height"] / 2)
        page.wait_for_function("() => document.body.dataset.idle === 'true'")
    expect(page.locator(".legend .of")).to_contain_text("worker-2")
    assert page.evaluate("() => globalThis.changes") == 0


def test_pointing_lays_the_page_out_once_a_frame(page: Page) -> None:
    """A frame asks the page for sizes before it changes anything: else each question is one more layout."""
    plot = page.locator("canvas.plot").bounding_box()
    row = page.locator(".labels li.lane").first.bounding_box()
    assert plot
    assert row
    tip = page.locator(".timeline .tip")

    def point(step: int) -> None:
        page.mouse.move(plot["x"] + 40 + 7 * step, row["y"] + row["height"] / 2)
        page.wait_for_function("() => document.body.dataset.idle === 'true'")

    point(0)
    expect(tip).to_be_visible()  # its first width is asked for
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def layouts() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "LayoutCount")

    before, moves = layouts(), 20
    for step in range(1, moves + 1):
        point(step)
    assert layouts() - before <= 1.5 * moves
