"""An area is selected, of time and of threads; arrows and words tell who let whom have the GIL."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .steps import PIXELS, import_made, tab

# Those of the timeline that have the colour of its arrows, which nothing else has there.
ARROW_PIXELS = (
    "() => {"
    + PIXELS
    + """
  const probe = document.createElement("span");
  probe.style.color = "var(--ink)";
  document.body.append(probe);
  const [r, g, b] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count += 1;
  }
  return count;
}"""
)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """The page of a run that has ended: worker-0 and worker-1 take turns, worker-2 sleeps."""
    page = new_page(viewport={"width": 1440, "height": 1000})
    page.goto(import_made(page, "area"))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    expect(page.locator(".labels li.lane")).to_have_count(3)
    return page


def drag_over(page: Page, first: str, last: str) -> None:
    """Select the middle half of the time on view, of the threads from `first` to `last`."""
    plot = page.locator("canvas.plot").bounding_box()
    rows = [page.locator(".labels li.lane", has_text=name).bounding_box() for name in (first, last)]
    assert plot
    from_y, to_y = (row["y"] + row["height"] / 2 for row in rows if row)
    page.keyboard.down("Shift")
    page.mouse.move(plot["x"] + 0.25 * plot["width"], from_y)
    page.mouse.down()
    page.mouse.move(plot["x"] + 0.75 * plot["width"], to_y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")


def test_an_area_has_the_rows_of_its_threads(page: Page) -> None:
    drag_over(page, "worker-1", "worker-2")
    selection, note = page.locator(".selection"), page.locator(".under .note")
    expect(selection).to_contain_text(re.compile(r"Selected 0\.5\d* to 1\.5\d* s, 1\.0\d* s, 2 threads"))
    expect(note).to_contain_text("of the time from 0.5")
    expect(note).to_contain_text("of the 2 threads selected, the rest of all")
    tab(page, "Threads")
    names = page.locator(".threads tbody th")
    expect(names).to_have_text([re.compile("worker-1"), re.compile("worker-2")])
    page.wait_for_url(re.compile(r"\?tab=threads&select=0\.5\d*-1\.5\d*&threads=1-2"))

    page.reload()
    expect(selection).to_contain_text("2 threads")
    expect(names).to_have_count(2)
    tab(page, "Waits")
    waiting = page.locator("[data-longest=waits] tbody tr td:nth-child(3)")
    expect(waiting.first).to_have_text("worker-1")  # worker-2 only sleeps
    assert set(waiting.all_inner_texts()) == {"worker-1"}

    selection.get_by_role("button", name="Clear").click()
    tab(page, "Threads")
    expect(names).to_have_count(3)
    drag_over(page, "worker-0", "worker-2")  # all of them
    expect(selection).not_to_contain_text("thread")


def test_what_is_not_selected_is_dimmed(page: Page) -> None:
    drag_over(page, "worker-0", "worker-0")
    page.mouse.move(1, 1)
    colours = """(name) => {
      const plot = document.querySelector("canvas.plot");
      const labels = [...document.querySelectorAll(".labels li.lane")];
      const label = labels.find((one) => one.textContent.includes(name));
      const copy = new OffscreenCanvas(plot.width, plot.height).getContext("2d");
      copy.drawImage(plot, 0, 0);
      const top = label.getBoundingClientRect().top - plot.getBoundingClientRect().top;
      const middle = top + label.offsetHeight / 2;
      const {data} = copy.getImageData(0.3 * plot.width, middle, 0.4 * plot.width, 1);
      const colours = Array.from({length: data.length / 4}, (_, i) => data.slice(4 * i, 4 * i + 3).join());
      return [...new Set(colours)];
    }"""
    running = "0,158,115"
    page.wait_for_function(f"([name, rgb]) => !({colours})(name).includes(rgb)", arg=["worker-1", running])
    assert running in page.evaluate(colours, "worker-0")


def test_arrows_can_be_turned_off(page: Page) -> None:
    button = page.get_by_role("button", name="Arrows")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(f"() => ({ARROW_PIXELS})() === 0")  # a hundred turns are too many
    page.locator(".scroller").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("f")
    page.wait_for_function(f"() => ({ARROW_PIXELS})() > 20")
    page.keyboard.press("g")
    expect(button).to_have_attribute("aria-pressed", "false")
    page.wait_for_function(f"() => ({ARROW_PIXELS})() === 0")
    button.click()
    page.wait_for_function(f"() => ({ARROW_PIXELS})() > 20")
    page.locator(".scroller").focus()
    page.keyboard.press("g")
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "false")


def test_a_wait_says_who_held_the_lock_and_who_let_it_in(page: Page) -> None:
    page.locator(".scroller").focus()
    page.keyboard.press("Enter")
    state = page.locator(".slice h3 .state")
    if state.inner_text() != "waiting":  # worker-0 is the one or the other by turns
        page.keyboard.press("]")
    expect(state).to_have_text("waiting")
    expect(page.locator(".slice .turns")).to_have_text(
        re.compile(r"^Meanwhile the GIL was held by: .*worker-1 \d.*\. worker-1 let it in\.$")
    )
    page.keyboard.press("]")
    expect(state).not_to_have_text("waiting")
    expect(page.locator(".slice .turns")).to_be_hidden()
