"""Experiments as a person makes them: from a run to the form, live, stopped, the result, deleted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from .conftest import Site

BODY = {"workload": "primes", "executors": ["threads"], "workers": [1, 2], "seconds": 0.2}


def ask(site: Site, method: str, path: str, **body: object) -> dict:
    answer = httpx.request(
        method,
        f"http://{site.host}:{site.port}/api/v1{path}",
        headers=site.bearer,
        timeout=60,
        **({"json": body} if body else {}),
    )
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def measured(site: Site) -> str:
    """An experiment that has ended, by its id."""
    body = BODY | {"workers": [1, 2, 3], "repeats": 4, "name": "measured before"}
    experiment = ask(site, "POST", "/experiments", **body)["id"]
    until = time.monotonic() + 240
    while ask(site, "GET", f"/experiments/{experiment}")["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.2)
    return experiment


def test_the_result_has_a_verdict_curves_and_a_table(
    new_page: Callable[..., Page], site: Site, measured: str
):
    page = new_page()
    page.goto(f"{page.evaluate('location.origin')}/experiments/{measured}")
    found = ask(site, "GET", f"/experiments/{measured}")
    expect(page.locator(".verdict .sentence")).to_have_text(found["verdict"]["sentence"])
    expect(page.locator("section.progress")).to_be_hidden()
    curve = page.locator(".curve").first
    expect(curve.locator(".point")).to_have_count(3)
    assert curve.locator("path.law").count() >= 2
    rows = page.locator(".measured tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first.locator(".runs a")).to_have_count(found["configurations"][0]["repetitions"])
    page.get_by_role("link", name="Measure again").click()
    page.wait_for_url(re.compile(r"/experiments/new\?experiment="))
    expect(page.locator("[name=workers]")).to_have_value("1, 2, 3")
    expect(page.locator(".plan")).to_contain_text("3 combinations, 15 runs")


def test_one_is_begun_seen_live_and_stopped(new_page: Callable[..., Page], measured: str):
    page = new_page(tolerate="status of 422")
    page.goto(f"{page.evaluate('location.origin')}/experiments/new?workload=cpu-bound")
    page.locator("[name=executors]").evaluate_all("boxes => boxes.forEach((box) => { box.checked = false; })")
    page.get_by_label("threads", exact=True).check()
    page.locator("[name=workers]").fill("1, many")
    expect(page.locator(".problem")).to_be_visible()
    expect(page.locator("[name=workers]")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Start the experiment")).to_be_disabled()
    page.locator("[name=workers]").fill("1, 2")
    page.locator("[name=seconds]").fill("0.3")
    page.locator("[name=repeats]").fill("50")
    expect(page.locator(".plan")).to_contain_text("2 combinations, 102 runs")
    page.get_by_role("button", name="Start the experiment").click()
    page.wait_for_url(re.compile(r"/experiments/[0-9a-f]{10}$"))
    expect(page.locator(".progress .run")).to_have_text(re.compile(r"Run [2-9] of 10\d"))
    expect(page.locator(".progress .left")).to_have_text(re.compile("about .* left"))
    expect(page.locator(".done li")).to_have_count(2)
    expect(page.locator(".progress .now a")).to_have_attribute("href", re.compile("/runs/"))
    expect(page.locator(".verdict h2")).to_have_text("So far")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".head .badge")).to_have_text("stopped")
    expect(page.locator(".progress")).to_be_hidden()
    page.get_by_role("link", name="Experiments").click()
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("cpu-bound")
    row.get_by_role("button", name="Delete").click()
    expect(page.locator(".undo")).to_contain_text("cpu-bound was deleted")
    expect(page.locator("tbody tr").first).to_contain_text("measured before")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody tr").first).to_contain_text("cpu-bound")


def test_from_a_run_one_press_leads_to_its_program(new_page: Callable[..., Page], site: Site):
    run = ask(site, "POST", "/runs", workload="amdahl", params={"serial_share": 0.25}, seconds=0.3)["id"]
    page = new_page()
    page.goto(f"{page.evaluate('location.origin')}/runs/{run}")
    page.get_by_role("link", name="Experiment", exact=True).click()
    page.wait_for_url(re.compile(f"run={run}"))
    expect(page.locator("#of-workload")).to_have_value("amdahl")
    expect(page.get_by_label("serial share")).to_have_value("0.25")
    expect(page.get_by_role("link", name="amdahl")).to_have_attribute("href", f"/runs/{run}")
    script = ask(site, "POST", "/runs", script="print('of mine')", seconds=5)["id"]
    page.goto(f"{page.evaluate('location.origin')}/experiments/new?run={script}")
    expect(page.locator("[name=script]")).to_have_value("print('of mine')")


@pytest.mark.parametrize("width", [1440, 400])
@pytest.mark.parametrize("path", ["", "/accuracy", "/new", "/new?kind=command", "/new?kind=script", "/{}"])
def test_nothing_is_wider_than_the_page(new_page: Callable[..., Page], measured: str, width: int, path: str):
    page = new_page(viewport={"width": width, "height": 900})
    page.goto(
        f"{page.evaluate('location.origin')}/experiments{path.format(measured)}", wait_until="networkidle"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.evaluate("(main) => main.scrollWidth - main.clientWidth", page.locator("#main").element_handle())
        <= 0
    )


@pytest.fixture(scope="module")
def foretold(site: Site) -> str:
    """A run that has ended, of which something is foretold."""
    run = ask(site, "POST", "/runs", workload="cpu-bound", executor="threads", workers=2, seconds=2)["id"]
    until = time.monotonic() + 60
    while ask(site, "GET", f"/runs/{run}")["state"] in ("starting", "running"):
        assert time.monotonic() < until
        time.sleep(0.1)
    return run


def test_a_forecast_is_measured_at_a_press_and_stands_beside_its_measurement(
    new_page: Callable[..., Page], site: Site, foretold: str
):
    page = new_page(tolerate="status of 409")
    origin = page.evaluate("location.origin")
    page.goto(f"{origin}/experiments/accuracy")
    expect(page.locator(".in-all")).to_contain_text("No forecast was measured on this machine yet")
    expect(page.locator("section.pairs")).to_be_hidden()
    page.goto(f"{origin}/runs/{foretold}")
    page.get_by_role("tab", name="What would help").click()
    way = page.locator('.ways tr[data-choice="processes"]')
    button = way.get_by_role("button", name="Measure it")
    expect(button).to_have_attribute("title", re.compile("12 runs, about"))
    measurable = page.locator(".ways").get_by_role("button", name="Measure it")
    advice = ask(site, "GET", f"/runs/{foretold}/advice")
    able = [each for each in advice["measuring"] if each["why_not"] is None]
    expect(measurable).to_have_count(len(able))
    for each in advice["measuring"]:
        if each["why_not"]:
            expect(page.locator(".advice .unmeasured")).to_contain_text(each["why_not"])
    button.click()
    page.wait_for_url(re.compile(r"/experiments/[0-9a-f]{10}$"))
    forecast = page.locator("section.forecast")
    expect(forecast.locator(".of-run a")).to_have_attribute("href", f"/runs/{foretold}")
    expect(page.locator(".head .badge")).to_have_text("finished", timeout=240_000)
    found = ask(site, "GET", f"/experiments/{page.url.rsplit('/', 1)[1]}")["forecast"]
    expect(forecast.locator(".sentence")).to_have_text(found["sentence"])
    where = "in the band" if found["in_band"] else "outside of the band"
    expect(forecast.locator(".badge")).to_have_text(where + (", unclear" if found["unclear"] else ""))
    expect(forecast.locator(".forecast-band .dot")).to_have_count(1)
    forecast.get_by_role("link", name="How good forecasts were").click()
    page.wait_for_url(re.compile("/experiments/accuracy$"))
    row = page.locator(".pairs tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Processes")
    expect(row).to_contain_text(f"×{found['measured']['throughput']:.2f}")
    expect(page.locator(".in-all")).to_contain_text("The one forecast that was measured")
    row.get_by_role("link", name="cpu-bound").click()
    page.get_by_role("tab", name="What would help").click()
    expect(way.locator(".before")).to_contain_text(f"×{found['measured']['throughput']:.2f}")
    refused = "It goes on, so it is in the way"
    page.route(
        "**/experiments/forecast",
        lambda route: route.fulfill(status=409, json={"title": "Conflict", "status": 409, "detail": refused}),
    )
    button.click()
    expect(page.locator(".advice .refused")).to_have_text(refused)
    expect(button).to_be_enabled()
