from __future__ import annotations

import pytest

from app.cli.tables import Column, render


def test_columns_line_up_under_their_headings() -> None:
    columns = [Column("thread"), Column("share", "right"), Column("")]
    assert render(columns, [["cpu-1", "9 %", "a"], ["main", "100 %", ""]]) == (
        "thread  share\ncpu-1     9 %  a\nmain    100 %"
    )


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        render([Column("a"), Column("b")], [["one"]])
