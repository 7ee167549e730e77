"""The line that says why a program failed is found in what real interpreters write."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.probe.program.last_words import exception_of, failure

NESTED = """
try:
    {}["key"]
except KeyError as error:
    raise ValueError("x") from error
"""
AFTER_ITS_OUTPUT = "print('said before, written after'); raise OSError(2, 'No such thing')"
GROUP = "raise ExceptionGroup('several', [ValueError('a'), ExceptionGroup('inner', [TypeError('b')])])"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("raise ValueError('x')", "ValueError: x"),
        ("def f():\n    1 / 0\nf()", "ZeroDivisionError: division by zero"),
        ("raise RuntimeError('two\\n\\nlines')", "RuntimeError: two"),
        (NESTED, "ValueError: x"),
        (AFTER_ITS_OUTPUT, "FileNotFoundError: [Errno 2] No such thing"),
        (GROUP, "ExceptionGroup: several (2 sub-exceptions)"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("class Odd(Exception): pass\nraise Odd('x')", "Odd: x"),
        ("import sys; sys.exit('no configuration')", None),
        ("print('all is well'); raise SystemExit(3)", None),
    ],
)
def test_the_exception_is_found(code: str, line: str | None) -> None:
    done = subprocess.run([sys.executable, "-c", code], stdout=-1, stderr=subprocess.STDOUT, text=True)
    assert done.returncode != 0
    assert exception_of(done.stdout) == line


@pytest.mark.parametrize(
    ("exit_code", "text", "said"),
    [
        (1, "Traceback (most recent call last):\n  File\nValueError: x\n", "ValueError: x (exit status 1)"),
        (-2, "KeyboardInterrupt\n", "KeyboardInterrupt (signal 2, SIGINT)"),
        (
            3,
            "Traceback (most recent call last):\n  File\nValueError: x\ngave up\n\n",
            "It ended with exit status 3; its last line: gave up",
        ),
        (
            127,
            "bash: x: command not found",
            "It ended with exit status 127; its last line: bash: x: command not found",
        ),
        (-9, "", "It ended with signal 9, SIGKILL"),
        (-40, " \n", "It ended with signal 40"),
    ],
)
def test_what_is_said_of_a_failure(exit_code: int, text: str, said: str) -> None:
    assert failure(exit_code, text) == said
