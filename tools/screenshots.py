"""Make the pictures in README.md and docs/cases: real runs of a real server, in both themes.

    python tools/screenshots.py [PICTURE]...

It starts a server on a free port and Chromium before it, and writes docs/images/PICTURE-light.png and
PICTURE-dark.png, of all pictures or of those that are named:

    lab      a live convoy, when the timeline's window is full; and its panel of waits
    heap     the map of a fragmented heap
    memory   the page of the memory manager, after all but one block in each pool were freed
    teach    a step of teaching, with the answer of a run that has just ended
    copies   the memory of children that read what they share: plain objects, and a buffer
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

from lab import lab
from playwright.sync_api import Error, Page, ViewportSize, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
SIZE: ViewportSize = {"width": 1440, "height": 900}
HIGH = 2400
MARGIN = 12
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SECONDS = "20"
COPYING_SECONDS = "12"
# The convoy spends its first fifth without computing threads: when the window is first full it shows both.
FULL_AT_S = 10
PATIENCE_MS = 60_000


def lab_pictures(page: Page, theme: str) -> None:
    """A live convoy, and its waits."""
    start(page, "convoy", SECONDS)
    seen_for(page, FULL_AT_S)
    page.screenshot(path=IMAGES / f"lab-{theme}.png")
    page.get_by_role("tab", name="Waits").click()
    page.locator(".matrix").first.wait_for()
    whole_panel(page, "Waits", f"waits-{theme}.png")
    page.locator(".badge[data-state=finished]").wait_for()


def heap_pictures(page: Page, theme: str) -> None:
    """A heap of which all but one block in each pool were freed."""
    start(page, "fragmentation", SECONDS)
    page.get_by_role("tab", name="Heap").click()
    page.get_by_role("button", name="Fullness").click()
    page.locator(".pinned", has_text="at most a tenth").wait_for()
    whole_panel(page, "Heap", f"heap-{theme}.png")
    page.locator(".stop").click()
    page.locator(".badge[data-state=stopped]").wait_for()


def memory_pictures(page: Page, theme: str) -> None:
    """The ladder, after a deed that moved most of its rungs."""
    page.get_by_role("link", name="Memory").click()
    page.get_by_role("button", name="Start").click()
    page.locator("[data-action=free-all-but-one]").click()
    page.locator(".because", has_text="at most a tenth").wait_for()
    page.locator(".map canvas").wait_for()
    page.screenshot(path=IMAGES / f"memory-{theme}.png")
    page.get_by_role("button", name="Stop").click()
    page.locator(".climb .badge[data-state=stopped]").wait_for()


def teach_pictures(page: Page, theme: str) -> None:
    """The chapter on starvation: its question, its run and the answer."""
    page.goto(urljoin(page.url, "/teach/13/starvation"))
    page.locator("button[data-act=run]").click()  # "Run again" where the theme before has run it
    page.locator(".picture .badge[data-state=running]").wait_for()
    page.locator(".picture .badge[data-state=finished]").wait_for()
    page.get_by_role("button", name="Show the answer").click()
    page.locator(".answer .says li").first.wait_for()
    page.screenshot(path=IMAGES / f"teach-{theme}.png")


def copies_pictures(page: Page, theme: str) -> None:
    """What becomes of pages that children share with their parent, by what lies in them."""
    for data in ("objects", "buffer"):
        page.goto(urljoin(page.url, "/"))
        start(page, "copy-on-write", COPYING_SECONDS, data=data)
        page.get_by_role("tab", name="Memory").click()
        page.locator(".badge[data-state=finished]").wait_for()
        page.locator(".panel.memory .part", has=page.locator(".processes")).screenshot(
            path=IMAGES / f"copies-{data}-{theme}.png"
        )


PICTURES = {
    "lab": lab_pictures,
    "heap": heap_pictures,
    "memory": memory_pictures,
    "teach": teach_pictures,
    "copies": copies_pictures,
}


def start(page: Page, workload: str, seconds: str, **params: str) -> None:
    """Run a workload by its form; `params` are its choices."""
    page.locator(f"[data-name={workload}] summary").click()
    form = page.locator(f"#launch-{workload}")
    form.locator("[name=seconds]").fill(seconds)
    for name, value in params.items():
        form.locator(f"[name='params.{name}']").select_option(value)
    form.locator("[type=submit]").click()
    page.locator(f"[data-name={workload}] summary").click()


def whole_panel(page: Page, name: str, file: str) -> None:
    """A picture of a panel on a screen so high that all of it is in sight."""
    page.set_viewport_size({**SIZE, "height": HIGH})
    panel = page.get_by_role("tabpanel", name=name)
    page.wait_for_function("panel => panel.scrollHeight <= panel.clientHeight", arg=panel.element_handle())
    box = panel.bounding_box()
    assert box
    end = panel.evaluate(
        "one => Math.max(...[...one.children].map((part) => part.getBoundingClientRect().bottom))"
    )
    page.screenshot(path=IMAGES / file, clip={**box, "height": end + MARGIN - box["y"]})
    page.set_viewport_size(SIZE)


def seen_for(page: Page, seconds: float) -> None:
    """Wait until a run has been seen for so long."""
    page.wait_for_function(f"() => parseFloat(document.querySelector('.elapsed')?.textContent) > {seconds}")


def main() -> None:
    """Each picture in both themes, of a run each."""
    wanted = sys.argv[1:] or list(PICTURES)
    if unknown := sorted(set(wanted) - set(PICTURES)):
        raise SystemExit(f"There is no picture {unknown[0]!r}; there are: {', '.join(PICTURES)}.")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    IMAGES.mkdir(parents=True, exist_ok=True)
    try:
        with lab() as here, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
            for name in wanted:
                for theme in THEMES:
                    page = browser.new_page(viewport=SIZE, color_scheme=theme, device_scale_factor=2)
                    page.set_default_timeout(PATIENCE_MS)
                    page.goto(here.entrance())
                    PICTURES[name](page, theme)
                    page.close()
                    print(name, theme)
            browser.close()
    except Error as error:
        raise SystemExit(f"Chromium could not make the picture: {error}") from None


if __name__ == "__main__":
    main()
