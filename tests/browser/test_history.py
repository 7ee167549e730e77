"""The history: a run that has ended is found, opened whole, renamed, deleted and brought back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from support import recorded

from .steps import COUNT_STATES, RUN_PAGE, import_file

NAME = "a run of the history's tests"


@pytest.fixture
def ended(new_page: Callable[..., Page]) -> Page:
    """A page of a run of two seconds that has ended."""
    page = new_page()
    run = page.evaluate(
        """async (name) => {
          const body = JSON.stringify({workload: "convoy", seconds: 2, name});
          const headers = {"content-type": "application/json"};
          return (await fetch("/api/v1/runs", {method: "POST", headers, body})).json();
        }""",
        NAME,
    )
    page.goto(page.url.split("?")[0] + f"runs/{run['id']}")
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    return page


def row_of(page: Page) -> Locator:
    page.get_by_role("link", name="History").click()
    page.get_by_role("searchbox").fill(NAME)
    return page.locator("tbody tr", has_text=NAME).first


def test_a_run_that_has_ended_is_found_and_opens_whole(ended: Page) -> None:
    page = ended
    row = row_of(page)
    found = row.get_by_role("button", name="A thread that needs the GIL for moments waits for it for long")
    expect(found).to_have_attribute("title", re.compile("gil-convoy"))
    expect(row.locator(".when")).to_contain_text(re.compile("today, |yesterday, "))  # about midnight
    page.get_by_label("Started").select_option(label="in the last 7 days")
    expect(row).to_be_visible()
    page.get_by_label("Started").select_option(label="any day")
    found.click()
    expect(page.get_by_label("Finding")).to_have_value("gil-convoy")
    expect(row).to_be_visible()
    row.get_by_role("link", name=NAME).click()
    expect(page).to_have_url(RUN_PAGE)
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
    page.reload()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")
    length = page.locator(".title .elapsed").inner_text()
    expect(page.locator(".timeline .buttons .span")).to_have_text(length)


def test_a_run_is_renamed_tagged_pinned_deleted_and_brought_back(ended: Page) -> None:
    page = ended
    row = row_of(page)
    row.get_by_role("button", name="Edit").click()
    row.get_by_label("Tags, separated by commas").fill("slow, before")
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_text("slow, before")).to_be_visible()
    row.get_by_role("button", name="Pin").click()
    expect(row.get_by_role("button", name="Unpin")).to_be_visible()
    row.get_by_role("button", name="Delete").click()
    expect(page.get_by_text(f"{NAME} was deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody tr", has_text="slow, before").first).to_be_visible()


def test_two_runs_are_chosen_and_compared(ended: Page) -> None:
    page = ended
    row_of(page)
    page.get_by_role("searchbox").fill("")
    boxes = page.locator("tbody").get_by_role("checkbox")
    if boxes.count() < 2:
        page.get_by_role("button", name="Run again").first.click()
        expect(page.locator(".badge[data-state=finished]")).to_be_visible()
        page.get_by_role("link", name="History").click()
    expect(boxes.nth(1)).to_be_visible()
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Compare the two chosen").click()
    expect(page).to_have_url(re.compile(r"/compare\?runs=\w+,\w+"))


def test_runs_to_compare_are_offered_with_what_they_were_asked_for(ended: Page) -> None:
    ended.get_by_role("link", name="Compare", exact=True).click()
    option = ended.locator("select[name=a] option", has_text=NAME).first
    expect(option).to_contain_text(re.compile(r"· switch interval \d\S* ms ·"))


def test_a_recording_is_imported_and_what_is_none_is_refused(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page(tolerate="422")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".found")).to_have_text(re.compile(r"\d runs?"))  # its script has begun
    (tmp_path / "text.jsonl").write_text("hello\n")
    page.locator("[data-act=import]").set_input_files(tmp_path / "text.jsonl")
    expect(page.get_by_role("alert")).to_contain_text("no recording of GILScope")


def test_of_a_run_of_a_cluster_the_address_of_its_scheduler_is_shown(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page()
    asked = {"kind": "attach", "name": "four workers", "attach": {"scheduler": "tcp://10.0.0.5:8786"}}
    import_file(page, recorded.write(tmp_path / "dask.jsonl", seconds=1, run=asked))
    page.get_by_role("link", name="History").click()
    expect(page.locator("tbody tr", has_text="four workers")).to_contain_text("tcp://10.0.0.5:8786")
    page.get_by_role("link", name="Compare", exact=True).click()
    option = page.locator("select[name=a] option", has_text="four workers")
    expect(option).to_contain_text("tcp://10.0.0.5:8786")


DROP = """
([type, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], "made.jsonl"));
  const how = {dataTransfer, bubbles: true, cancelable: true};
  return document.body.dispatchEvent(new DragEvent(type, how));
}
"""


def test_a_recording_that_is_dropped_on_a_page_is_opened(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page(tolerate="422")
    text = recorded.write(tmp_path / "made.jsonl", seconds=2).read_text()
    veil = page.get_by_text("Drop a recording to open it")
    expect(veil).to_be_hidden()
    assert page.evaluate(DROP, ["dragover", text]) is False, "else the browser opens the file itself"
    expect(veil).to_be_visible()
    page.evaluate(DROP, ["drop", "no recording"])
    expect(page.get_by_role("alert").filter(has_text="no recording of GILScope")).to_be_visible()
    expect(veil).to_be_hidden()
    page.evaluate(DROP, ["drop", text])
    expect(page).to_have_url(RUN_PAGE)
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    page.wait_for_function(f"() => ({COUNT_STATES})().running > 0")


def test_a_list_whose_server_was_away_comes_by_itself(new_page: Callable[..., Page]) -> None:
    page = new_page(tolerate="ERR_FAILED")
    page.route("**/api/v1/runs?*", lambda route: route.abort(), times=2)
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    expect(page.locator(".found")).to_have_text(re.compile(r"\d runs?"))
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 400])
def test_what_can_be_done_with_a_run_is_in_sight_in_one_row_or_on_a_card(
    new_page: Callable[..., Page], tmp_path: Path, width: int
) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    run = {"id": f"width{width}", "name": f"width {width}"}
    address = import_file(page, recorded.write(tmp_path / "made.jsonl", seconds=1, run=run))
    page.goto(address.rsplit("/runs/", 1)[0] + "/history")
    row = page.locator("tbody tr", has_text=f"width {width}")
    expect(row).to_be_visible()
    actions = row.locator(".act").locator("button:visible, a:visible, select:visible")
    boxes = [one.bounding_box() or {} for one in actions.all()]
    assert len(boxes) == 6
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    if width == 1280:
        assert max(box["y"] for box in boxes) - min(box["y"] for box in boxes) < 4
