"""Formats to which a run can be exported: one module each behind `Exporter`, and the list of them.

The menu shows them in this order.
"""

from __future__ import annotations

from app.exporters.csv_rows import CsvRows
from app.exporters.exporter import Exporter
from app.exporters.folded import Folded
from app.exporters.html_page import HtmlPage
from app.exporters.json_summary import JsonSummary
from app.exporters.perfetto_trace import PerfettoTrace
from app.exporters.speedscope import Speedscope

EXPORTERS: tuple[Exporter, ...] = (
    PerfettoTrace(),
    Speedscope(),
    CsvRows(),
    Folded(),
    JsonSummary(),
    HtmlPage(),
)
FORMATS = tuple(exporter.name for exporter in EXPORTERS)
