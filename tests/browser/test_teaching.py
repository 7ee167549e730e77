"""Teaching: a teacher goes through the chapters by keys, and an audience follows and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from support.plain import NO_TLS

from .conftest import PATIENCE_MS, Site, served
from .steps import COUNT_STATES, api
from .test_axe import NARROW, TALL, axe, found
from .test_view_only import nothing_to_press

__all__ = ["axe"]  # a fixture

FITS = "() => document.documentElement.scrollWidth <= innerWidth"
LIVE = ".picture .badge[data-state=running]"
RAN = ".picture .badge[data-state=stopped], .picture .badge[data-state=finished]"


# The server keeps what was on view last, and a page goes on with the run of the test before.
BEGIN_ANEW = """([chapter, workload]) => fetch("/api/v1/teaching", {
  method: "PUT",
  headers: {"content-type": "application/json"},
  body: JSON.stringify({chapter: Number(chapter), workload}),
}).then(({ok}) => ok)"""


def teach(page: Page, step: str = "15/cpu-bound") -> Page:
    origin = page.evaluate("location.origin")
    assert page.evaluate(BEGIN_ANEW, step.split("/"))
    page.goto(f"{origin}/teach/{step}")
    expect(page.locator(".told h1")).not_to_be_empty()
    expect(page.locator("[data-act=run]")).to_be_enabled()
    return page


def run_for_a_moment(page: Page) -> None:
    """Run the step's workload until its lanes are seen, and stop it."""
    page.keyboard.press("Enter")
    expect(page.locator(LIVE)).to_be_visible()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(RAN)).to_be_visible()
    expect(page.locator(".picture .note")).to_contain_text("Over the whole run")  # it is summed up


