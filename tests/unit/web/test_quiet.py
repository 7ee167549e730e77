"""Warnings that clients can cause are logged seldom, errors always."""

from __future__ import annotations

import logging

from app.web.quiet import AGAIN_S, OnceAMinute


def record(message: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("uvicorn.error", level, "", 0, message, (), None)


def test_a_warning_is_logged_once_in_its_time_and_each_by_itself():
    now = [1000.0]
    seldom = OnceAMinute(lambda: now[0])
    assert [seldom.filter(record("one")) for _ in range(3)] == [True, False, False]
    assert seldom.filter(record("another"))
    now[0] += AGAIN_S
    assert [seldom.filter(record("one")) for _ in range(2)] == [True, False]


def test_every_error_is_logged():
    seldom = OnceAMinute()
    assert [seldom.filter(record("one", logging.ERROR)) for _ in range(3)] == [True, True, True]
