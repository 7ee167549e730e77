"""A page of a run whose server says what is damaged, beside all that it has to say: over a real WebSocket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from .conftest import PATIENCE_MS, Site, served
from .steps import COUNT_STATES, LIVE, go_on, start

# Before each message, one time in three, goes a copy of it that is damaged, the same ones each time.
SERVER = """
import json, random
from app.runs import packet

whole = packet.framed
random = random.Random(12)
STRANGE = [None, True, -1, 0.5, 1e300, 2**53 - 1, 2**70, "", "x", [], {}, [[]], [None], {"a": []}]

def places(value):
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])

def damaged(text):
    if random.random() < 0.2:
        return text[: random.randrange(len(text))]
    message = json.loads(text)
    if random.random() < 0.1:
        message["type"] = random.choice(["unheard of", "__proto__", "constructor", 7])
        return json.dumps(message)
    # Half of it near the top, where a message is known by its fields.
    found = list(places(message))
    holder, key = random.choice(found if random.random() < 0.5 else [(message, key) for key in message])
    if isinstance(holder, dict) and random.random() < 0.2:
        del holder[key]
    else:
        holder[key] = random.choice(STRANGE)
    return json.dumps(message).replace("1e+300", "1e999")

packet.framed = lambda text: (whole(damaged(text)) if random.random() < 0.33 else b"") + whole(text)
from app.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def site_that_damages() -> Iterator[Site]:
    with served(["-c", SERVER]) as site:
        yield site


def test_damaged_messages_are_told_in_one_line_and_the_run_goes_on(
    browser: Browser, site_that_damages: Site
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(site_that_damages.address())
    start(page, "cpu-bound", seconds="4")
    said = page.locator(".damaged")
    expect(said).to_contain_text("messages from the server were damaged. They were left out")
    go_on(page, 1.0)
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    assert page.evaluate(f"({COUNT_STATES})().running") > 0
    assert 3.5 < float(page.locator(".elapsed").inner_text().removesuffix(" s")) < 6
    # Stored, and told once more: it opens as well.
    page.reload()
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
    for name in page.get_by_role("tab").all_inner_texts():
        page.get_by_role("tab", name=name).click()
    expect(page.locator(LIVE)).to_have_count(0)
    # Played again it counts on.
    counted = said.inner_text()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(".then")).to_be_visible()
    expect(said).not_to_have_text(counted)
    expect(said).to_contain_text("messages from the server were damaged. They were left out")
    # Side by side each tells of its own.
    run_id = page.url.partition("?")[0].rpartition("/")[2]
    page.goto(f"http://{site_that_damages.host}:{site_that_damages.port}/compare?runs={run_id},{run_id}")
    expect(page.locator(".head-of .badge[data-state=finished]")).to_have_count(2)
    for side in page.locator(".head-of .damaged").all():
        expect(side).to_contain_text("from the server were damaged. They were left out")
    context.close()


def test_a_page_of_a_whole_run_says_nothing_of_damage(page) -> None:
    start(page, "cpu-bound", seconds="2")
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    expect(page.locator(".damaged")).to_be_hidden()


def test_lessons_tell_of_damaged_messages(browser: Browser, site_that_damages: Site) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(site_that_damages.address("/memory"))
    for lesson, press in (
        ("climb", "Start"),
        ("trim-lesson", "Fill and free"),
        ("graph-lesson", "Step through"),
    ):
        page.locator(f".{lesson}").get_by_role("button", name=press, exact=True).click()
        expect(page.locator(f".{lesson} .damaged")).to_contain_text("damaged")
    context.close()
