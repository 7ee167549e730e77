"""`allocate`: every language that is there does the same work, and what is missing is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest
from support.by_hand import until
from support.interpreters import FREE_THREADED

from app.workloads import catalogue
from app.workloads.languages import build, protocol
from app.workloads.languages.allocate import thread_counts
from app.workloads.languages.runtimes import LanguageRuntime, Missing, wanted
from app.workloads.picture import steps

ROOT = Path(__file__).parents[3]
Observe = Callable[..., Any]  # the fixture: it starts a Target of conftest.py
LIMIT_S = 60.0
SMALL = {"threads": 2, "depth": 8, "keep": 2}
RUNTIMES = {runtime.key: runtime for runtime in wanted(catalogue.find("allocate").check_params({**SMALL}))}


def _command(runtime: LanguageRuntime, **params: Any) -> list[str]:
    checked = catalogue.find("allocate").check_params({**SMALL, **params})
    return runtime.command(checked, _never)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which both programs are compiled, however long that takes on this machine."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        for runtime in RUNTIMES.values():
            if runtime.compiled:
                _command(runtime)
    return folder


def _run(seconds: float, environment: dict[str, str], **params: Any) -> dict[str, Any]:
    command = [sys.executable, "-W", "error", "-m", "app.workloads", "run", "allocate"]
    ended = subprocess.run(
        [*command, "--seconds", str(seconds), "--params", json.dumps({**SMALL, **params})],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds + LIMIT_S,
    )
    assert ended.returncode == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def _is_whole(result: dict[str, Any]) -> bool:
    """Whether every runtime built trees in both phases, on counted CPU time, until its collector came."""
    return not (result["failed"] or result["not_reached"]) and all(
        len(runtime["phases"]) == 2
        and all(phase["trees"] and phase["cores"] for phase in runtime["phases"])
        and (runtime["pauses"]["count"] or runtime["name"].startswith("C++"))
        for runtime in result["runtimes"]
    )


def _per_cpu_second(phase: dict[str, Any]) -> float:
    return float(phase["nodes_per_s"] / phase["cores"])


def test_every_language_does_the_same_work_on_one_clock(cache: Path):
    environment = {
        "PATH": os.environ["PATH"],
        "XDG_CACHE_HOME": str(cache),
        "GILSCOPE_PYTHONS": os.pathsep.join(found.path for found in FREE_THREADED.found),
    }
    result = until(_is_whole, lambda seconds: _run(seconds, environment), 5)
    assert not result["failed"]
    assert not result["not_reached"]
    measured = {runtime["key"]: runtime for runtime in result["runtimes"]}
    assert list(measured) == [key for key in RUNTIMES if key != "free-threaded" or FREE_THREADED.found]
    assert len({runtime["pid"] for runtime in result["runtimes"]}) == len(measured)
    for runtime in result["runtimes"]:
        assert [phase["threads"] for phase in runtime["phases"]] == [1, 2]
        assert all(phase["trees"] > 0 for phase in runtime["phases"])
        assert runtime["peak_rss_bytes"] > 1_000_000
        instants = [at for at, _ in (*runtime["rss"], *runtime["longest_pauses"])]
        assert 0 <= min(instants) <= max(instants) <= result["seconds"]
        assert runtime["pauses"]["count"] >= len(runtime["longest_pauses"])
    assert result["ops"] >= sum(phase["trees"] for each in result["runtimes"] for phase in each["phases"])
    assert all(
        (each["pauses"]["count"] > 0) == (not each["name"].startswith("C++")) for each in measured.values()
    )
    assert measured["python"]["phases"][-1]["cores"] < 1.2
    # A tree in C++ is tens of times faster than one in Python: of the CPU time that each was given.
    speed = {key: _per_cpu_second(runtime["phases"][0]) for key, runtime in measured.items()}
    assert speed["unique_ptr"] > 2 * speed["python"]


def test_the_result_is_told_in_a_table_in_pictures_and_in_sentences(cache: Path):
    environment = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(cache)}
    result = _run(1.5, environment, java=False, free_threaded="none")
    assert [row[0].split()[0] for row in result["table"]["rows"]] == ["CPython", "C++", "C++"]
    assert {len(row) for row in result["table"]["rows"]} == {len(result["table"]["columns"])}
    scaling, memory = result["pictures"]
    for picture in (scaling, memory):
        assert ElementTree.fromstring(picture["svg"]).tag == "{http://www.w3.org/2000/svg}svg"
    assert "C++ unique_ptr" in memory["alt"]
    assert [sentence.split(" made")[0] for sentence in result["showed"]] == [
        row[0] for row in result["table"]["rows"]
    ]


def test_what_is_missing_is_said_and_the_rest_runs(tmp_path: Path):
    result = until(
        lambda result: result["ops"],
        lambda seconds: _run(seconds, {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}),
        0.6,
    )
    assert [runtime["key"] for runtime in result["runtimes"]] == ["python"]
    assert result["runtimes"][0]["phases"][0]["trees"] > 0
    lacks = {lack["name"]: (lack["why"], lack["remedy"]) for lack in result["missing"]}
    assert lacks["Java"][0] == "there is no javac on PATH"
    assert "default-jdk-headless" in lacks["Java"][1]
    assert lacks["C++ unique_ptr"][0] == "there is no g++ on PATH"
    assert lacks["free-threaded CPython"][0] == "no free-threaded CPython was found"
    assert sum("apt-get install" in sentence for sentence in result["showed"]) == 3
    assert not list(tmp_path.iterdir())


def test_an_interpreter_that_has_a_gil_is_not_taken_for_one_without():
    with pytest.raises(Missing, match="no free-threaded CPython"):
        _command(RUNTIMES["free-threaded"], free_threaded=sys.executable)


@pytest.mark.parametrize("key", ["python", "java", "shared_ptr", "unique_ptr"])
def test_a_program_ends_with_its_input_amid_a_phase(key: str, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    program = subprocess.Popen(_command(RUNTIMES[key]), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with program:
        assert program.stdin
        assert program.stdout
        program.stdin.write(protocol.phase_line(2, LIMIT_S))
        program.stdin.flush()
        said: Any = {}
        while not (isinstance(said, dict) and said.get("trees")):
            said = protocol.parse(program.stdout.readline().decode())
        program.stdin.close()
        assert program.wait(LIMIT_S) == 0


def test_told_to_stop_it_leaves_no_program_behind(observe: Observe):
    target = observe("allocate", "--seconds", "60", "--params", '{"java": false, "cpp": false}')
    target.wait_until_ready()
    target.go()
    pid = target.receive("runtime")["pid"]
    target.pids.append(pid)
    target.wait_until_at_work()
    target.words[0] = 1
    asked = time.monotonic()
    result = target.receive("result")
    assert time.monotonic() - asked < 1.0
    assert result["runtimes"][0]["pid"] == pid
    assert result["not_reached"] == [] or result["not_reached"] == ["free-threaded CPython"]
    target.assert_nothing_left()


# ---- building


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler that notes each use, and says so in its output."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    script = tmp_path / "compiler"
    script.write_text(f'#!/bin/sh\necho used >> {tmp_path}/uses\ncp "$3" "$2"\n')
    script.chmod(0o755)
    return script


def _never() -> bool:
    return False


def _built(compiler: Path, stopping: Callable[[], bool] = _never) -> Path:
    return build.built("allocate.cpp", str(compiler), ("-O2",), ("{}/allocate",), stopping)


def _uses(compiler: Path) -> int:
    return len(compiler.with_name("uses").read_text().split())


def test_what_was_built_is_kept_until_the_compiler_changes(compiler: Path):
    first = _built(compiler)
    assert (first / "allocate").read_bytes() == (build.SOURCES / "allocate.cpp").read_bytes()
    assert _built(compiler) == first
    assert _uses(compiler) == 1
    compiler.write_text(compiler.read_text() + "# another version\n")
    assert _built(compiler) != first
    assert _uses(compiler) == 2


def test_two_that_build_at_once_get_the_same_program(compiler: Path):
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(_built, [compiler] * 4))
    assert len(folders) == 1
    assert list(build.cache_folder().iterdir()) == list(folders)


def test_a_compiler_that_fails_is_quoted(compiler: Path):
    compiler.write_text("#!/bin/sh\necho no such flag >&2\nexit 3\n")
    with pytest.raises(build.BuildFailed, match="ended with status 3: no such flag"):
        _built(compiler)
    assert not list(build.cache_folder().iterdir())


def test_a_cache_that_cannot_be_written_to_is_said(compiler: Path, tmp_path: Path, monkeypatch: Any):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(build.BuildFailed, match="Not a directory"):
        _built(compiler)


def test_a_compiler_is_ended_when_it_is_time_to_end(compiler: Path, tmp_path: Path):
    ended = tmp_path / "pid"
    compiler.write_text(f"#!/bin/sh\nsleep 60 &\necho $! $$ > {ended}.new\nmv {ended}.new {ended}\nwait\n")
    with pytest.raises(build.Stopped):
        _built(compiler, stopping=ended.exists)
    deadline = time.monotonic() + 10  # what was killed needs a CPU to die on
    for pid in ended.read_text().split():
        while not _has_died(int(pid)):
            assert time.monotonic() < deadline
    assert not list(build.cache_folder().iterdir())


def _has_died(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# ---- the small parts


def test_the_pauses_of_a_jvm_are_read_from_its_log():
    line = "[13463541804300ns] GC(1) Pause Young (Normal) (G1 Evacuation Pause) 14M->3M(256M) 7.010ms"
    assert protocol.parse(line) == protocol.RuntimePause(13463541804300 - 7_010_000, 7_010_000)
    assert protocol.parse("[13463541804300ns] Using G1") is None
    assert protocol.parse("[13463541804300ns] GC(4) Concurrent Mark Cycle 3.120ms") is None


@pytest.mark.parametrize(
    ("most", "counts"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 4]), (6, [1, 2, 4, 6])]
)
def test_thread_counts_double_up_to_the_most(most: int, counts: list[int]):
    assert thread_counts(most) == counts


@pytest.mark.parametrize(
    ("highest", "values"),
    [(1.05, [0, 0.25, 0.5, 0.75, 1.0]), (210, [0, 50, 100, 150, 200]), (5, [0, 1, 2, 3, 4, 5])],
)
def test_an_axis_has_round_values(highest: float, values: list[float]):
    assert steps(highest) == pytest.approx(values)
