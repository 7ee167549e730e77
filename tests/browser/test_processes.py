"""The processes of the machine: found, attached to, let go of."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from .steps import COUNT_STATES, LIVE, RUN_PAGE, go_on

PROGRAM = """
import sys, threading
def spin():
    while True:
        sum(range(1000))
threading.Thread(target=spin, name="the-spinner", daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
MARK = "a-program-of-the-browser-tests"


@pytest.fixture
def target() -> Iterator[subprocess.Popen[str]]:
    """A program that was running before anybody looked at it."""
    command = [sys.executable, "-c", PROGRAM, MARK]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def list_page(new_page: Callable[..., Page]) -> Page:
    page = new_page(tolerate="404")  # what has gone is not found
    page.get_by_role("link", name="Processes").click()
    expect(page.get_by_role("link", name="Processes")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="Lab")).not_to_have_attribute("aria-current", "page")
    return page


def test_attach_watch_and_detach(list_page: Page, target: subprocess.Popen[str]) -> None:
    page = list_page
    page.get_by_role("searchbox").fill(f"{target.pid} {MARK}")
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("button", name=re.compile("Attach")).click()
    expect(page).to_have_url(RUN_PAGE)
    expect(page.locator(LIVE)).to_be_visible()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
    expect(page.locator(".labels .lane", has_text="the-spinner")).to_be_visible()
    go_on(page)
    page.get_by_role("button", name="Detach").click()
    expect(page.locator(".badge")).to_have_text("detached")
    assert target.poll() is None, "the program lives on"


def test_an_attached_run_is_called_by_its_program(list_page: Page, tmp_path: Path) -> None:
    page, program = list_page, tmp_path / "a_shop.py"
    program.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shop:
        try:
            assert shop.stdout
            assert shop.stdout.readline() == b"ready\n"
            page.get_by_role("searchbox").fill(str(shop.pid))
            page.locator("tbody tr").get_by_role("button", name=re.compile("Attach")).click()
            expect(page).to_have_url(RUN_PAGE)
            expect(page.locator(".title .name")).to_have_text("a_shop.py")
            expect(page.locator(".title .of")).to_contain_text(f"pid {shop.pid}")
            expect(page).to_have_title("a_shop.py · GILScope")
            page.get_by_role("button", name="Detach").click()
            expect(page.locator(".badge")).to_have_text("detached")
        finally:
            shop.kill()


def test_while_the_list_is_made_it_does_not_say_that_there_is_nothing(new_page: Callable[..., Page]) -> None:
    page, held = new_page(), []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/processes", hold)
    page.get_by_role("link", name="Processes").click()
    expect(page.locator(".none")).to_have_text("Looking for Python processes …")
    held[0].fulfill(json={"processes": []})
    expect(page.locator(".none")).to_have_text("No other Python process runs on this machine.")


def test_the_list_is_no_wider_than_a_small_screen(
    new_page: Callable[..., Page], target: subprocess.Popen[str]
) -> None:
    page = new_page(viewport={"width": 400, "height": 800})
    page.get_by_role("link", name="Processes").click()
    expect(page.locator("tbody tr", has_text=str(target.pid))).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_what_cannot_be_attached_to_says_why(list_page: Page) -> None:
    """A shell's sleep is no CPython: it is listed when others are wanted, without a button."""
    page = list_page
    with subprocess.Popen(["sleep", "60"]) as sleep:
        try:
            page.get_by_role("searchbox").fill(str(sleep.pid))
            expect(page.locator(".none")).to_be_visible()
            page.get_by_label("not only Python").check()
            row = page.locator("tbody tr", has_text="sleep")
            expect(row).to_be_visible()
            expect(row.get_by_role("button")).to_be_hidden()
            expect(row.locator(".why")).to_have_text(re.compile(r"\w+ \w+"))
        finally:
            sleep.kill()


def test_the_list_is_sorted_by_its_heads(list_page: Page, target: subprocess.Popen[str]) -> None:
    page = list_page
    expect(page.locator("tbody tr", has_text=str(target.pid))).to_be_visible()
    head = page.get_by_role("columnheader", name="pid")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("columnheader", name="CPU")).to_have_attribute("aria-sort", "none")
    attachable = page.locator("tbody tr:has(button:visible)")
    pids = [int(row.split()[0]) for row in attachable.all_inner_texts()]
    assert pids == sorted(pids, reverse=True)


def test_a_process_that_has_gone_is_said_to_be(list_page: Page, target: subprocess.Popen[str]) -> None:
    page = list_page
    page.get_by_role("searchbox").fill(f"{target.pid} {MARK}")
    button = page.locator("tbody tr").get_by_role("button")
    expect(button).to_be_visible()
    # Between two looks of the page the program ends.
    page.evaluate("() => Object.defineProperty(document, 'hidden', {value: true})")
    target.kill()
    target.wait()
    button.click()
    expect(page.locator("#notice")).to_contain_text("There is no such process")


def test_on_a_phone_each_process_has_its_button_in_sight(
    list_page: Page, target: subprocess.Popen[str]
) -> None:
    page = list_page
    page.set_viewport_size({"width": 400, "height": 800})
    page.get_by_role("searchbox").fill(f"{target.pid} {MARK}")
    box = page.get_by_role("button", name=re.compile("Attach")).bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400
