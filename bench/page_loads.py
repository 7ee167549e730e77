"""What a page loads in a real browser, and how soon it is there."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import BrowserContext

# When it was painted first and when it was loaded, in milliseconds since the navigation; false until then.
TIMES = """
() => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const {loadEventEnd} = performance.getEntriesByType("navigation")[0];
  return paint !== undefined && loadEventEnd > 0 && [paint.startTime, loadEventEnd];
}
"""


def loaded(context: BrowserContext, address: str) -> tuple[dict[str, float], float, float]:
    """The bytes of each request of a page, by its address; its first paint and load, in milliseconds.

    Bytes are those that came over the line, with their headers: none of what the browser had. A socket is no
    request.
    """
    page = context.new_page()
    sizes: dict[str, float] = {}
    asked: dict[str, str] = {}
    session = context.new_cdp_session(page)
    session.send("Network.enable")

    def begun(event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            asked[event["requestId"]] = f"{event['request']['url']} #{len(asked)}"

    def ended(event: dict[str, Any]) -> None:
        if event["requestId"] in asked:
            sizes[asked[event["requestId"]]] = event["encodedDataLength"]

    session.on("Network.requestWillBeSent", begun)
    session.on("Network.loadingFinished", ended)
    page.goto(address)
    paint, load = page.wait_for_function(TIMES).json_value()
    page.wait_for_load_state("networkidle")
    page.close()
    return sizes, paint, load