@pytest.fixture
def room(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Browsers of an audience, each of which opens a link; what they complain of fails the test."""
    wrong: list[str] = []
    contexts = []

    def come(link: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "response", lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None
        )
        page.goto(link)
        return page

    yield come
    for context in contexts:
        context.close()
    assert wrong == []


def link_for_the_audience(page: Page) -> str:
    page.get_by_role("button", name="Link for the audience").click()
    dialog = page.get_by_role("dialog", name="For the audience")
    link = dialog.locator(".address code").inner_text()
    expect(dialog.get_by_text("within the next 4 hours")).to_be_visible()
    expect(dialog.get_by_text("of this machine alone")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    return link


def test_keys_go_through_the_book_in_its_order(page: Page) -> None:
    page.goto(page.evaluate("location.origin") + "/teach")
    chapters = [int(each) for each in page.locator(".chapters .number").all_inner_texts()]
    assert chapters == sorted(chapters)
    page.locator(".chapters a").first.click()
    expect(page.locator(".where .number")).to_have_text(f"Chapter {chapters[0]}")
    seen = []
    while True:
        seen.append(int(re.findall(r"\d+", page.locator(".where .number").inner_text())[0]))
        if page.get_by_role("button", name="Next chapter").is_disabled():
            break
        page.keyboard.press("ArrowRight")
        expect(page.locator(".where .number")).not_to_have_text(f"Chapter {seen[-1]}")
    assert seen == chapters
    page.keyboard.press("ArrowRight")
    expect(page.locator(".where .number")).to_have_text(f"Chapter {chapters[-1]}")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".where .number")).to_have_text(f"Chapter {chapters[-2]}")
    page.go_back()
    expect(page.locator(".where .number")).to_have_text(f"Chapter {chapters[-1]}")


def test_a_remote_goes_through_the_experiments_and_on_into_the_next_chapter(page: Page) -> None:
    teach(page, "12/deadlock")
    names = page.locator(".choices a").all_inner_texts()
    assert len(names) > 1
    for name in names[1:]:
        page.keyboard.press("PageDown")
        expect(page.locator(".choices [aria-current]")).to_have_text(name)
    page.keyboard.press("PageDown")
    expect(page.locator(".where .number")).to_have_text("Chapter 13")
    page.keyboard.press("PageUp")
    expect(page.locator(".choices [aria-current]")).to_have_text(names[-1])


def test_a_question_is_answered_in_the_numbers_of_the_run(page: Page) -> None:
    teach(page)
    reveal = page.get_by_role("button", name="Show the answer")
    expect(page.locator(".question")).to_have_text(
        "Four threads compute. How many of them run Python at the same time?"
    )
    expect(reveal).to_be_disabled()
    page.keyboard.press("a")
    expect(page.locator(".answer")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(LIVE)).to_be_visible()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
    page.keyboard.press("A")
    expect(page.get_by_role("heading", name="Answer, of the run so far")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Answer", exact=True)).to_be_visible()
    expect(page.locator(".picture .note")).to_contain_text("Over the whole run")
    run = api(page, "/teaching")["shown"]["run"]
    summary = api(page, f"/runs/{run}/summary")
    held = max(gil["held_share"] for gil in summary["gils"])
    showed = [sentence.replace("`", "") for sentence in summary["workload"]["showed"]]
    titles = [each["title"] for each in summary["findings"] if each["code"] != "observation-thin"]
    for sentence in (f"held for {held * 100:.0f} % of the time", *showed, *titles):
        expect(page.locator(".answer")).to_contain_text(sentence)
    expect(page.get_by_role("heading", name="What helps")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(".answer")).to_be_hidden()


def test_a_reload_goes_on_with_the_run_and_another_step_begins_anew(page: Page) -> None:
    teach(page)
    run_for_a_moment(page)
    page.keyboard.press("a")
    expect(page.locator(".answer")).to_be_visible()
    said = page.locator(".answer").inner_text()
    page.reload()
    expect(page.locator(RAN)).to_be_visible()
    expect(page.locator(".answer")).to_be_visible()
    assert page.locator(".answer").inner_text() == said
    page.keyboard.press("PageDown")
    expect(page.locator(".answer")).to_be_hidden()
    expect(page.locator(".picture .nothing")).to_be_visible()


def test_a_run_that_is_there_no_more_leaves_the_step_as_it_was_before_it(
    new_page: Callable[..., Page],
) -> None:
    page = teach(new_page(tolerate="status of 404|WebSocket connection"))
    run_for_a_moment(page)
    run = api(page, "/teaching")["shown"]["run"]
    page.wait_for_function(
        "id => fetch(`/api/v1/runs/${id}`, {method: 'DELETE'}).then(({ok}) => ok)", arg=run
    )
    page.reload()
    expect(page.get_by_role("alert").filter(has_text=run)).to_be_visible()
    expect(page.locator(".picture .nothing")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    page.keyboard.press("PageDown")  # and who comes next does not ask for it
    page.wait_for_function(
        "() => fetch('/api/v1/teaching').then((a) => a.json()).then(({shown}) => shown.run === null)"
    )


def test_the_fixed_version_runs_in_the_place_of_the_other(page: Page) -> None:
    teach(page, "14/lost-update")
    page.keyboard.press("Enter")
    expect(page.locator(LIVE)).to_be_visible()
    first = api(page, "/teaching")["shown"]["run"]
    page.get_by_role("button", name="Run the fixed version").click()
    expect(page.locator(f".picture .whole:not([href$='{first}'])")).to_be_visible()
    expect(page.locator(LIVE)).to_be_visible()
    fixed = api(page, "/teaching")["shown"]["run"]
    assert fixed != first
    assert api(page, f"/runs/{fixed}")["params"] != api(page, f"/runs/{first}")["params"]
    page.wait_for_function(
        "id => fetch(`/api/v1/runs/${id}`).then((a) => a.json()).then(({state}) => state === 'stopped')",
        arg=first,
    )


def test_pictures_and_tables_of_the_result_come_with_the_answer(page: Page) -> None:
    teach(page, "14/lost-update")
    run_for_a_moment(page)
    exhibits = page.locator(".exhibits table")
    expect(exhibits).to_have_count(1)
    expect(exhibits).to_be_hidden()
    page.keyboard.press("a")
    expect(exhibits).to_be_visible()
    run = api(page, "/teaching")["shown"]["run"]
    table = api(page, f"/runs/{run}/summary")["workload"]["table"]
    expect(exhibits.locator("tbody tr")).to_have_count(len(table["rows"]))
    page.get_by_role("button", name="Run again").click()
    expect(page.locator(LIVE)).to_be_visible()
    expect(exhibits).to_have_count(0)


def test_a_program_that_waits_for_a_hand_is_told_what_to_do(page: Page) -> None:
    teach(page, "17/memory-ladder")
    action = page.locator(".acts button").first
    expect(action).to_be_disabled()
    page.keyboard.press("Enter")
    expect(action).to_be_enabled()
    expect(page.locator(".picture .chart canvas")).to_be_visible()
    action.click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(RAN)).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(".answer .says li").first).to_be_visible()
    run = api(page, "/teaching")["shown"]["run"]
    did = api(page, f"/runs/{run}/summary")["workload"]["did"]
    assert did[-1]["what"] in page.locator(".answer").inner_text()


def test_the_full_screen_shows_the_lesson_alone(page: Page) -> None:
    teach(page)
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement?.id === 'main'")
    expect(page.get_by_role("button", name="Leave full screen")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".where .number")).to_have_text("Chapter 16")
    page.wait_for_function("() => document.fullscreenElement?.id === 'main'")
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement === null")


def test_an_audience_follows_and_can_change_nothing(page: Page, room: Callable[[str], Page]) -> None:
    teach(page)
    link = link_for_the_audience(page)
    guests = [room(link) for _ in range(2)]
    expect(page.locator(".followers")).to_have_text("2 watching")
    for guest in guests:
        expect(guest.locator(".where .number")).to_have_text("Chapter 15")
        expect(guest.locator(".picture .nothing")).to_have_text("The teacher has not run it yet.")
    page.keyboard.press("Enter")
    for guest in guests:
        expect(guest.locator(LIVE)).to_be_visible()
        guest.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
        nothing_to_press(guest)
        guest.keyboard.press("Enter")
        guest.keyboard.press("ArrowRight")
        guest.keyboard.press("a")
        expect(guest.locator(".answer")).to_be_hidden()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".picture .note")).to_contain_text("Over the whole run")
    expect(page.locator(RAN)).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(".answer")).to_be_visible()
    for guest in guests:
        expect(guest.locator(RAN)).to_be_visible()
        expect(guest.locator(".answer")).to_be_visible()
        assert guest.locator(".answer").inner_text() == page.locator(".answer").inner_text()
    page.keyboard.press("ArrowRight")
    for guest in guests:
        expect(guest.locator(".where .number")).to_have_text("Chapter 16")
        expect(guest.locator(".answer")).to_be_hidden()
        expect(guest.locator(".picture .nothing")).to_be_visible()


def test_an_audience_waits_until_the_teacher_begins_and_looks_at_what_came_before_it(
    room: Callable[[str], Page],
) -> None:
    with served(["-m", "app"]) as site:
        here = f"http://{site.host}:{site.port}"
        with httpx.Client(base_url=f"{here}/api/v1", headers=site.bearer, verify=NO_TLS) as teacher:
            code = teacher.post("/codes?audience=true").json()["code"]
            guest = room(f"{here}/teach/follow?code={code}")
            expect(guest.get_by_role("heading", name="The teacher has not begun")).to_be_visible()
            teacher.put("/teaching", json={"chapter": 2, "workload": "amdahl"}).raise_for_status()
            expect(guest.locator(".where .number")).to_have_text("Chapter 2")
            late = room(f"{here}/teach/follow?code={code}")
            expect(late.locator(".where .number")).to_have_text("Chapter 2")
            late.close()
            guest.close()


@pytest.mark.parametrize("width", [1440, 1280, 400])
def test_a_step_fits_its_window(new_page: Callable[..., Page], width: int) -> None:
    page = teach(new_page(viewport={"width": width, "height": 800}))
    assert page.evaluate(FITS)
    run_for_a_moment(page)
    page.keyboard.press("a")
    expect(page.locator(".answer")).to_be_visible()
    assert page.evaluate(FITS)
    assert page.locator("#main").evaluate("main => main.scrollWidth <= main.clientWidth")
    least = page.locator(".told p, .told li").evaluate_all(
        "all => Math.min(...all.map((each) => parseFloat(getComputedStyle(each).fontSize)))"
    )
    assert least >= 16


@pytest.mark.parametrize("size", [TALL, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_on_a_step_its_answer_and_its_link(
    new_page: Callable[..., Page], axe: str, size: dict[str, int]
) -> None:
    page = teach(new_page(viewport=size))
    said = {"asked": found(page, axe)}
    run_for_a_moment(page)
    page.keyboard.press("a")
    expect(page.locator(".answer")).to_be_visible()
    said["answered"] = found(page, axe)
    if size == NARROW:  # of a dialog, which lies over the page, axe-core leaves the ground undecided
        page.get_by_role("button", name="Link for the audience").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        said["link"] = found(page, axe)
    assert {state: each for state, each in said.items() if each} == {}


def test_the_link_is_of_the_server_that_was_asked(page: Page, site: Site) -> None:
    link = link_for_the_audience(teach(page))
    assert re.fullmatch(rf"http://{re.escape(site.host)}:{site.port}/teach/follow\?code=[\w-]+", link)


def test_on_a_phone_what_the_fixed_version_is_has_room(new_page: Callable[..., Page], site: Site) -> None:
    page = new_page(viewport={"width": 400, "height": 850})
    page.goto(f"http://{site.host}:{site.port}/teach/15/convoy")
    fixed = page.get_by_role("button", name="Run the fixed version: the computing in other processes")
    expect(fixed).to_be_visible()
    assert fixed.evaluate("one => one.scrollHeight <= one.clientHeight")
