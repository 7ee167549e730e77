"""Make the pictures in README.md: real runs of a real server, in both themes.

    python tools/screenshots.py [WORKLOAD]

It starts a server on a free port and Chromium before it, runs the workload (convoy unless told), waits until
the timeline's window is full, and writes docs/images/lab-light.png and lab-dark.png; then the same of its
panel of waits, waits-light.png and waits-dark.png.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Literal

from lab import lab
from playwright.sync_api import Browser, Error, ViewportSize, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
SIZE: ViewportSize = {"width": 1440, "height": 900}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SECONDS = "20"
# The convoy spends its first fifth without computing threads: when the window is first full it shows both.
FULL_AT_S = 10
PATIENCE_MS = 60_000


def pictures(browser: Browser, address: str, workload: str, theme: Literal["light", "dark"]) -> list[Path]:
    """A live run of the workload in a theme, and its waits, as files."""
    page = browser.new_page(viewport=SIZE, color_scheme=theme, device_scale_factor=2)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.locator(f"[data-name={workload}] summary").click()
    form = page.locator(f"#launch-{workload}")
    form.locator("[name=seconds]").fill(SECONDS)
    form.locator("[type=submit]").click()
    page.locator(f"[data-name={workload}] summary").click()
    page.wait_for_function(f"() => parseFloat(document.querySelector('.elapsed')?.textContent) > {FULL_AT_S}")
    paths = [IMAGES / f"{name}-{theme}.png" for name in ("lab", "waits")]
    page.screenshot(path=paths[0])
    page.get_by_role("tab", name="Waits").click()
    page.locator(".matrix").first.wait_for()
    page.get_by_role("tabpanel", name="Waits").screenshot(path=paths[1])
    page.locator(".badge[data-state=finished]").wait_for()
    page.close()
    return paths


def main() -> None:
    """Both themes, one run each."""
    workload = sys.argv[1] if len(sys.argv) > 1 else "convoy"
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    IMAGES.mkdir(parents=True, exist_ok=True)
    try:
        with lab() as here, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
            for theme in THEMES:
                print(*pictures(browser, here.address, workload, theme), sep="\n")
            browser.close()
    except Error as error:
        raise SystemExit(f"Chromium could not make the picture: {error}") from None


if __name__ == "__main__":
    main()
