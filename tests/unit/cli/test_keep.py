"""Commands about what the archive keeps, of several runs at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import recorded

from app.cli.keep import import_file
from app.model.errors import NotReadable


def test_what_was_taken_in_is_told_though_the_next_file_is_no_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GILSCOPE_DATA_DIR", str(tmp_path / "data"))
    good = recorded.write(tmp_path / "good.jsonl", seconds=1, run={"id": "good1"})
    with pytest.raises(NotReadable):
        import_file([str(good), "/dev/null"])
    assert capsys.readouterr().out.split() == ["good1"]
