"""What a person does on the pages, and what is seen there; shared by the tests."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect
from support.made import SLICE_US, observation
from support.plain import NO_TLS

from app.model.frames import Frame, Hello, Message, Report, encode
from app.model.states import HOLDER_UNKNOWN, UNKNOWN

from .conftest import Site

LIVE = ".badge[data-state=running]"
RUN_PAGE = re.compile(r"/runs/\w+$")
# The timeline's pixels, read from a copy: a canvas that is read often is drawn otherwise.
PIXELS = """
  const plot = document.querySelector("canvas.plot");
  const copy = new OffscreenCanvas(plot.width, plot.height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(plot, 0, 0);
  const {data} = copy.getImageData(0, 0, plot.width, plot.height);
"""
# How many of them have a state's colour, as the style sheet names it.
COUNT_STATES = (
    "() => {"
    + PIXELS
    + """
  const counts = {};
  for (const state of ["running", "waiting"]) {
    const swatch = document.querySelector(`.legend .swatch.${state}`);
    const [r, g, b] = getComputedStyle(swatch).backgroundColor.match(/\\d+/g).map(Number);
    counts[state] = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b) counts[state] += 1;
    }
  }
  return counts;
}"""
)
FIRST_PIXEL = "() => {" + PIXELS + "return data[0]; }"
PICTURE = "() => document.querySelector('canvas.plot').toDataURL()"
PICTURE_IS_NOT = "before => document.querySelector('canvas.plot').toDataURL() !== before"
# Put the playhead of a replay at an instant.
PUT = "(slider, us) => { slider.value = us; slider.dispatchEvent(new Event('input')); }"
HAS_LATER_FRAMES = "after => parseFloat(document.querySelector('.elapsed').textContent) > after"


def start(page: Page, workload: str = "cpu-bound", **fields: str) -> None:
    """Fill a workload's form and press its button; wait until its lanes are drawn."""
    page.locator(f"[data-name={workload}] summary").click()
    form = page.locator(f"#launch-{workload}")
    for name, value in fields.items():
        field = form.locator(f"[name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    form.get_by_role("button", name="Run with these").click()
    expect(page.locator(LIVE)).to_be_visible()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")


def elapsed(page: Page) -> float:
    page.wait_for_function(HAS_LATER_FRAMES, arg=0)
    return float(page.locator(".elapsed").inner_text().removesuffix(" s"))


def go_on(page: Page, seconds: float = 0.3) -> None:
    """Until the run has been seen to go on for so long."""
    page.wait_for_function(HAS_LATER_FRAMES, arg=elapsed(page) + seconds)


def figure(page: Page, name: str) -> str:
    return page.locator(f"[data-figure={name}] dd").first.inner_text().strip()


def api(page: Page, path: str) -> Any:
    """What the server says to this browser."""
    return page.evaluate("path => fetch('/api/v1' + path).then((answer) => answer.json())", path)


def tab(page: Page, name: str) -> None:
    """Bring a panel behind the timeline into view."""
    page.get_by_role("tab", name=name).click()
    expect(page.get_by_role("tabpanel", name=name)).to_be_visible()


def choose_a_view(page: Page) -> None:
    """A panel, a window and a slice: what the address then holds."""
    tab(page, "Waits")
    page.locator(".scroller").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    page.keyboard.press("Enter")
    expect(page.locator(".slice")).to_be_visible()


def import_file(page: Page, file: Path) -> str:
    """Have the server take in a recording; the address of its page."""
    return _import(page, file.read_text())


def walk_slices(page: Page) -> None:
    """By keys of a recording that was made: the first slice, the one after, back, and the thread below."""
    chosen, since = page.locator(".slice h3 b"), page.locator(".slice h3 .since")
    page.keyboard.press("Enter")
    expect(chosen).to_have_text("worker-0")
    first = since.inner_text()
    page.keyboard.press("]")
    expect(since).not_to_have_text(first)
    page.keyboard.press("[")
    expect(since).to_have_text(first)
    page.keyboard.press("}")
    expect(chosen).to_have_text("worker-1")


def import_made(page: Page, run_id: str) -> str:
    """The same of the made observation, as a run of that id: other tests import it too."""
    return _import_as(page, run_id, observation().told)


def import_thin(page: Page) -> str:
    """The same, of which every other slice was not seen: neither who held the GIL nor what any thread did."""
    told = [_unseen(each) if isinstance(each, Frame) else each for each in observation().told]
    return _import_as(page, "thin", told)


def _import_as(page: Page, run_id: str, messages: list[Message]) -> str:
    hello, *told = messages
    assert isinstance(hello, Hello)
    told.insert(0, replace(hello, run={**hello.run, "id": run_id}))
    return _import(page, "".join(encode(each, number) + "\n" for number, each in enumerate(told)))


def _unseen(frame: Frame) -> Frame:
    if frame.start_us // SLICE_US % 2:
        return frame
    length_us = frame.end_us - frame.start_us
    gils = [[gil, switches, [HOLDER_UNKNOWN, 0, length_us]] for gil, switches, _ in frame.gils]
    return replace(frame, gils=gils, lanes=[[lane, [UNKNOWN, length_us]] for lane, _ in frame.lanes])


def _import(page: Page, recording: str) -> str:
    run = page.evaluate(
        """async (body) => (await fetch("/api/v1/runs/import", {method: "POST", body})).json()""",
        recording,
    )
    assert "id" in run, run
    return f"{page.evaluate('location.origin')}/runs/{run['id']}"


def import_long(site: Site, run_id: str, slices: int = 1200) -> str:
    """Have the server take in a run of which a page is sent the last messages alone; the path of its page."""
    lumps = 12  # of a mebibyte each, so that the recording has more members than a page is sent
    told: list[Message] = []
    for message in observation(slices, 0).told:
        told.append(
            replace(message, run={**message.run, "id": run_id}) if isinstance(message, Hello) else message
        )
        if isinstance(message, Frame) and message.end_us % (slices // lumps * SLICE_US) == 0:
            told.append(Report(message.end_us, {"filler": "x" * (1 << 20)}))
    lines = "\n".join(encode(message, number) for number, message in enumerate(told)) + "\n"
    api = f"http://{site.host}:{site.port}/api/v1/runs"
    with httpx.Client(headers=site.bearer, timeout=60, verify=NO_TLS) as client:
        answer = client.post(f"{api}/import", content=lines.encode())
        assert answer.status_code in (201, 202), answer.text
        deadline_s = time.monotonic() + 60
        while client.get(f"{api}/{run_id}").json()["state"] == "importing":
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
    return f"/runs/{run_id}"
