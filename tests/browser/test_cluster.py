"""A cluster's workers: who is not observed is told, and nobody is shown a pid that no machine has."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from support.made import SLICE_US

from app.model.frames import Cluster, Counters, End, Frame, Hello, Memory, Message, Names, Process, encode
from app.model.pids import BEYOND
from app.model.states import RUNNING

from .steps import import_file, tab

PID = 4_711
SLICES = 20


def told() -> list[Message]:
    """A second of two workers that have the same pid on their own machines; a third is not observed."""
    run = {"id": "cluster", "kind": "attach", "name": "Dask", "params": {}}
    pids = [PID, 2 * BEYOND + PID]
    messages: list[Message] = [Hello(0, 1_700_000_000.0, run, {"gil_hz": 1000})]
    for lane, (pid, worker) in enumerate(zip(pids, "ab", strict=True)):
        place = {"host": f"host-{worker}", "worker": worker}
        messages += [
            Process(0, pid, None, ["python"], "3.12.1", False, True, 5000, **place),
            Names(0, [[lane, pid, PID, f"main-{worker}", 0]], [[lane, pid, 0]]),
            Cluster(0, clocks=[[place["host"], worker, pid, 0, "same"]]),
        ]
    messages.append(Cluster(0, unseen=[["host-c", "c", 3 * BEYOND + 9, "Permission denied"]]))
    whole_us = SLICES * SLICE_US
    for number in range(SLICES):
        start_us, end_us = number * SLICE_US, (number + 1) * SLICE_US
        gils = [[lane, 0, [lane, 0, SLICE_US]] for lane in (0, 1)]
        lanes = [[lane, [RUNNING, SLICE_US]] for lane in (0, 1)]
        messages.append(Frame(start_us, end_us, 50, 0, 0, gils, lanes))
    messages.append(Counters(whole_us, [[pid, whole_us, 1 << 24, 1 << 24, 0, 0] for pid in pids]))
    for pid in pids:
        kinds = {"anonymous": [1 << 24, 1 << 24, 1 << 24]}
        messages.append(Memory(whole_us, pid, 1 << 24, 1 << 24, 1 << 24, 0, 0, kinds))
    piece = [pids[1], 1, 0, 0, whole_us, whole_us, True, "parse-1", "parse"]
    return [*messages, Cluster(whole_us, tasks=[piece]), End(whole_us, "finished", None, 0)]


def test_workers_have_their_own_pids_everywhere_and_those_that_are_not_observed_are_told(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    file = tmp_path / "cluster.jsonl"
    file.write_text("".join(encode(message, number) + "\n" for number, message in enumerate(told())))
    page = new_page()
    page.goto(import_file(page, file))
    expect(page.locator(".badge[data-state=finished]")).to_be_visible()
    expect(page.locator(".labels li.lane")).to_have_count(2)
    unseen = page.locator(".under .unseen")
    expect(unseen).to_contain_text("One worker is not observed: all here is of the others.")
    unseen.get_by_role("button", name="Which, and why").click()
    process = page.get_by_role("tabpanel", name="Process")
    expect(process.locator(".unseen-workers tbody tr")).to_have_text(["chost-c9Permission denied"])
    expect(process.locator(".workers tbody th")).to_have_text(["a", "b"])
    expect(process.locator(".tasks tbody tr")).to_have_text([re.compile("^parse *b1")])
    for lane in page.locator(".labels li.gil").all():
        expect(lane).to_have_attribute("title", re.compile(rf"worker [ab] · pid {PID}: "))
    tab(page, "Overview")
    expect(page.locator(".glance .of-threads th")).to_contain_text(
        [f"worker a · pid {PID}", f"worker b · pid {PID}"]
    )
    for name in ("Threads", "Memory", "Process"):
        tab(page, name)
        expect(page.get_by_role("tabpanel", name=name)).to_contain_text(f"b · {PID}")
    whole = page.locator("body").evaluate("body => body.outerHTML.replace(/ data-pid=\"\\d+\"/g, '')")
    assert str(2 * BEYOND + PID) not in whole
    assert str(3 * BEYOND + 9) not in whole
