"""The lab, as a person uses it: real runs, watched in a real browser."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from .conftest import TOKEN, Site
from .relay import Relay
from .steps import (
    COUNT_STATES,
    FIRST_PIXEL,
    HAS_LATER_FRAMES,
    LIVE,
    PICTURE,
    PICTURE_IS_NOT,
    RUN_PAGE,
    api,
    elapsed,
    figure,
    go_on,
    start,
    tab,
)


def test_a_run_from_its_button_to_its_result(page: Page) -> None:
    """Press Run, see lanes change and figures move, stop, and read the result."""
    page.get_by_role("button", name="Run cpu-bound").first.click()
    expect(page.locator(LIVE)).to_be_visible()
    expect(page).to_have_url(RUN_PAGE)
    for name in ("held", "contended", "switches", "waiters", "cpu", "rss", "ops"):
        expect(page.locator(f"[data-figure={name}] .value")).to_have_text(re.compile(r"\d"))
    page.wait_for_function(f"() => Object.values(({COUNT_STATES})()).every((count) => count > 100)")
    picture, operations = page.evaluate(PICTURE), figure(page, "ops")
    page.wait_for_function(PICTURE_IS_NOT, arg=picture)
    expect(page.locator("[data-figure=ops] dd").first).not_to_have_text(operations)
    expect(page.locator(".labels .lane")).to_have_count(5)
    expect(page.locator(".look")).to_contain_text("GIL lane")

    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    page.locator(".answer").get_by_role("button", name="Result").click()
    expect(page.locator(".result")).to_contain_text("Operations a second")
    expect(page.locator(".stop")).to_be_hidden()

    summary = api(page, urlsplit(page.url).path + "/summary")
    assert summary["run"]["state"] == "stopped"
    assert figure(page, "held").split()[0] == shown_share(summary["gils"][0]["held_share"])
    expect(page.locator(".labels li.counter .title")).to_have_text(["CPU"])
    tab(page, "Threads")
    expect(page.locator(".threads tbody tr")).to_have_count(5)
    rows = page.locator(".threads tbody tr").all_inner_texts()
    assert {row.split()[0] for row in rows} == {thread["name"] for thread in summary["threads"]}


def shown_share(share: float) -> str:
    return "100" if share * 100 >= 99.95 else f"{share * 100:.1f}"


def test_an_ended_run_has_an_address(page: Page, new_page: Callable[..., Page]) -> None:
    start(page, seconds="1")
    expect(page.locator(".badge")).to_have_text("finished")
    other = new_page()
    other.goto(page.url)
    expect(other.locator(".badge")).to_have_text("finished")
    expect(other.locator(".answer")).to_contain_text("pieces a second")
    other.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
    assert figure(other, "held") == figure(page, "held")
    # What has ended does not move: the page asks for no further frame.
    expect(other.locator("body[data-idle=true]")).to_be_attached()


def test_who_saw_a_run_end_sees_all_of_it_and_its_result(page: Page) -> None:
    """It follows the last ten seconds of a run: once that has ended, its beginning and result count too."""
    start(page, "convoy", seconds="10.5")
    expect(page.locator(".badge")).to_have_text("finished", timeout=40_000)
    summary = api(page, urlsplit(page.url).path + "/summary")
    tab(page, "Result")
    for showed in summary["workload"]["showed"]:
        expect(page.locator(".result")).to_contain_text(showed)
    assert figure(page, "held").split()[0] == shown_share(summary["gils"][0]["held_share"])
    # A part of it has figures of its own, and still the result of the whole.
    page.locator("[data-act=zoom-in]").click()
    expect(page.locator("#stage")).to_contain_text("Figures, panels and findings are of the time from")
    expect(page.locator(".honesty")).to_contain_text("Over this time")
    expect(page.locator(".result")).to_contain_text(summary["workload"]["showed"][0])


def test_pause_pan_zoom_and_back_to_live(page: Page) -> None:
    start(page, seconds="60")
    go_on(page, 1)
    page.locator(".timeline .buttons .span").click()
    page.keyboard.press("Space")
    pause = page.get_by_role("button", name="Go on")
    expect(pause).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("+")
    expect(page.locator(".buttons .span")).to_have_text("6.67 s")
    page.keyboard.press("-")
    expect(page.locator(".buttons .span")).to_have_text("10.0 s")

    plot = page.locator("canvas.plot")
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    expect(page.locator(".timeline .tip")).to_contain_text(re.compile(r"at \d+\.\d{3} \d{3} s"))
    page.mouse.wheel(0, -1500)
    expect(page.locator(".buttons .span")).to_have_text("498 ms")
    go_on(page, 1)
    paused = page.evaluate(PICTURE)
    go_on(page, 1)
    assert page.evaluate(PICTURE) == paused, "a paused timeline stands still while the run goes on"

    zoomed = page.evaluate(PICTURE)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 100, steps=4)
    page.mouse.up()
    page.mouse.move(box["x"] + 100, box["y"] - 200)
    page.wait_for_function(PICTURE_IS_NOT, arg=zoomed)

    page.locator(".timeline .buttons .span").click()
    page.keyboard.press("0")
    expect(page.locator(".buttons .span")).to_have_text("10.0 s")
    page.keyboard.press("l")
    expect(page.get_by_role("button", name="Live", exact=True)).to_be_disabled()
    live = page.evaluate(PICTURE)
    page.wait_for_function(PICTURE_IS_NOT, arg=live)


def test_a_pause_in_the_first_seconds_stands_still(page: Page) -> None:
    start(page, seconds="60")
    assert elapsed(page) < 9
    page.locator(".timeline .buttons .span").click()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    go_on(page, 0.5)  # what was before the pause comes in these: the counters tell of a quarter of a second
    page.wait_for_function("() => document.body.dataset.idle === 'true'")
    paused = page.evaluate(PICTURE)
    go_on(page, 1)
    assert page.evaluate(PICTURE) == paused


def test_a_hand_on_a_lane_reads_the_thread(page: Page) -> None:
    start(page, seconds="60")
    expect(page.locator(".labels .collector")).to_be_visible()  # it comes last, and above the threads
    told = page.locator(".timeline .tip b")
    for _ in range(10):  # what is said above it, as that little was seen, moves it under the hand
        row = page.locator(".labels .lane", has_text="cpu-1").bounding_box()
        plot = page.locator("canvas.plot").bounding_box()
        assert row
        assert plot
        page.mouse.move(plot["x"] + 3, row["y"] + row["height"] / 2)
        expect(told).to_be_visible()
        if told.text_content() == "cpu-1":
            break
    expect(told).to_have_text("cpu-1")
    expect(page.locator(".legend [data-state=waiting] .share")).to_have_text(re.compile(r"\d %"))


@pytest.fixture
def relay(site: Site) -> Iterator[Relay]:
    relay = Relay((site.host, site.port))
    yield relay
    relay.close()


def test_a_broken_line_is_told_and_mended(site: Site, relay: Relay, new_page: Callable[..., Page]) -> None:
    page = new_page(tolerate="ERR_|WebSocket connection")
    page.goto(site.address(port=relay.port))
    start(page, seconds="60")
    go_on(page)
    relay.cut()
    expect(page.locator(".connection")).to_have_text(
        re.compile(r"Server not reachable, trying again in \d s")
    )
    expect(page.locator(".badge")).to_have_text("not connected")
    expect(page.locator(".stop")).to_be_disabled()
    at = elapsed(page)
    relay.mend()
    expect(page.locator(".connection")).to_be_hidden()
    page.wait_for_function(HAS_LATER_FRAMES, arg=at)
    expect(page.locator(LIVE)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")


def test_a_run_that_went_while_the_server_was_away_has_a_notice_with_a_way_out(
    site: Site, relay: Relay, new_page: Callable[..., Page]
) -> None:
    page = new_page(tolerate="ERR_|WebSocket connection|404")
    page.goto(site.address(port=relay.port))
    start(page, seconds="60")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    run = f"http://{site.host}:{site.port}/api/v1{urlsplit(page.url).path}"
    relay.cut()
    expect(page.locator(".badge")).to_have_text("not connected")
    assert page.request.delete(run, headers=headers).ok
    relay.mend()
    lost = page.get_by_role("alert").filter(has_text="does not have this run any more")
    expect(lost).to_be_visible()
    expect(page.locator(".stop")).to_be_hidden()
    expect(page.locator(LIVE)).to_be_hidden()
    lost.get_by_role("link", name="Go to the lab").click()
    expect(page.get_by_role("heading", name="Watch the GIL of a real process")).to_be_visible()


def test_the_legend_tells_the_shares_of_the_time_on_view(page: Page) -> None:
    start(page, "cpu-bound", seconds="2")
    expect(page.locator(".badge")).to_have_text("finished")
    plot = page.locator("canvas.plot").bounding_box()
    row = page.locator(".labels .lane", has_text="cpu-1").bounding_box()
    assert plot
    assert row
    page.mouse.move(plot["x"] + plot["width"] / 2, row["y"] + row["height"] / 2)
    expect(page.locator(".legend .of")).to_have_text(re.compile(r"cpu-1, [12]\.\d+ s on view:"))
    # Dragged, it leaves the end of the run, and zooms about the pointer.
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] / 2 + 8, row["y"] + row["height"] / 2)
    page.mouse.up()
    span = page.locator(".buttons .span")
    while not span.inner_text().endswith("µs"):
        page.mouse.wheel(0, -400)
    expect(page.locator(".legend .of")).to_have_text(re.compile(r"cpu-1, \d+ µs on view:"))
    shares = [float(text.split()[0]) for text in page.locator(".legend .share").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.3)


def test_a_run_that_is_gone_is_said_to_be(new_page: Callable[..., Page], site: Site) -> None:
    page = new_page(tolerate="404")
    page.goto(f"http://{site.host}:{site.port}/runs/nothing")
    expect(page.get_by_role("heading", name="There is no such thing")).to_be_visible()
    expect(page.locator("main")).to_contain_text("nothing")


def test_the_form_refuses_what_is_out_of_bounds(new_page: Callable[..., Page]) -> None:
    page = new_page(tolerate="422")
    before = len(api(page, "/runs?limit=200")["runs"])
    page.locator("[data-name=cpu-bound] summary").click()
    form = page.locator("#launch-cpu-bound")
    workers = form.locator("[name=workers]")
    workers.fill("100000")
    form.get_by_role("button").click()
    assert workers.evaluate("field => field.validity.rangeOverflow")

    form.evaluate("form => { form.noValidate = true; }")
    form.get_by_role("button").click()
    expect(form.get_by_role("alert")).to_contain_text("between 1 and 64")
    expect(workers).to_have_attribute("aria-invalid", "true")
    assert len(api(page, "/runs?limit=200")["runs"]) == before, "nothing was started"

    workers.fill("2")
    expect(form.get_by_role("alert")).to_be_hidden()


def test_too_many_runs_are_refused_with_the_reason(new_page: Callable[..., Page]) -> None:
    page = new_page(tolerate="409")
    for _ in range(4):
        start(page, "io-bound", seconds="60", workers="1")
        page.locator("[data-name=io-bound] summary").click()
    page.get_by_role("button", name="Run io-bound").click()
    notice = page.locator("#notice")
    expect(notice).to_contain_text("no more are allowed at once")
    notice.get_by_role("button", name="Dismiss").click()
    expect(notice).to_be_hidden()


def test_a_theme_is_chosen_and_kept(new_page: Callable[..., Page]) -> None:
    page = new_page(color_scheme="light")
    start(page, seconds="60")
    paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert page.evaluate(FIRST_PIXEL) > 200
    page.get_by_role("button", name="Change to the dark theme").click()
    page.wait_for_function(f"() => ({FIRST_PIXEL})() < 60")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") != paper
    page.reload()
    expect(page.locator("html[data-theme=dark]")).to_be_attached()


def test_the_search_finds_by_name_and_by_sentence(page: Page) -> None:
    search = page.get_by_role("searchbox")
    search.fill("convoy")
    expect(page.locator(".workload:visible .name")).to_have_text(["convoy"])
    search.fill("nothing of that name")
    expect(page.get_by_text("No workload of that name")).to_be_visible()
    search.fill("")
    expect(page.locator(".workload:visible").first).to_be_visible()
    assert page.locator(".workload:visible").count() >= 5


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1440, 900), (900, 800)])
def test_the_timeline_is_in_sight(new_page: Callable[..., Page], width: int, height: int) -> None:
    page = new_page(viewport={"width": width, "height": height})
    start(page, seconds="60")
    box = page.locator(".scroller").bounding_box()
    assert box
    assert box["y"] + box["height"] <= height
    assert page.locator("main").evaluate("main => main.scrollWidth <= main.clientWidth")
    legend = page.locator(".legend")
    assert legend.evaluate("all => all.scrollWidth <= all.clientWidth"), "a state is cut off"


def test_a_foreign_name_is_text_and_never_markup(page: Page) -> None:
    program = (
        "import threading\n"
        "threading.Thread(target=threading.Event().wait, args=[60], name='<b>bold</b>').start()\n"
    )
    run = page.evaluate(
        "body => fetch('/api/v1/runs', {method: 'POST', body: JSON.stringify(body),"
        " headers: {'content-type': 'application/json'}}).then((answer) => answer.json())",
        {"command": [sys.executable, "-c", program], "seconds": 60},
    )
    page.goto(re.sub(r"/$", f"/runs/{run['id']}", page.url))
    expect(page.locator(".labels .name", has_text="<b>bold</b>")).to_be_visible()
    assert page.locator(".labels .name b").count() == 0


def test_the_page_speaks_to_its_own_server_only(new_page: Callable[..., Page], site: Site) -> None:
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    start(page, "io-bound", seconds="1")
    expect(page.locator(".badge")).to_have_text("finished")
    assert asked
    assert [url for url in asked if not url.startswith(f"http://{site.host}:{site.port}/")] == []


def test_the_first_page_shows_a_measured_moment_and_leads_from_questions_to_workloads(page: Page) -> None:
    expect(
        page.get_by_role("img", name=re.compile(r"milliseconds of a convoy .* waits \d+ ms for the GIL"))
    ).to_be_visible()
    asked = page.locator(".questions")
    expect(asked.locator("dt")).to_contain_text(["Why is my program slow?", "Should I use threads?"])
    expect(asked.get_by_role("link", name="Its chapters in order")).to_have_attribute("href", "/teach")
    asked.get_by_role("button", name="deadlock").click()
    expect(page).to_have_url(RUN_PAGE)
    expect(page.locator(".title .name")).to_have_text("deadlock")


def test_the_catalogue_is_grouped_by_subject_by_question_or_by_chapter(page: Page) -> None:
    heads = page.locator(".family:visible h2")
    names = page.locator(".workload .name")
    expect(heads.first).to_have_text("gil")
    whole = names.count()
    grouping = page.get_by_label("How the workloads are grouped")
    grouping.select_option(label="Grouped by question")
    expect(heads).to_have_text(
        [
            "Why is my program slow?",
            "Should I use threads?",
            "Why does it hang, or lose work?",
            "What keeps the event loop?",
            "Where did the memory go?",
        ]
    )
    expect(names).to_have_count(whole)
    page.get_by_role("searchbox", name="Search workloads").fill("deadlock")
    expect(heads).to_have_text(["Why does it hang, or lose work?"])
    page.get_by_role("searchbox", name="Search workloads").fill("")
    grouping.select_option(label="Grouped by chapter")
    expect(heads.first).to_have_text("1 · Advanced introduction to concurrent and parallel programming")
    page.reload()
    expect(heads.first).to_have_text(re.compile("^1 · "))
    expect(names).to_have_count(whole)
    page.get_by_label("How the workloads are grouped").select_option(label="Grouped by subject")
    expect(heads.first).to_have_text("gil")
