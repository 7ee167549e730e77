"""The form that a workload's declaration makes."""

from __future__ import annotations

import re
from types import SimpleNamespace

from jinja2 import Environment, FileSystemLoader

from app.runs.catalogue import ParamSpec
from app.web import assets

INTERPRETERS = [
    {"path": "/a/python3.12", "label": "3.12.1", "supported": True, "why": None, "chosen": True},
    {"path": "/b/python3.9", "label": "3.9.18", "supported": False, "why": "too old", "chosen": False},
]


def form_of(*params: ParamSpec) -> str:
    """The card of a workload with these parameters, as the lab renders it."""
    workload = SimpleNamespace(
        name="trial",
        title="A trial",
        sentence="It tries <things>.",
        params=params,
        executors=("threads", "processes"),
        executor="processes",
        workers=4,
        min_workers=2,
        max_workers=8,
        look_for=("Look at <this>.",),
        why=(),
        helps=(),
        subject="",
        actions=(),
        mended=None,
    )
    environment = Environment(loader=FileSystemLoader(assets.TEMPLATES), autoescape=True)
    macros = environment.get_template("partials/form.html").module
    return str(macros.workload_card(workload, INTERPRETERS, (10.0, 0.1, 3600.0)))  # type: ignore[attr-defined]


def field(html: str, name: str) -> str:
    """The field's own tag."""
    found = re.search(rf'<(input|select)[^>]*name="{re.escape(name)}"[^>]*>', html)
    assert found, f"no field {name} in {html}"
    return found[0]


def test_a_number_carries_its_bounds_its_default_and_its_unit() -> None:
    html = form_of(ParamSpec("sleep_ms", "float", 2.5, "How long.", 0.1, 1000.0, unit="ms"))
    tag = field(html, "params.sleep_ms")
    assert all(part in tag for part in ('value="2.5"', 'min="0.1"', 'max="1000.0"', 'step="any"', "required"))
    assert '<span class="unit">ms</span>' in html
    assert ">sleep</label>" in html, "the unit stands beside the field, and not in its name"


def test_a_whole_number_steps_by_one() -> None:
    assert 'step="1"' in field(form_of(ParamSpec("tries", "int", 3, "How often.", 1, 9)), "params.tries")


def test_a_choice_offers_what_there_is_and_has_its_default() -> None:
    html = form_of(ParamSpec("kind", "choice", "b", "Which.", choices=("a", "b")))
    assert re.search(r"<option>a</option><option selected>b</option>", html)


def test_a_switch_and_a_text() -> None:
    html = form_of(ParamSpec("fair", "bool", True, "Fair."), ParamSpec("words", "text", "<a b>", "Words."))
    assert " checked" in field(html, "params.fair")
    assert 'value="&lt;a b&gt;"' in html


def test_workers_executor_and_interpreter_are_asked_for_as_declared() -> None:
    html = form_of()
    workers = field(html, "workers")
    assert all(part in workers for part in ('value="4"', 'min="2"', 'max="8"'))
    assert "<option selected>processes</option>" in html
    assert re.search(r'value="/a/python3.12"[^>]* selected>3\.12\.1<', html)
    assert re.search(r'value="/b/python3.9" title="too old" disabled>3\.9\.18<', html)


def test_text_of_a_declaration_is_text() -> None:
    html = form_of()
    assert "It tries &lt;things&gt;." in html
    assert "Look at &lt;this&gt;." in html
