"""What a real browser gives to a page that another port serves: nothing of this server's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from .conftest import TOKEN, Site
from .steps import import_made


class Neighbour(ThreadingHTTPServer):
    """Another program of this machine, at any address and a port of its own; keeps each request's headers."""

    def __init__(self) -> None:
        super().__init__(("0.0.0.0", 0), Answers)
        self.headers: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: Neighbour

    def do_GET(self) -> None:
        self.server.headers.append(str(self.headers))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>neighbour</title>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def neighbour() -> Iterator[Neighbour]:
    with Neighbour() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_page_of_another_port_gets_no_cookie(new_page: Callable[..., Page], neighbour: Neighbour) -> None:
    page = new_page(tolerate="404")
    assert page.context.cookies()
    for host in ("127.0.0.1", "localhost"):
        for _ in range(2):  # the second time it is of the same site
            page.goto(f"http://{host}:{neighbour.server_port}/")
        page.evaluate("fetch('/again', {credentials: 'include'})")
    assert len(neighbour.headers) >= 6
    assert "cookie" not in "".join(neighbour.headers).lower()


def test_neither_cookie_nor_address_holds_the_token(new_page: Callable[..., Page]) -> None:
    page = new_page()
    [cookie] = page.context.cookies()
    assert TOKEN not in str(cookie)
    assert cookie["httpOnly"]
    assert TOKEN not in page.url
    assert "code" not in page.url


@pytest.mark.parametrize(
    "what", ["fetch('{}/api/v1/runs')", "new WebSocket('{}/api/v1/runs/x/stream'.replace('http', 'ws'))"]
)
def test_a_page_of_another_port_reads_nothing(
    new_page: Callable[..., Page], site: Site, neighbour: Neighbour, what: str
) -> None:
    page = new_page(tolerate=".")
    page.goto(f"http://127.0.0.1:{neighbour.server_port}/")
    tried = what.format(f"http://{site.host}:{site.port}")
    got = page.evaluate(
        f"""async () => {{
            const it = {tried};
            if (it instanceof WebSocket) return new Promise((done) => {{
                it.onopen = () => done('open'); it.onerror = () => done('refused');
            }});
            return it.then(() => 'open', () => 'refused');
        }}"""
    )
    assert got == "refused"


def test_a_used_address_opens_the_form_in_another_browser_and_the_token_lets_it_in(
    new_page: Callable[..., Page], browser: Browser, site: Site
) -> None:
    address = site.address()
    new_page().goto(address)
    context = browser.new_context()
    other = context.new_page()
    asked: list[Request] = []
    other.on("request", lambda request: asked.append(request))  # noqa: PLW0108  playwright takes no builtin
    other.goto(address)
    expect(other.get_by_role("heading")).to_have_text("GILScope does not know this browser")
    other.get_by_label("Or give the token").fill("not the token")
    other.get_by_role("button", name="Enter").click()
    expect(other.get_by_role("alert")).to_have_text("That is not this server's token.")
    # It has its look, and asks for nothing else: no file of the server is given to strangers.
    assert other.locator(".top").evaluate("e => getComputedStyle(e).display") == "flex"
    assert [request.url for request in asked if "/static/" in request.url] == []
    other.get_by_label("Or give the token").fill(TOKEN)
    other.get_by_role("button", name="Enter").click()
    expect(other.get_by_role("heading", name="Watch the GIL of a real process")).to_be_visible()
    context.close()


def test_a_link_to_a_time_of_a_run_leads_there_past_the_form(
    page: Page, browser: Browser, site: Site
) -> None:
    asked = f"{import_made(page, 'linked')}?window=0.5-1.5&select=0.75-1"
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(asked)
        other.get_by_label("Or give the token").fill("not the token")
        other.get_by_role("button", name="Enter").click()
        expect(other.get_by_role("alert")).to_be_visible()
        other.get_by_label("Or give the token").fill(TOKEN)
        other.get_by_role("button", name="Enter").click()
        expect(other.locator(".selection")).to_contain_text("Selected 0.750 to 1.000 s")
        expect(other).to_have_url(asked)


def test_a_link_from_another_page_brings_a_known_browser_in(
    new_page: Callable[..., Page], site: Site, neighbour: Neighbour
) -> None:
    page = new_page(tolerate="401")
    page.goto(f"http://127.0.0.1:{neighbour.server_port}/")
    page.evaluate(f"location.href = 'http://{site.host}:{site.port}/processes'")
    expect(page.get_by_role("heading", name="Processes")).to_be_visible()
