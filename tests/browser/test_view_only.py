"""What a browser shows whoever may only look: every run in full, and nothing to press that is refused."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from support.plain import NO_TLS

from .conftest import PATIENCE_MS, Site
from .steps import COUNT_STATES, tab

CHANGES = (
    "button.stop, button.again, a.change, [data-run], [data-action], [data-ladder], [data-trim], "
    "[type=submit], [type=file], select[id$=-python]"
)


@pytest.fixture
def looker(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of a session to look, which nothing of the server refuses, and which complains of nothing."""
    code = httpx.post(
        f"http://{site.host}:{site.port}/api/v1/codes?look=true", headers=site.bearer, verify=NO_TLS
    ).json()["code"]
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    page.goto(f"http://{site.host}:{site.port}/?code={code}")
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def run(site: Site) -> Iterator[str]:
    """A run of somebody who may start one."""
    with httpx.Client(
        base_url=f"http://{site.host}:{site.port}/api/v1", headers=site.bearer, verify=NO_TLS
    ) as client:
        run = client.post("/runs", json={"workload": "cpu-bound", "seconds": 60}).json()["id"]
        yield run
        client.post(f"/runs/{run}/stop")


def nothing_to_press(page: Page) -> None:
    """At one instant, since a live page replaces what it shows."""
    assert page.locator(CHANGES).filter(visible=True).all_inner_texts() == []


def test_who_may_only_look_sees_a_live_run_its_end_its_replay_and_its_exports(
    looker: Page, site: Site, run: str
) -> None:
    page = looker
    here = f"http://{site.host}:{site.port}"
    page.goto(f"{here}/runs/{run}")
    expect(page.locator(".badge[data-state=running]")).to_be_visible()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
    expect(page.get_by_text("View only")).to_be_visible()
    nothing_to_press(page)
    expect(page.get_by_role("button", name="Note", exact=True)).to_have_count(0)
    tab(page, "Threads")
    assert httpx.post(f"{here}/api/v1/runs/{run}/stop", headers=site.bearer, verify=NO_TLS).status_code == 200
    expect(page.locator(".badge[data-state=stopped]")).to_be_visible()
    nothing_to_press(page)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Leave replay")).to_be_enabled()
    saved = page.request.get(f"{here}/api/v1/runs/{run}/export?format=csv")
    assert saved.ok


def test_no_page_offers_who_may_only_look_what_would_be_refused(looker: Page, site: Site, run: str) -> None:
    page = looker
    for path, said in (
        ("/", "You may look at every run, and start none"),
        ("/memory", "You may look at every run, and start none"),
        ("/history", "View only"),
        ("/compare", "View only"),
    ):
        page.goto(f"http://{site.host}:{site.port}{path}")
        expect(page.get_by_text(said).first).to_be_visible()
        nothing_to_press(page)
        expect(page.get_by_text("Press a button")).to_have_count(0)
        expect(page.get_by_role("link", name="Processes")).to_have_count(0)
