"""Where the files of the front end lie: in the checkout, or in an installed wheel.

The build makes one script of each page's modules, and one sheet of all styles: the bundle (hatch_build.py).
In a checkout the sources may have changed since, and a page must show that: then it names the sources
themselves, each by its own address, and no bundle.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from app.model.errors import GilscopeError
from app.model.readings import READINGS

_APP = Path(__file__).resolve().parent
_ROOT = _APP if (_APP / "static").is_dir() else _APP.parent  # a wheel carries both folders inside `app`

STATIC = _ROOT / "static"
TEMPLATES = _ROOT / "templates"

# What stands before the address of a module that is imported, and the address.
IMPORTED = re.compile(r'^((?:import|export)\b(?:[^;"]*?\bfrom)?\s*)"(\.[^"]+)"', re.MULTILINE)
# The folder of modules of which one is imported by its name, known when the page runs.
NAMED = re.compile(r"\bimport\(`(\.[^`$]*)/\$\{name\}\.js`\)")


def templates() -> Environment:
    """The templates, which know the panels whose markup is written, readings, and a script's modules."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["panel_markup"] = environment.list_templates(
        filter_func=lambda name: name.startswith("panels/")
    )
    environment.globals["readings"] = [kind.type for kind in READINGS]
    environment.globals["modules_of"] = modules_of
    environment.globals["sheets"] = sheets
    environment.globals["bundle"] = bundle
    return environment


def bundle() -> Mapping[str, str] | None:
    """The bundle's files, by the source that each was made of; None where a source has changed since."""
    files, sources = _manifest()
    return files if _ROOT == _APP or _digests(_state()) == sources else None


@cache
def _manifest() -> tuple[dict[str, str], dict[str, str]]:
    """The bundle's files; the digests of the sources that they were made of. Both by the source's name."""
    try:
        manifest = json.loads((vendor() / "bundle/manifest.json").read_text())
    except FileNotFoundError:  # installed before there were bundles
        return {}, {}
    return manifest["files"], manifest["sources"]


def _state() -> frozenset[tuple[str, int, int]]:
    """The path, time and size of each source: while these are the same, so is what is in them."""
    return frozenset((entry.path, (at := entry.stat()).st_mtime_ns, at.st_size) for entry in _files(STATIC))


def _files(folder: str | os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry)
            else:
                yield entry


@lru_cache(maxsize=1)
def _digests(state: frozenset[tuple[str, int, int]]) -> dict[str, str]:
    """The SHA-256 of each source, as hatch_build.py writes them into the manifest."""
    paths = [Path(path) for path, _, _ in state]
    return {
        path.relative_to(STATIC).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }


def sheets() -> list[str]:
    """The names of the pages' sheets of styles, in their order."""
    return re.findall(r'^@import "\./(.+)\.css";$', (STATIC / "css/pages.css").read_text(), re.MULTILINE)


def modules_of(entry: str) -> list[str]:
    """The modules that are reached from `entry`, itself first; all as paths below static/js."""
    root = STATIC / "js"
    found = {entry: None}
    waiting = [entry]
    while waiting:
        path = root / waiting.pop()
        text = path.read_text()
        targets = [target for _, target in IMPORTED.findall(text)]
        targets += [f"{folder}/{kind.type}.js" for folder in NAMED.findall(text) for kind in READINGS]
        for target in targets:
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
