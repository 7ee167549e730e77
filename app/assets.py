"""Where the files of the front end lie: in the checkout, or in an installed wheel."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from app.model.errors import GilscopeError

_APP = Path(__file__).resolve().parent
_ROOT = _APP if (_APP / "static").is_dir() else _APP.parent  # a wheel carries both folders inside `app`

STATIC = _ROOT / "static"
TEMPLATES = _ROOT / "templates"

# What stands before the address of a module that is imported, and the address.
IMPORTED = re.compile(r'^((?:import|export)\b(?:[^;"]*?\bfrom)?\s*)"(\.[^"]+)"', re.MULTILINE)


def templates() -> Environment:
    """The templates, which know the panels whose markup is written, and the modules that a script needs."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    environment.globals["panel_markup"] = environment.list_templates(
        filter_func=lambda name: name.startswith("panels/")
    )
    environment.globals["modules_of"] = modules_of
    return environment


@cache
def modules_of(entry: str) -> list[str]:
    """The modules that are reached from `entry`, itself first; all as paths below static/js."""
    root = STATIC / "js"
    found = {entry: None}
    waiting = [entry]
    while waiting:
        path = root / waiting.pop()
        for _, target in IMPORTED.findall(path.read_text()):
            name = (path.parent / target).resolve().relative_to(root.resolve()).as_posix()
            if name not in found:
                found[name] = None
                waiting.append(name)
    return list(found)


def vendor() -> Path:
    """The scripts of others that the build fetched; GilscopeError if this installation has none."""
    spec = find_spec("app_vendor")
    if spec is None or not spec.submodule_search_locations:
        raise GilscopeError(
            "This installation lacks the chart library, which the build fetches",
            "Install it again: `make install` in a checkout, else `pip install --force-reinstall gilscope`.",
        )
    return Path(spec.submodule_search_locations[0])
