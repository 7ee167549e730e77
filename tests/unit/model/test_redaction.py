"""No secret in what is shown, nothing lost that is none, and no text that takes long."""

from __future__ import annotations

import shlex
import string
import time

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


KEY = "zQ7fA9c0D7e1B84a6F5d2C93"
# Each as a shell takes it, `{}` being the secret.
KNOWN_FORMS = [
    "app --password {}",
    "app --password={}",
    "app -password {}",
    "app --auth {}",
    "app --basic-auth=user:{}",
    "app --api-key {} serve",
    "app --pwd {}",
    "env DB_PASS={} app",
    "mysql -uroot -p{} shop",
    "mysqldump --all -p{}",
    "mariadb -p'{}'",
    "sshpass -p {} ssh host",
    "sshpass -p{} ssh host",
    "redis-cli -h cache -a {} ping",
    "mongosh -u root -p {}",
    "docker login -u me -p {} registry",
    "ldapsearch -x -D cn=me -w {}",
    "7z x -p{} a.7z",
    "unzip -P {} a.zip",
    "sqlcmd -U sa -P {}",
    "ipmitool -H host -P {} power status",
    "smbclient -U me%{} //host/share",
    "curl -u me:{} host",
    "curl -ume:{} host",
    "curl -H 'Authorization: Basic {}' host",
    "curl -H 'Authorization: token {}' host",
    "curl -H 'X-Api-Key: {}' host",
    "curl -H 'Cookie: a=b; session={}' host",
    "curl --cookie 'a=b; id={}' host",
    "curl 'https://host/?a=b&sig={}&c=d'",
    "curl 'https://host/?access_token={}'",
    "git clone https://me:{}@host/x.git",
    "rsync me:{}@host/x .",
    "psql 'host=db password={} dbname=x'",
    "psql \"host=db password='{} with spaces' dbname=x\"",
    "openssl rsa -passin pass:{}",
    "aws configure set aws_secret_access_key {}",
    "sh -c 'mysql -p{} shop'",
    "sh -c 'export API_TOKEN={}; app'",
    "bash -c \"sshpass -p '{}' ssh host\"",
    "sh -c 'app --token {} && other'",
    "python3 -c 'import x; x.login(password=\"{}\")'",
    'app \'{{"client_secret": "{}", "a": 1}}\'',
    "app 'Server=db;Uid=sa;Pwd={};'",
]
ISSUED = [
    "5f4dcc3b5aa765d61d8327deb882cf995f4dcc3b",
    "ghp_zQ7fA9c0D7e1B84a6F5d2C93zQ7fA9c0D7e1",
    "github_pat_11ABCDEFG0zQ7fA9c0D7e1_B84a6F5d2C93zQ7fA9c0",
    "glpat-zQ7fA9c0D7e1B84a6F5d",
    "sk-proj-zQ7fA9c0D7e1B84a6F5d2C93",
    "sk_live_zQ7fA9c0D7e1B84a6F5d2C93",
    "xoxb-123456789012-zQ7fA9c0D7e1B84a6F5d2C93",
    "AKIAZQ7FA9C0D7E1B84A",
    "AIzaSyzQ7fA9c0D7e1B84a6F5d2C93zQ7fA9c0D7e",
    "hf_zQ7fAcDeBaFdCzQfAcDeBaFdCzQfAcDeBa",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.zQ7fA9c0D7e1B84a6F5d2C93zQ7fA9c0",
    "zQ7fA9c0D7e1B84a6F5d2C93zQ7fA9c0D7e1B84a6",
]
HOSTILE = [
    *"xstpk=:@/-_.;\0\té\u017f\ud800",
    *(
        "ts",
        "pas",
        "pass",
        "key",
        "key.",
        "key a ",
        "key=a;",
        "token: ",
        "--token X ",
        "secret",
        "passw",
        "SESS_",
    ),
    *('"', "'", '" ', '"secret": "a",', "authorization: ", "bearer a ", "-u a:b ", "\0-u", "-p x ", "a=1"),
    *("mysql ", "\0mysql", "mysql -px ", "redis-cli -a x ", "az login ", "://", "://a:", "://a:b@", ":a@"),
    *("eyJ", "-eyJ", "eyJa.", "sk-", "sk-aaaaaaaaaaaaaaaa ", "AKIA", "hf_", "xox", "1", "1a", "aA1", "aA1-"),
    *("0123456789abcdef" * 2 + " ", "0123456789abcdef" * 2 + "g ", "aB3" * 11 + " ", "=" + "a" * 24 + "1\0"),
]


@pytest.mark.parametrize("form", KNOWN_FORMS)
@pytest.mark.parametrize("secret", ["hunter2", KEY])
def test_every_known_form_is_blanked(form: str, secret: str) -> None:
    shown = redaction.command(shlex.split(form.format(secret)))
    assert secret not in " ".join(shown)
    assert BLANK in " ".join(shown)
    assert shown[0] == shlex.split(form)[0]


@pytest.mark.parametrize("secret", ISSUED)
@pytest.mark.parametrize("form", ["app {}", "app --seal {} x", "sh -c 'app {}; x'", "app https://host/{}/x"])
def test_what_is_plainly_issued_or_random_is_blanked_wherever_it_stands(form: str, secret: str) -> None:
    shown = " ".join(redaction.command(shlex.split(form.format(secret))))
    assert all(part not in shown for part in secret.split("."))


@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_no_text_takes_long(unit: str) -> None:
    """At most some 50 ns of CPU a character, quiet: five times that is let pass here."""
    words = (unit * (60_000 // len(unit))).split("\0")
    took_s = []
    for _ in range(3):
        began_s = time.thread_time()
        redaction.command(words)
        took_s.append(time.thread_time() - began_s)
    assert min(took_s) / 60_000 < 250e-9


def test_a_long_command_line_is_cut_and_says_so() -> None:
    *_, last = redaction.command(["python3", "-c", "x" * 100_000])
    assert len(last) < redaction.MOST_CHARACTERS
    kept, _, left_out = last.partition("… ")
    assert int(left_out.removesuffix(" characters more").replace(",", "")) + len(kept) == 100_000


@pytest.mark.parametrize("unit", [" key=a;", "--token X ", "key a ", "mysql -px "])
def test_after_too_many_names_the_rest_is_cut(unit: str) -> None:
    shown = " ".join(redaction.command([unit * 1000 + "password=hunter2"]))
    assert "hunter2" not in shown
    assert shown.endswith("characters more")


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
        ["docker", "run", "-p", "8080:80", "--rm", "python:3.11@sha256:0a1b", "ssh", "-p", "22", "host"],
        ["mysql", "-p", "shop", "-u", "root"],
        [
            "python3",
            "-m",
            "my_long_package_name_of_2024.module",
            "--out=/srv/run7/some-Long-File-name-1-2.csv",
        ],
        ["env", "PYTHONPATH=/a:/b", "PWD=/home/x", "OLDPWD=/home"],
    ],
)
def test_what_is_no_secret_is_left_alone(words: list[str]) -> None:
    assert redaction.command(words) == words


def test_an_option_without_a_value_takes_no_other_option_for_it() -> None:
    assert redaction.command(["--ask-password", "--verbose", "x"]) == ["--ask-password", "--verbose", "x"]
