"""What people call a program, by its command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

_PYTHON = re.compile(r"python[\d.]*t?d?(\.exe)?")
_LONGEST = 60  # of a title that a program has given itself
_WITH_VALUE = "WX"  # options whose value is the next word, if it is not in the same


def name_of(command: Sequence[str]) -> str | None:
    """The module, the script or the console script that a Python runs, else the program; None of no words.

    `python -m http.server 80` is http.server, `python3.12 -u srv/app.py` is app.py, `python /bin/gunicorn` is
    gunicorn, `/bin/sh x.sh` is sh. A program that has set its title is called by that.
    """
    words = [word for word in command if word]
    if not words:
        return None
    program = PurePath(words[0]).name or words[0]
    if is_python(program):
        return _run_by(program, words[1:])
    return words[0][:_LONGEST] if len(words) == 1 and " " in words[0] else program


def is_python(program: str) -> bool:
    """Whether a program, by its path or its name, is called as a CPython is."""
    return _PYTHON.fullmatch(PurePath(program).name) is not None


def _run_by(python: str, words: Sequence[str]) -> str:
    rest = iter(words)
    for word in rest:
        if word == "-" or not word.startswith("-"):
            return python if word == "-" else _script(word)
        if word.startswith("--"):
            if word == "--check-hash-based-pycs":
                next(rest, None)
            continue
        for place, letter in enumerate(word[1:], 2):
            if letter == "m":
                return word[place:] or next(rest, python)
            if letter == "c":
                return f"{python} -c"
            if letter in _WITH_VALUE:
                if not word[place:]:
                    next(rest, None)
                break
    return python


def _script(path: str) -> str:
    file = PurePath(path)
    return file.parent.name if file.name == "__main__.py" and file.parent.name else file.name or path
