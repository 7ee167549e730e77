"""Open the pages in a real browser, with nothing in its cache and then again: what each loads, and how soon.

    python tools/page_weight.py [--times 5] [--home DIR]

Of each page are told its requests and their bytes (as they came, headers included; a socket's messages are no
request), cold and warm, the first contentful paint and the load event, in milliseconds since the navigation,
medians and the most of several times. Bytes of data are told apart: what the interface answers is as long as
the run, the history or the list of processes that is shown. The run on view is a real one of three seconds,
unless DIR holds one. Ends with status 1 where a page asks for more than 15 things, has more than 300 kB cold
or 10 kB warm without data, or where its first paint came later than 500 ms, its load later than a second
(medians, cold).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from lab import Lab, lab
from playwright.sync_api import Browser, Page, sync_playwright

from bench.page_loads import loaded

CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
MOST_REQUESTS, MOST_COLD, MOST_WARM = 15, 300_000, 10_000
PAINTED_MS, LOADED_MS = 500.0, 1000.0


def weigh(browser: Browser, server: Lab, path: str, times: int, verbose: bool) -> bool:
    """Print what a page weighs; whether it is as light and as quick as it should be."""
    cold, warm, paints, loads = [], [], [], []
    for _ in range(times):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        _let_in(context.new_page(), server)
        sizes, paint, load = loaded(context, f"http://{server.host}{path}")
        cold.append(sizes)
        paints.append(paint)
        loads.append(load)
        again, _, _ = loaded(context, f"http://{server.host}{path}")
        # What is served from the cache takes no bytes, and is no request to the server.
        warm.append({name: size for name, size in again.items() if size})
        context.close()
    requests = max(len(sizes) for sizes in cold)
    cold_bytes, warm_bytes = (max(_of_the_page(sizes) for sizes in each) for each in (cold, warm))
    data = max(sum(sizes.values()) - _of_the_page(sizes) for sizes in cold)
    print(
        f"{path[:28]:28} {requests:3} requests {cold_bytes / 1000:7.1f} kB cold, {warm_bytes / 1000:6.1f} kB "
        f"warm in {max(map(len, warm))}, {data / 1000:5.1f} kB of data, "
        f"paint {_spread(paints)}, load {_spread(loads)}"
    )
    if verbose:
        for name, size in cold[-1].items():
            print(f"    {size / 1000:7.1f} kB cold, {warm[-1].get(name, 0) / 1000:6.1f} kB warm  {name}")
    return (
        requests <= MOST_REQUESTS
        and cold_bytes <= MOST_COLD
        and warm_bytes <= MOST_WARM
        and statistics.median(paints) <= PAINTED_MS
        and statistics.median(loads) <= LOADED_MS
    )


def _of_the_page(sizes: dict[str, float]) -> float:
    """The bytes that are the page: without what the interface answers, which is as long as what is shown."""
    return sum(size for address, size in sizes.items() if "/api/" not in address)


def _let_in(page: Page, server: Lab) -> None:
    """By a file that no page loads, so that nothing of one is in the cache."""
    page.goto(server.entrance("/static/icon.svg"))
    page.close()


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ms ({max(values):.0f} at the most)"


def _run_of(server: Lab) -> str:
    """The id of a run that has ended: of one that there is, else of a new one."""
    found = server.ask("runs?limit=1")["runs"]
    if found:
        return str(found[0]["id"])
    run_id = server.ask("runs", {"workload": "convoy", "seconds": 3})["id"]
    while server.ask(f"runs/{run_id}")["state"] in ("starting", "running"):
        time.sleep(0.1)
    return str(run_id)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--verbose", action="store_true", help="each request, too")
    chosen = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as folder,
        lab(GILSCOPE_DATA_DIR=str(chosen.home or folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        run_id = _run_of(server)
        print(f"load {os.getloadavg()[0]:.1f}")
        pages = (
            "/",
            f"/runs/{run_id}",
            "/history",
            "/compare",
            f"/compare?runs={run_id},{run_id}",
            "/memory",
        )
        light = [
            weigh(browser, server, path, chosen.times, chosen.verbose)
            for path in (*pages, "/processes", "/docs", "/teach", "/teach/15/convoy", "/teach/follow")
        ]
        browser.close()
    return 0 if all(light) else 1


if __name__ == "__main__":
    sys.exit(main())
