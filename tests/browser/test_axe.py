"""Axe-core finds nothing on a page or on a tab of a run, in both themes, and leaves no contrast undecided."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .steps import import_made

WANTED = Path(__file__).parent / "axe"  # which version, and its hash
DENO = Path(sysconfig.get_path("scripts"), "deno")
# So large that nothing is cut off where it scrolls: of text beyond an edge axe-core cannot tell the ground.
TALL = {"width": 2400, "height": 4000}
# A phone, on which tabs and tables scroll: there only what is surely wrong counts.
NARROW = {"width": 400, "height": 4000}
PAGES = (
    *("/", "/processes", "/memory", "/compare", "/history", "/docs", "/runs/nobody"),
    *("/teach", "/teach/15/convoy", "/teach/follow"),
    *(
        "/experiments",
        "/experiments/new",
        "/experiments/accuracy",
        "/experiments/new?kind=command",
        "/experiments/nobody",
    ),
)
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}

FOUND = """async ([rules, sure]) => {
  // The shade at an edge beyond which a table goes on is a gradient, whose colour is not one.
  document.documentElement.style.setProperty("--goes-on", "none");
  for (const area of document.querySelectorAll("textarea")) area.style.height = `${area.scrollHeight + 8}px`;
  const options = {resultTypes: ["violations", "incomplete"], preload: false, ...rules};
  const {violations, incomplete} = await axe.run(document, options);
  const failed = [...violations, ...(sure ? [] : incomplete)];
  const said = failed.flatMap(({id, nodes}) => nodes.map((node) => ({id, node})));
  return said.flatMap(({id, node: {target, any, all, none}}) => {
    const [{message = "", relatedNodes = []} = {}] = [...any, ...all, ...none];
    if (message.includes("only non-text characters")) return []; // such as − and +: they have a label
    // A box of text that is said to lie behind itself.
    const itself = relatedNodes.every((one) => `${one.target}` === `${target}`);
    if (message.includes("obscured") && itself) return [];
    return [[id, target.join(" "), message]];
  });
}"""


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script, from the npm registry, as the pages' own packages."""
    folder = tmp_path_factory.mktemp("axe")
    for name in ("deno.json", "deno.lock"):
        shutil.copy(WANTED / name, folder)
    settings = {"DENO_TLS_CA_STORE": "system,mozilla", "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
    command = [str(DENO), "install", "--quiet", "--frozen", "--node-modules-dir=auto"]
    done = subprocess.run(command, cwd=folder, env=os.environ | settings, capture_output=True, text=True)
    assert done.returncode == 0, f"axe-core could not be had from the npm registry: {done.stderr}"
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


def found(page: Page, axe: str) -> list[list[str]]:
    """What it finds, in the dark what depends on colours alone: theme, rule, element, why."""
    if page.evaluate("() => !globalThis.axe"):
        page.evaluate(axe)
    said: list[list[str]] = []
    for theme, rules in (("light", {}), ("dark", COLOURS)):
        page.emulate_media(color_scheme=theme)
        answer = page.evaluate(FOUND, [rules, page.viewport_size == NARROW])
        said += [[theme, *each] for each in answer]
    return said


@pytest.mark.parametrize("size", [TALL, NARROW], ids=["wide", "narrow"])
def test_nothing_is_found_on_a_page(new_page: Callable[..., Page], axe: str, size: dict[str, int]) -> None:
    page = new_page(tolerate="status of 404", viewport=size)
    origin = page.evaluate("location.origin")
    said: dict[str, Any] = {}
    for path in PAGES:
        page.goto(origin + path, wait_until="networkidle")
        said[path] = found(page, axe)
    assert {path: each for path, each in said.items() if each} == {}


@pytest.mark.parametrize("size", [TALL, NARROW], ids=["wide", "narrow"])
def test_nothing_is_found_on_a_tab(new_page: Callable[..., Page], axe: str, size: dict[str, int]) -> None:
    page = new_page(viewport=size)
    address = import_made(page, f"axe-{size['width']}")
    page.goto(f"{address}?slice=0@1&select=0.5-1&threads=0-1")
    expect(page.locator(".slice .turns, .slice .what").first).to_be_attached()
    expect(page.locator(".labels li.lane")).to_have_count(3)
    said: dict[str, Any] = {"all around": found(page, axe)}
    page.locator("aside.catalogue").evaluate("(all) => all.replaceChildren()")  # the same by every tab
    for tab in page.get_by_role("tab").all():
        tab.click()
        said[tab.inner_text()] = found(page, axe)
    assert len(said) >= 15
    assert {tab: each for tab, each in said.items() if each} == {}
