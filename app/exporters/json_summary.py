"""JSON: the summary, as `--json` prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from app.exporters.exporter import Source


class JsonSummary:
    """An Exporter."""

    name = "json"
    suffix = ".json"
    media_type = "application/json"
    title = "Summary (JSON)"

    def export(self, source: Source) -> Iterator[bytes]:
        """As Exporter says."""
        yield json.dumps(source.summary, ensure_ascii=False).encode()
