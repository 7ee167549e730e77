"""What an attached process is called."""

import pytest

from app.model.program import name_of


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python app.py", "app.py"),
        ("/usr/bin/python3.12 -u /srv/shop/app.py --port 80", "app.py"),
        ("python3 -m http.server 8000", "http.server"),
        ("python3.13t -Xgil=0 -W ignore -m pytest -q", "pytest"),
        ("python -X dev -Im shop.worker", "shop.worker"),
        ("python -mtimeit pass", "timeit"),
        ("/venv/bin/python /venv/bin/gunicorn app:app -w 4", "gunicorn"),
        ("python --check-hash-based-pycs always tool.py", "tool.py"),
        ("python shop/__main__.py", "shop"),
        ("python3 -c pass", "python3 -c"),
        ("python3 -ic pass", "python3 -c"),
        ("python3.11", "python3.11"),
        ("python3 -", "python3"),
        ("uwsgi --http :80", "uwsgi"),
        ("/bin/sh run.sh", "sh"),
    ],
)
def test_a_program_is_called_by_what_runs_in_it(command, name):
    assert name_of(command.split()) == name


def test_a_program_that_has_set_its_title_is_called_by_that():
    assert name_of(["gunicorn: master [shop:app]", "", ""]) == "gunicorn: master [shop:app]"
    assert name_of(["postgres: " + "x" * 200]) == "postgres: " + "x" * 50


def test_of_no_words_there_is_no_name():
    assert name_of([]) is name_of(["", ""]) is None
