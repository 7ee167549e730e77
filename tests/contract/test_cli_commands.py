"""The command line as a shell sees it: standard output, standard error, exit status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from app.cli.main import app, main
from app.runs import settings
from app.runs.catalogue import load

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
GILSCOPE = [sys.executable, "-m", "app"]
LIMIT_S = 60


def _gilscope(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GILSCOPE, *words], capture_output=True, text=True, timeout=LIMIT_S, env=os.environ | environment
    )


@contextmanager
def _going(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A run whose progress line has shown the first figures; killed if the test leaves it alive."""
    process = subprocess.Popen([*GILSCOPE, "run", *words], stdout=-1, stderr=-1, text=True)
    with process:
        try:
            assert process.stderr is not None
            assert any("held" in line for line in process.stderr)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "cpu-bund"], "cpu-bound"),
        (["run", "cpu-bound", "-p", "nosuch=1"], "nosuch"),
        (["run", "cpu-bound", "-p", "kind"], "NAME=VALUE"),
        (["run", "cpu-bound", "--workers", "100000"], "workers"),
        (["run", "cpu-bound", "--seconds", "0"], "seconds"),
        (["run", "cpu-bound", "--executor", "fibres"], "fibres"),
        (["run", "cpu-bound", "--python", "2.7"], "2.7"),
        (["run", "cpu-bound", "--bogus"], "--bogus"),
        (["run", "cpu-bound", "--fail-on", "much"], "critical"),
        (["compare", "prims"], "Did you mean primes?"),
        (["compare", "last"], "Name a second one"),
        (["compare", "last", "last", "--repeats", "5"], "--repeats only goes with a workload"),
        (["compare", "a", "b", "c"], "3 names"),
        (["compare", "primes", "--workers", "1,many"], "'many' is none"),
        (["compare", "primes", "--executors", "fibres"], "fibres"),
        (["compare", "primes", "--repeats", "0"], "repeats"),
        (["nosuch"], "nosuch"),
        (["serve", "--port", "70000"], "port"),
    ],
)
def test_usage_is_refused_on_standard_error_with_status_2(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gilscope", *words])
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capfd.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert said in err


def test_a_bad_setting_is_named() -> None:
    done = _gilscope("run", "cpu-bound", GILSCOPE_MAX_RUNS="many")
    assert (done.returncode, done.stdout) == (2, "")
    assert "GILSCOPE_MAX_RUNS" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_catalogue_as_an_object_and_as_text() -> None:
    listed = json.loads(_gilscope("workloads", "--json").stdout)
    assert listed == json.loads(json.dumps(load().to_json()))
    text = _gilscope("workloads").stdout
    assert all(f"{workload['name']}: " in text for workload in listed["workloads"])


def test_the_interpreters_include_the_one_that_runs_this() -> None:
    listed = json.loads(_gilscope("pythons", "--json").stdout)["interpreters"]
    own = ".".join(map(str, sys.version_info[:3]))
    assert own in {one["version"] for one in listed}
    assert own in _gilscope("pythons").stdout


def test_the_result_is_on_standard_output_and_the_progress_on_standard_error() -> None:
    done = _gilscope("run", "io-bound", "--seconds", "1.5", "--workers", "2", "--json")
    summary = json.loads(done.stdout)
    assert done.returncode == 0
    assert summary["run"]["state"] == "finished"
    assert summary["workload"]["workers"] == 2
    assert re.search(r"^io-bound · threads 2 · CPython 3\.\d+\.\d+ · [\d.]+ s · .*held ", done.stderr, re.M)


def test_a_finding_that_is_grave_enough_is_status_5_and_another_is_none() -> None:
    words = ("run", "reference-cycles", "--seconds", "2", "--json", "--fail-on")
    found = _gilscope(*words, "warning")
    assert found.returncode == 5
    codes = {each["code"] for each in json.loads(found.stdout)["findings"]}
    assert "gc-pauses" in codes
    assert re.search(r"found at or above warning: .*gc-pauses", found.stderr)
    assert _gilscope("run", "io-bound", "--seconds", "1", "--fail-on", "critical").returncode == 0


def test_ctrl_c_stops_the_run_and_still_gives_its_result() -> None:
    with _going("cpu-bound", "--seconds", "60", "--json") as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=LIMIT_S)
    summary = json.loads(out)
    assert process.returncode == 0
    assert summary["run"]["state"] == "stopped"
    assert summary["gils"][0]["switches"] > 0


def test_an_experiment_gives_one_object_and_its_progress() -> None:
    words = ("cpu-bound", "--executors", "sequential,threads", "--workers", "1", "--seconds", "0.3")
    done = _gilscope("compare", *words, "--repeats", "1", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["state"]) == (0, "finished")
    for row in found["configurations"]:
        assert (row["repetitions"], row["workers"], len(row["runs"])) == (1, 1, 1)
        assert row["measures"]["ops_per_s"]["median"] > 0
        assert row["measures"]["cpu_s"]["median"] > 0
        assert row["measures"]["rss_peak"]["median"] > 2**20
        assert row["measures"]["start_up_s"]["median"] > 0
    assert found["verdict"]["says"] == "too-few"
    progress = done.stderr.splitlines()
    assert re.match(
        r"run 1 of 4 · \w+ with 1 worker on CPython [\d.]+ · warm-up · about \d+ s left$", progress[0]
    )
    assert len(progress) == 4 + sum(row["made_again"] for row in found["configurations"])


def test_ctrl_c_in_an_experiment_gives_what_was_measured_until_then() -> None:
    words = ("cpu-bound", "--executors", "threads", "--workers", "1", "--seconds", "0.3", "--repeats", "100")
    with subprocess.Popen([*GILSCOPE, "compare", *words], stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stderr is not None
            counting = (line for line in process.stderr if "warm-up" not in line and "again" not in line)
            assert next(counting)
            assert next(counting)  # one repetition, or more, has been measured
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "stopped early" in out
    assert re.search(r"^threads 1 · CPython [\d.]+ +[\d,.]+/s ", out, re.MULTILINE)


def test_a_target_that_fails_is_status_1_and_there_is_still_a_summary() -> None:
    with _going("cpu-bound", "--seconds", "60", "--json") as process:
        below = psutil.Process(process.pid).children(recursive=True)
        target = next(child for child in below if "app.workloads" in child.cmdline())
        target.kill()
        out, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert json.loads(out)["run"]["state"] == "failed"
    assert "gilscope: " in err
    assert "Traceback" not in err


def test_the_page_of_the_command_line_documents_every_command_and_option() -> None:
    documented = {
        match[1]: set(re.findall(r"--[a-z-]+", match[2]))
        for match in re.finditer(r"^gilscope (\w+)(.*)$", PAGE.split("```")[1], re.MULTILINE)
    }
    commands = _gilscope("--help", NO_COLOR="1").stdout.partition("Commands")[2]
    listed = re.findall(r"^\W*(\w+)  ", commands, re.MULTILINE)
    assert set(documented) == set(listed)
    for command, options in documented.items():
        told = CliRunner().invoke(app, [command, "--help"], env={"NO_COLOR": "1", "COLUMNS": "200"}).stdout
        assert options == set(re.findall(r"--[a-z-]+", told)) - {"--help", "--param"}, command


def test_the_page_of_the_command_line_documents_every_setting() -> None:
    assert set(re.findall(r"^\| `(GILSCOPE_\w+)`", PAGE, re.MULTILINE)) == {
        setting.env for setting in settings.documented()
    }
