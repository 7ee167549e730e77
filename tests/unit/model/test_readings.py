"""The one list of readings: each floor has a module of each name, and none that is not listed."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from app.analysis.readings.kept import Kept
from app.model.frames import STANDING, decode, encode
from app.model.readings import READINGS
from app.model.readings.reading import ProcessReading
from app.probe.processes.seldom.read import SeldomRead

ROOT = Path(__file__).parents[3]
NAMES = [kind.type for kind in READINGS]


def test_each_name_stands_for_one_reading():
    assert len(set(NAMES)) == len(NAMES)
    assert all(kind.__module__ == f"app.model.readings.{kind.type}" for kind in READINGS)


@pytest.mark.parametrize("kind", READINGS, ids=NAMES)
def test_each_floor_has_a_module_of_its_name(kind: type[ProcessReading]):
    assert issubclass(import_module(f"app.probe.processes.seldom.{kind.type}").READS, SeldomRead)
    kept = import_module(f"app.analysis.readings.{kind.type}").KEPT
    assert issubclass(kept, Kept)
    assert kept.message is kind
    assert STANDING[kind] == ("pid",)


@pytest.mark.parametrize(
    ("folder", "suffix", "others"),
    [
        ("app/model/readings", ".py", {"__init__", "reading"}),
        ("app/analysis/readings", ".py", {"__init__", "kept"}),
        ("static/js/widgets/panels/readings", ".js", set()),
    ],
)
def test_no_module_is_of_a_name_that_is_not_listed(folder: str, suffix: str, others: set[str]):
    assert {path.stem for path in (ROOT / folder).glob(f"*{suffix}")} - others == set(NAMES)


@pytest.mark.parametrize("kind", READINGS, ids=NAMES)
def test_a_panel_tells_its_name_and_has_markup_of_it(kind: type[ProcessReading]):
    script = (ROOT / f"static/js/widgets/panels/readings/{kind.type}.js").read_text()
    assert "export const panel = {" in script
    assert f'key: "{kind.type}"' in script
    assert f'data-panel="{kind.type}"' in (ROOT / f"templates/panels/{kind.type}.html").read_text()


@pytest.mark.parametrize("kind", READINGS, ids=NAMES)
def test_a_reading_is_a_message(kind: type[ProcessReading]):
    values = {field.name: 1 for field in fields(kind) if field.default_factory is not list}
    message = kind(**values)
    assert decode(encode(message, 3)) == message
