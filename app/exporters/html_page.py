"""HTML: one file with the page of a run and its data, that opens without a server and asks for nothing.

The page's own modules stand in it as data URLs, by names that an import map resolves. Its data are

    {"header", "run", "summary", "notes", "span", "timeline", "lines"}

as a server tells them, compressed. `span` is null, or {"from_us", "to_us", "summary"} of the time that the
page opens at: of every other part of the run it has no figures, and says so. `lines` are the messages that
the timeline is drawn from, null where they would not fit: then the page has shares of time alone, in bins.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from app import assets
from app.exporters.exporter import Source

MOST_BYTES = 2_000_000
_DATA_BYTES = 900_000  # compressed; in base64 a third more
_BINS = (2048, 1024, 512, 256)
_PREFIX = "gilscope/"
_ENTRY = "pages/report.js"
_SHEETS = (
    "tokens",
    "base",
    "run",
    "timeline",
    "panels",
    "causes",
    "where",
    "memory",
    "lessons",
    "graph",
    "ladder",
    "workbench",
)
_DRAWN = tuple(f'{{"type":"{kind}"' for kind in ("names", "process", "frame", "cluster", "report", "end"))

Json = dict[str, Any]


class HtmlPage:
    """An Exporter."""

    name = "html"
    suffix = ".html"
    media_type = "text/html; charset=utf-8"
    title = "Page in one file (HTML)"

    def export(self, source: Source) -> Iterator[bytes]:
        """As Exporter says."""
        page = (
            assets.templates()
            .get_template("report.html")
            .render(
                name=source.run["name"],
                exporters=(),
                styles=_styles(),
                theme=(assets.STATIC / "js/theme.js").read_text(),
                imports=json.dumps({"imports": _modules(_ENTRY)}),
                entry=_PREFIX + _ENTRY,
                data=base64.b64encode(_data(source)).decode(),
            )
        )
        yield page.encode()


def _data(source: Source) -> bytes:
    """What the page shows, compressed; as much of it as fits."""
    told: Json = {"header": _header(source), "run": source.run, "summary": source.summary}
    told |= {"span": _span(source), "notes": list(source.notes)}
    told |= {"timeline": None, "lines": _lines(source.lines(), _DATA_BYTES // 2)}
    packed = _packed(told)
    if told["lines"] is None and source.header is not None:
        for bins in _BINS:
            packed = _packed({**told, "timeline": source.timeline(bins)})
            if len(packed) <= _DATA_BYTES:
                break
    return packed


def _span(source: Source) -> Json | None:
    """The time that it opens at, with its figures."""
    if source.span is None:
        return None
    from_us, to_us = source.span
    return {"from_us": from_us, "to_us": to_us, "summary": source.within()}


def _header(source: Source) -> Json | None:
    """The header without the findings so far: the summary tells all of them."""
    header = source.header
    if header is None or header["figures"] is None:
        return header
    figures = {name: value for name, value in header["figures"].items() if not name.startswith("findings")}
    return {**header, "figures": figures}


def _lines(lines: Iterator[str], most_bytes: int) -> list[str] | None:
    """The messages that a timeline is drawn from; None where they are more than so many bytes, compressed."""
    compressor = zlib.compressobj(6)
    size = 0
    kept = []
    for line in lines:
        if line.startswith(_DRAWN):
            kept.append(line)
            size += len(compressor.compress(line.encode()))
            if size > most_bytes:
                return None
    return kept


def _packed(told: Json) -> bytes:
    return gzip.compress(json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode(), mtime=0)


def _styles() -> str:
    sheets = [assets.vendor() / "uplot/uPlot.min.css"]
    sheets += [assets.STATIC / f"css/{sheet}.css" for sheet in _SHEETS]
    return "\n".join(sheet.read_text() for sheet in sheets)


def _modules(entry: str) -> dict[str, str]:
    """A data URL for each module that is reached from `entry`, by the name that others import it by."""
    root = assets.STATIC / "js"
    found = {"uplot": _url((assets.vendor() / "uplot/uPlot.esm.js").read_text())}
    for name in assets.modules_of(entry):
        path = root / name
        text = assets.IMPORTED.sub(partial(_renamed, path, root), path.read_text())
        text = assets.NAMED.sub(partial(_folder_renamed, path, root), text)
        found[_PREFIX + name] = _url(text)
    return found


def _renamed(path: Path, root: Path, match: re.Match[str]) -> str:
    """An import by its name in the import map: of a data URL there is no relative path."""
    return f'{match[1]}"{_PREFIX}{_target(path, root, match[2])}"'


def _folder_renamed(path: Path, root: Path, match: re.Match[str]) -> str:
    """The same, of one whose name is known when the page runs."""
    return f"import(`{_PREFIX}{_target(path, root, match[1])}/${{name}}.js`)"


def _target(path: Path, root: Path, relative: str) -> str:
    return (path.parent / relative).resolve().relative_to(root.resolve()).as_posix()


def _url(text: str) -> str:
    return "data:text/javascript;base64," + base64.b64encode(text.encode()).decode()
