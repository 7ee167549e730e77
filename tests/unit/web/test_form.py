"""The form that a workload's declaration makes."""

from __future__ import annotations

import json
import re
from html import unescape
from types import SimpleNamespace
from typing import Any

from app import assets
from app.runs.catalogue import ParamSpec

INTERPRETERS = [
    {
        "path": "/a/python3.12",
        "version": "3.12.1",
        "name": "3.12.1",
        "label": "3.12.1",
        "supported": True,
        "why": None,
        "chosen": True,
    },
    {
        "path": "/b/python3.9",
        "version": "3.9.18",
        "name": "3.9.18",
        "label": "3.9.18",
        "supported": False,
        "why": "too old",
        "chosen": False,
    },
]


def macros() -> Any:
    """What templates/partials/form.html defines."""
    return assets.templates().get_template("partials/form.html").module


def form_of(*params: ParamSpec, **declared: object) -> str:
    """The card of a workload with these parameters, as the lab renders it."""
    fields: dict[str, object] = {
        "name": "trial",
        "title": "A trial",
        "sentence": "It tries <things>.",
        "params": params,
        "executors": ("threads", "processes"),
        "executor": "processes",
        "workers": 4,
        "min_workers": 2,
        "max_workers": 8,
        "min_python": (3, 9),
        "look_for": ("Look at <this>.",),
        "why": (),
        "helps": (),
        "subject": "",
        "table": None,
        "mended": None,
    }
    workload = SimpleNamespace(**fields | declared)
    card = macros().workload_card
    return str(card(workload, (10.0, 0.1, 3600.0), {"threads": (3, 9), "processes": (3, 13)}))


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
    assert re.search(r'<option value="processes"[^>]* selected>processes<', html)
    python = re.search(r'<select[^>]*name="python"[^>]*>(.*?)</select>', html, re.DOTALL)
    assert python
    assert not python[1].strip(), "its options are the same in each form, and come from one"


def test_interpreters_are_offered_and_those_that_do_not_do_say_why() -> None:
    html = str(macros().interpreter_choice("own", INTERPRETERS))
    assert re.search(r'value="/a/python3.12"[^>]* selected>3\.12\.1<', html)
    assert re.search(r'value="/b/python3.9"[^>]* title="too old" disabled>3\.9\.18<', html)


def test_text_of_a_declaration_is_text() -> None:
    html = form_of()
    assert "It tries &lt;things&gt;." in html
    assert "Look at &lt;this&gt;." in html


def test_bounds_are_told_below_the_field() -> None:
    html = form_of(
        ParamSpec("tries", "int", 3, "How often.", 1, 90_000), ParamSpec("free", "float", 1.5, "Any.")
    )
    assert '<p class="help">How often. From 1 to 90,000.</p>' in html
    assert '<p class="help">Any.</p>' in html
    assert '<p class="help">From 2 to 8.</p>' in html, "of the workers"
    assert '<p class="help">From 0.1 to 3,600.</p>' in html, "of the seconds"


def test_what_cannot_be_chosen_is_not_asked_for() -> None:
    html = form_of(executors=("sequential",), executor="sequential", min_workers=1, max_workers=1)
    assert 'name="executor"' not in html
    assert 'name="workers"' not in html


def test_executors_carry_the_oldest_interpreter_that_does_them() -> None:
    assert '<option value="processes" data-least="3.13" selected>' in form_of()


def test_lines_are_written_in_a_field_of_several_lines() -> None:
    html = form_of(ParamSpec("code", "text", "a = 1\n<b>\n", "The lines."))
    assert re.search(r'<textarea[^>]* name="params.code"[^>]*>\na = 1\n&lt;b&gt;\n</textarea>', html)


def test_the_mended_variant_is_told_to_the_script() -> None:
    variant = SimpleNamespace(
        title='With a "lock"', workload=None, params={"lock": "<all>"}, executor=None, workers=2
    )
    html = form_of(mended=variant, why=("It is so.",), table={"columns": ["", "b"], "rows": [["c", "<d>"]]})
    found = re.search(r'data-mended="([^"]*)"', html)
    assert found
    assert json.loads(unescape(found[1])) == {
        "workload": None,
        "params": {"lock": "<all>"},
        "executor": None,
        "workers": 2,
    }
    assert "<h3>Why</h3><p>It is so.</p>" in html
    assert '<th scope="row">c</th><td class="text">&lt;d&gt;</td>' in html
