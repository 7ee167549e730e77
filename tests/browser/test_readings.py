"""The open files of a real program, live, ended, replayed, and in a file of its own."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from .steps import LIVE, PUT, api, tab

SCRIPT = """
import os, socket, time
kept = [open(__file__) for _ in range(12)]
kept += [end for _ in range(20) for end in socket.socketpair()]
print("open", flush=True)
while not os.path.exists(GO_ON):
    time.sleep(0.05)
kept += [end for _ in range(30) for end in socket.socketpair()]
while True:
    time.sleep(0.05)
"""
ROWS = ".processes tbody tr"


def sockets_of(page: Page, count: int) -> None:
    """Wait until the panel tells of so many sockets, and of the file that is open twelve times."""
    panel = page.get_by_role("tabpanel", name="Files")
    row = panel.locator(ROWS).first
    expect(row.locator("td").nth(5)).to_have_text(str(count))
    cells = row.locator("td").all_inner_texts()
    assert int(cells[1]) == sum(map(int, cells[4:8])), cells
    expect(panel.locator(".repeated tbody tr").first).to_contain_text(re.compile(r"12.*/"))


def test_a_panel_with_data_of_its_own_tells_the_same_wherever_a_run_is_seen(
    page: Page, browser: Browser, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    run = page.evaluate(
        """async (script) => (await fetch("/api/v1/runs", {
          method: "POST", body: JSON.stringify({script}), headers: {"content-type": "application/json"},
        })).json()""",
        f"GO_ON = {str(go_on)!r}\n{SCRIPT}",
    )
    address = f"{page.evaluate('location.origin')}/runs/{run['id']}"
    page.goto(address)
    expect(page.locator(LIVE)).to_be_visible()
    tab(page, "Files")
    sockets_of(page, 40)
    read_at = page.get_by_role("tabpanel", name="Files").locator(ROWS).first.locator("td").first
    expect(read_at).not_to_have_text(read_at.inner_text())  # read once more
    sockets_of(page, 40)
    go_on.touch()
    sockets_of(page, 100)
    expect(page.get_by_role("tabpanel", name="Files").locator(".chart canvas")).to_be_visible()
    page.locator(".stop").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    sockets_of(page, 100)

    page.goto(f"{address}?tab=open_files")
    tab(page, "Files")
    sockets_of(page, 100)
    summary = api(page, f"/runs/{run['id']}/summary")
    (told,) = summary["readings"]["open_files"]
    names, rows = told["course"]["names"], told["course"]["rows"]
    few = [row[0] for row in rows if row[names.index("sockets")] == 40]
    assert len(few) > 1, rows
    page.get_by_role("slider", name="Playhead").evaluate(PUT, few[-1] + 50_000)
    sockets_of(page, 40)

    path = tmp_path / "run.html"
    with page.expect_download() as download:
        page.evaluate("id => { location.href = `/api/v1/runs/${id}/export?format=html`; }", run["id"])
    download.value.save_as(path)
    with browser.new_context() as context:
        alone = context.new_page()
        complaints: list[str] = []
        alone.on("pageerror", lambda error: complaints.append(str(error)))
        alone.on("console", lambda said: complaints.append(said.text))
        alone.goto(path.as_uri())
        tab(alone, "Files")
        sockets_of(alone, 100)
        assert complaints == []
