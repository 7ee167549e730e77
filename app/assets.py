"""Where the files of the front end lie: in the checkout, or in an installed wheel."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from app.model.errors import GilscopeError

_APP = Path(__file__).resolve().parent
_ROOT = _APP if (_APP / "static").is_dir() else _APP.parent  # a wheel carries both folders inside `app`

STATIC = _ROOT / "static"
TEMPLATES = _ROOT / "templates"


def templates() -> Environment:
    """The templates, which know the panels whose markup is written."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    environment.globals["panel_markup"] = environment.list_templates(
        filter_func=lambda name: name.startswith("panels/")
    )
    return environment


def vendor() -> Path:
    """The scripts of others that the build fetched; GilscopeError if this installation has none."""
    spec = find_spec("app_vendor")
    if spec is None or not spec.submodule_search_locations:
        raise GilscopeError(
            "This installation lacks the chart library, which the build fetches",
            "Install it again: `make install` in a checkout, else `pip install --force-reinstall gilscope`.",
        )
    return Path(spec.submodule_search_locations[0])
