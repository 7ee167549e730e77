"""No secret in what is shown, and nothing lost that is none."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model import redaction
from app.model.redaction import BLANK

SECRET = st.text(string.ascii_letters + string.digits, min_size=12, max_size=40).map(
    lambda text: "zQ7" + text
)
NAMES = st.sampled_from(
    [
        "TOKEN",
        "API_TOKEN",
        "SECRET",
        "AWS_SECRET_ACCESS_KEY",
        "PASSWORD",
        "DB_PASSWD",
        "API_KEY",
        "apikey",
        "MYKEY",
        "DB_PASS",
        "DB_PWD",
        "SENTRY_DSN",
        "CREDENTIALS",
        "private-key",
        "client.secret",
    ]
)
WORDS = st.lists(st.text(max_size=30), max_size=6)
FORMS = st.sampled_from(
    [
        ["--{name}={secret}"],
        ["--{name}", "{secret}"],
        ["-{name}", "{secret}"],
        ["{name}={secret}"],
        ["{name}={secret} and more"],
        ["https://user:{secret}@host:80/path"],
        ["--url=postgresql+driver://user:{secret}@host/db"],
        ["https://host/path?x=1&{name}={secret}&y=2"],
        ["-u", "user:{secret}"],
        ["-H", "Authorization: Bearer {secret}"],
        ["-H", "authorization: Basic {secret}"],
        ['{{"{name}": "{secret}", "other": 1}}'],
        ["-c", "import x; {name} = '{secret}'; x.run()"],
        ["sk-{secret}{secret}"],
        ["before ghp_{secret}{secret} after"],
    ]
)


@given(before=WORDS, form=FORMS, name=NAMES, secret=SECRET, after=WORDS)
def test_no_form_of_a_secret_is_shown(before, form, name, secret, after) -> None:
    words = [word.format(name=name, secret=secret) for word in form]
    shown = redaction.command([*before, *words, *after])
    assert len(shown) == len(before) + len(words) + len(after)
    assert secret not in " ".join(shown)
    assert BLANK in " ".join(shown)


@given(
    words=st.lists(st.one_of(st.text(max_size=30), st.from_regex(r"-{0,2}(token|x)=?\S{0,9}")), max_size=8)
)
def test_what_is_blanked_stays_as_it_is(words) -> None:
    once = redaction.command(words)
    assert redaction.command(once) == once


@given(name=NAMES, secret=SECRET)
def test_a_variable_of_such_a_name_is_blanked(name, secret) -> None:
    assert redaction.environment({name: secret, "HOME": "/home/x"}) == {name: BLANK, "HOME": "/home/x"}


@pytest.mark.parametrize("length", [24, 32, 40, 64])
def test_a_long_random_value_is_blanked_whatever_its_name(length: int) -> None:
    value = ("3fA9c0D7e1B84a6F5d2C" * 4)[:length]
    assert redaction.command(["--id", "--seal=" + value]) == ["--id", "--seal=" + BLANK]


@pytest.mark.parametrize(
    "words",
    [
        ["python3", "-m", "uvicorn", "app:app", "--port", "8000", "--workers", "4"],
        ["gunicorn", "--bind", "127.0.0.1:8000", "--worker-class=gthread", "--threads=8", "project.wsgi"],
        ["python3", "train.py", "--data=/srv/data/2024-11-05/experiments/run7/part-0001.parquet"],
        ["python3", "-c", "print('the monkeypatch of a tokenizer keeps keywords')"],
        ["celery", "-A", "proj", "worker", "--concurrency=10", "-n", "worker1@%h"],
        ["curl", "https://example.org/a?b=c&d=e", "-u", "user"],
        ["python3", "x.py", "--bypass", "all", "--keyword", "a", "--author=me", "--compass=n"],
        ["env", "PYTHONPATH=/a:/b", "PWD=/home/x", "OLDPWD=/home"],
    ],
)
def test_what_is_no_secret_is_left_alone(words: list[str]) -> None:
    assert redaction.command(words) == words


def test_an_option_without_a_value_takes_no_other_option_for_it() -> None:
    assert redaction.command(["--ask-password", "--verbose", "x"]) == ["--ask-password", "--verbose", "x"]
