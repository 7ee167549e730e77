"""Scripts and commands through the interface: what they are given, what they print, what is shown of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

FACTS = """
import json, os, sys
folder = os.path.dirname(__file__)
print(json.dumps({
    "name": __name__, "file": __file__, "mode": os.stat(folder).st_mode & 0o777,
    "version": sys.version_info[:2], "token": os.environ.get("GILSCOPE_TOKEN"),
    "executor": os.environ["GILSCOPE_EXECUTOR"], "workers": os.environ["GILSCOPE_WORKERS"],
}))
"""


def outcome(site, **body: object) -> dict:
    """The run once it has ended: its stream closes then."""
    run = site.start(**body)
    with site.stream(run["id"]) as viewer:
        for _ in viewer:
            pass
    return site.client.get(f"/api/v1/runs/{run['id']}").json()


@pytest.fixture
def real(site_with):
    return site_with()


def test_a_script_is_run_as_main_from_a_private_file_that_is_gone_at_the_end(real, monkeypatch):
    monkeypatch.setenv("GILSCOPE_TOKEN", "hush")
    run = outcome(real, script=FACTS, executor="processes", workers=3)
    assert (run["kind"], run["state"], run["exit_code"]) == ("script", "finished", 0), run
    facts = json.loads(run["output"])
    assert (facts["name"], facts["mode"], facts["token"]) == ("__main__", 0o700, None)
    assert (facts["executor"], facts["workers"]) == ("processes", "3")
    assert run["python"].startswith(".".join(map(str, facts["version"])))
    assert run["environment"]["GILSCOPE_WORKERS"] == "3"
    assert not Path(facts["file"]).parent.exists()


def test_what_a_script_says_when_it_fails_is_in_its_output(real):
    run = outcome(real, script="print('before')\n1 / 0\n")
    assert (run["state"], run["exit_code"]) == ("failed", 1)
    assert run["error"]["detail"] == "ZeroDivisionError: division by zero (exit status 1)"
    assert run["error"]["remedy"] == ""
    summary = real.client.get(f"/api/v1/runs/{run['id']}/summary").json()
    assert summary["run"]["error"] == run["error"]
    assert summary["findings"] == []
    assert run["output"].startswith("before\n")
    assert "1 / 0" in run["output"]
    assert "ZeroDivisionError" in run["output"]


def test_the_end_of_much_output_is_kept(real):
    run = outcome(real, script="for i in range(200_000): print(f'line {i} ä')")
    assert run["state"] == "finished"
    assert run["output"].endswith("line 199998 ä\nline 199999 ä\n")
    assert 30_000 < len(run["output"]) <= 64 * 1024


def test_a_script_is_stopped_after_its_seconds_and_its_file_is_gone(real):
    run = outcome(real, script="import time\nprint(__file__)\ntime.sleep(60)", seconds=0.7)
    assert run["state"] == "timed_out"
    assert not Path(run["output"].strip()).parent.exists()


def test_a_commands_secrets_are_not_shown(real, monkeypatch):
    monkeypatch.setenv("PYTHON_API_TOKEN", "quite-secret")
    monkeypatch.setenv("UNRELATED", "unseen")
    command = ["sh", "-c", "exit 4", "--password", "quite-secret"]
    run = outcome(real, command=command)
    assert (run["state"], run["exit_code"]) == ("failed", 4)
    assert run["error"]["detail"] == "It ended with exit status 4"
    assert run["command"] == [*command[:-1], "***"]
    assert run["environment"]["PYTHON_API_TOKEN"] == "***"
    assert "UNRELATED" not in run["environment"]
    summary = real.client.get(f"/api/v1/runs/{run['id']}/summary").text
    assert "quite-secret" not in summary
    assert os.environ["UNRELATED"] == "unseen"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"script": "  \n"}, "script"),
        ({"script": "pass", "executor": "fibres"}, "executor"),
        ({"script": "pass", "workers": 0}, "workers"),
        ({"script": "pass", "params": {"a": 1}}, "params"),
        ({"script": "pass", "python": "snake"}, "python"),
        ({"script": "pass", "command": ["x"]}, "script"),
    ],
)
def test_a_script_that_cannot_be_run_is_refused(site, problem, body, field):
    problem(site.client.post("/api/v1/runs", json=body), 422, field)
