"""Open a recording of an hour in a real browser, cold, and zoom into it: how long that takes.

    python tools/long_page.py [--hours 1] [--times 5] [--home DIR]

The recording is a real one of ten seconds of 64 threads, told again and again (bench/long_runs.py). DIR keeps
it for the next time. Each time the browser is a new one with nothing in its cache. Opened is a page when its
figures are there and its timeline is drawn up to the left edge, counted from the navigation. Then it is
zoomed, by the wheel at random places, until ten seconds are on view; of each request for what is on view the
time is told from its beginning to the end of its answer. Ends with status 1 where the page took more than a
second, an answer more than 200 ms (medians), or the server more than 150 MB at any moment.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
from lab import Lab, lab
from playwright.sync_api import Browser, Page, sync_playwright

from bench.long_runs import THREADS, fill

CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
OPENED_MS, ANSWERED_MS, MOST_BYTES = 1000.0, 200.0, 150e6
SPAN_S = 10.0
NOTCH = 100
PATIENCE_MS = 30_000

# When it was opened, in milliseconds since the navigation; false until then.
OPENED = """
() => {
  const drawn = () => {
    const plot = document.querySelector("canvas.plot");
    const swatch = document.querySelector(".legend .swatch.waiting");
    const [r, g, b] = getComputedStyle(swatch).backgroundColor.match(/\\d+/g).map(Number);
    const copy = new OffscreenCanvas(plot.width, plot.height).getContext("2d", {willReadFrequently: true});
    copy.drawImage(plot, 0, 0);
    const {data} = copy.getImageData(0, 0, Math.max(1, plot.width / 50), plot.height);
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b) return true;
    }
    return false;
  };
  const at = performance.now();
  const there = /\\d/.test(document.querySelector("[data-figure=held] dd")?.textContent ?? "") &&
    performance.getEntriesByType("resource").some(({name}) => name.includes("/timeline?")) &&
    document.body.dataset.idle === "true";
  return there && drawn() && at;
}
"""
# The milliseconds of each request for what is on view since they were asked for last.
ANSWERS = """
() => {
  const asked = performance.getEntriesByType("resource")
    .filter(({name}) => /\\/(timeline|messages)\\?/.test(name))
    .map((asked) => [asked.name.match(/timeline|messages/)[0], asked.responseEnd - asked.requestStart]);
  performance.clearResourceTimings();
  return asked;
}
"""


def opened(browser: Browser, server: Lab, run_id: str) -> tuple[float, Page]:
    """How long the page took, in milliseconds, and the page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(server.entrance("/static/icon.svg"))  # lets the browser in, and loads nothing of the page
    page.goto(f"http://{server.host}/runs/{run_id}", wait_until="commit")
    return page.wait_for_function(OPENED, polling="raf").json_value(), page


def zoomed(page: Page, dice: random.Random) -> list[tuple[str, float]]:
    """What was asked for while the page was zoomed from all of the run to SPAN_S at a random place."""
    page.evaluate(ANSWERS)
    box = page.locator("canvas.plot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * dice.uniform(0.05, 0.95), box["y"] + box["height"] / 2)
    asked: list[tuple[str, float]] = []
    while _span_s(page) > SPAN_S:
        page.mouse.wheel(0, -4 * NOTCH)
        page.wait_for_load_state("networkidle")
        page.wait_for_function("() => document.body.dataset.idle === 'true'")
        asked += page.evaluate(ANSWERS)
    page.keyboard.press("f")
    return asked


def _span_s(page: Page) -> float:
    """The length of what is on view, as the page says it."""
    said, unit = page.locator(".timeline .buttons .span").inner_text().split()[:2]
    if ":" in said:
        minutes, seconds = said.split(":")
        return int(minutes) * 60.0 + int(seconds)
    return float(said) * {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}[unit]


def measure(home: Path, run_id: str, times: int) -> bool:
    """Prints what was found; whether it is as it should be."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    dice = random.Random(1)
    took: list[float] = []
    answers: dict[str, list[float]] = {}
    with lab(GILSCOPE_DATA_DIR=str(home)) as server, sync_playwright() as playwright:
        for _ in range(times):
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
            ms, page = opened(browser, server, run_id)
            took.append(ms)
            for kind, ms in (answer for _ in range(3) for answer in zoomed(page, dice)):
                answers.setdefault(kind, []).append(ms)
            browser.close()
        resident, most = _memory(server.pid)
    print(f"{THREADS} threads, load {os.getloadavg()[0]:.1f}")
    print("opened      ", _spread(took))
    for kind, times_ms in answers.items():
        print(f"{kind:12}", _spread(times_ms), f"in {len(times_ms)} answers")
    print(f"server       {resident / 1e6:.0f} MB resident, {most / 1e6:.0f} MB at the most")
    return (
        statistics.median(took) <= OPENED_MS
        and all(statistics.median(each) <= ANSWERED_MS for each in answers.values())
        and most <= MOST_BYTES
    )


def _memory(pid: int) -> tuple[int, int]:
    """VmRSS and VmHWM, in bytes."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    resident, most = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    assert abs(resident - psutil.Process(pid).memory_info().rss) < 16 << 20
    return resident, most


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ms, {max(values):.0f} at the most"


def _there(home: Path) -> Iterator[str]:
    for path in home.glob("recordings/*.jsonl.gz"):
        yield path.name.removesuffix(".jsonl.gz")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--home", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = chosen.home or Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        run_id = next(_there(home), None) or fill(home, chosen.hours * 3600)[0]
        return 0 if measure(home, run_id, chosen.times) else 1


if __name__ == "__main__":
    sys.exit(main())
