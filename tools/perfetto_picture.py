"""Take the picture of docs/exports.md: a trace of a real run of `convoy`, opened in a real Perfetto.

python tools/perfetto_picture.py TRACE
"""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
opened = importlib.import_module("support.perfetto").opened

ZOOMED = 9
CLICKED_Y = 310  # in the row of a thread that computes


def main(trace: str) -> None:
    """Show the GIL and the threads for a moment from the middle of the run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with opened(browser, Path(trace).read_bytes(), viewport={"width": 1440, "height": 760}) as page:
            page.wait_for_timeout(3000)
            page.get_by_text("CPython").first.click()
            page.wait_for_timeout(1000)
            page.mouse.move(840, 400)
            for _ in range(ZOOMED):
                page.keyboard.press("w", delay=200)
            page.wait_for_timeout(500)
            page.mouse.click(840, CLICKED_Y)  # a slice: Perfetto draws the arrows of the one that is chosen
            page.wait_for_timeout(2500)
            page.screenshot(path=str(ROOT / "docs/images/export-perfetto.png"))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
