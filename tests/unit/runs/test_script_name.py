"""What a script's run is called."""

from __future__ import annotations

import pytest

from app.runs.script_name import script_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"""Four threads that hash."""\nimport hashlib\n', "Four threads that hash."),
        ('"""\nFour threads that hash.\n\nAnd more.\n"""\n', "Four threads that hash."),
        ("'one line'\n", "one line"),
        ("#!/usr/bin/python3\n# -*- coding: utf-8 -*-\n\n# Prices of the day\nx = 1\n", "Prices of the day"),
        ("\n\nimport os\n# later\n", "script"),
        ("TOKEN = 'secret'\n", "script"),
        ("# started with --password hunter2\n", "started with --password ***"),
        ('""""""\n', "script"),
        ("#\n", "script"),
        ("", "script"),
        ('"""' + "word " * 40 + '"""', "word " * 10 + "word …"),
    ],
)
def test_it_is_what_the_script_says_of_itself_and_never_its_code(text: str, name: str) -> None:
    assert script_name(text) == name
