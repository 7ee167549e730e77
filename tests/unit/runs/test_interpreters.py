"""Interpreters are real ones, and scripts that answer, or fail to answer, as others would."""

import json
import os
import sys
from pathlib import Path

import pytest

from app.model import versions
from app.model.errors import BadRequest, NotFound
from app.probe.cpython import layouts
from app.runs import interpreters
from app.runs.interpreters import choose, find

OWN = os.path.realpath(sys._base_executable)


@pytest.fixture(autouse=True)
def empty_machine(tmp_path, monkeypatch):
    """A machine on which there is no Python but the server's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def script(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def python(path, *version, flags="", implementation="cpython", gil_enabled=True, level=("final", 0)):
    """A program that answers as such an interpreter would."""
    answer = {
        "path": str(path),
        "version_info": version,
        "level": level,
        "implementation": implementation,
        "free_threaded": "t" in flags,
        "gil_enabled": gil_enabled,
        "debug": "d" in flags,
        "shared": False,
    }
    return script(path, f"echo '{json.dumps(answer)}'")


def test_the_servers_own_interpreter_is_found_and_told_truly():
    (own,) = find()
    assert own.path == OWN
    assert own.version_info == sys.version_info[:3]
    assert own.label == own.version == ".".join(map(str, sys.version_info[:3]))
    assert (own.implementation, own.supported, own.why) == ("cpython", True, None)
    assert (own.free_threaded, own.gil_enabled) == (False, True)
    assert own.build in ("shared libpython", "static")


def test_they_are_found_on_path_under_pyenv_and_uv_and_where_the_settings_say(tmp_path, monkeypatch):
    # GIVEN one in each place, one of them under two names, and a tool that only has a similar name
    home = tmp_path / "home"
    expected = {
        OWN,
        python(tmp_path / "path/python3.12", 3, 12, 1),
        python(home / ".pyenv/versions/3.13.0/bin/python3.13", 3, 13, 0),
        python(home / ".local/share/uv/python/cpython-3.11/bin/python3.11", 3, 11, 9),
        python(tmp_path / "named/one", 3, 12, 5),
        python(tmp_path / "prefix/bin/python3", 3, 12, 6),
    }
    (tmp_path / "path/python3").symlink_to("python3.12")
    script(tmp_path / "path/python3-config", "exit 3")

    # WHEN they are looked for, THEN each is there once, the newest first
    found = find([str(tmp_path / "named/one"), str(tmp_path / "prefix")])
    assert {interpreter.path for interpreter in found} == expected
    assert len(found) == len(expected)
    newest = [interpreter.version_info for interpreter in found]
    assert newest == sorted(newest, reverse=True)

    # AND the variables of pyenv and uv are heeded
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "p"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "u"))
    moved = {
        python(tmp_path / "p/versions/a/bin/python3", 3, 11, 1),
        python(tmp_path / "u/b/bin/python3", 3, 11, 2),
    }
    assert moved < {interpreter.path for interpreter in find()}


def test_one_file_with_two_names_in_a_folder_is_one_interpreter_and_in_two_folders_two(tmp_path):
    # GIVEN a build that is installed as two hard links, and conda's way: one file in each environment
    program = """echo '{"path": "'$0'", "version_info": [3, 13, 5], "level": ["final", 0], "debug": false,
        "implementation": "cpython", "free_threaded": true, "gil_enabled": false, "shared": false}'"""
    first = Path(script(tmp_path / "a/bin/python3.13", program))
    second, elsewhere = tmp_path / "a/bin/python3.13t", tmp_path / "b/bin/python3.13"
    elsewhere.parent.mkdir(parents=True)
    for name in (second, elsewhere):
        name.hardlink_to(first)
    found = find([str(tmp_path / "a"), str(tmp_path / "b")])
    assert [each.path for each in found if each.path != OWN] == [str(first), str(elsewhere)]
    assert choose(str(second), found).path == str(first)
    assert choose(str(elsewhere), found).path == str(elsewhere)


def test_a_shim_and_a_virtual_environment_lead_to_the_interpreter_behind_them(tmp_path):
    script(tmp_path / "path/python3.11", f'exec "{OWN}" "$@"')
    assert [interpreter.path for interpreter in find([sys.executable])] == [OWN]


def test_the_shims_of_pyenv_are_not_asked(tmp_path, monkeypatch):
    log = tmp_path / "log"
    script(tmp_path / "home/.pyenv/shims/python3.12", f'echo asked >> {log}; exec {OWN} "$@"')
    behind = python(tmp_path / "home/.pyenv/versions/3.12.1/bin/python3.12", 3, 12, 1)
    monkeypatch.setenv("PATH", str(tmp_path / "home/.pyenv/shims"))
    assert {interpreter.path for interpreter in find()} == {OWN, behind}
    assert not log.exists()


def test_a_shim_with_nothing_behind_it_is_left_out_unless_it_was_named(tmp_path):
    shim = script(tmp_path / "path/python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    assert [interpreter.path for interpreter in find()] == [OWN]
    named = find([shim, str(tmp_path / "nothing")])[1:]
    assert {Path(answer.path).name: answer.why for answer in named} == {
        "python3.12": "It could not be asked: pyenv: python3.12: command not found.",
        "nothing": "It could not be asked: No such file or directory.",
    }
    assert not any(answer.supported for answer in named)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("exit 3", "status 3"),
        ("echo '[]'", "status 0"),
        ("echo '{}'", "no answer"),
        ("kill -9 $$", "status -9"),
    ],
)
def test_a_program_that_gives_no_answer_is_told_as_such(tmp_path, body, why):
    answer = next(a for a in find([script(tmp_path / "odd", body)]) if a.path != OWN)
    assert why in answer.why


def test_a_program_that_hangs_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreters, "ANSWER_LIMIT_S", 0.2)
    answer = next(a for a in find([script(tmp_path / "odd", "exec /bin/sleep 60")]) if a.path != OWN)
    assert answer.why == "It could not be asked: it did not answer within 0.2 s."


def test_it_is_asked_once_for_as_long_as_the_file_stays_as_it_is(tmp_path):
    path = tmp_path / "path/python3.12"
    log = tmp_path / "log"
    python(path, 3, 12, 1)
    path.write_text(path.read_text() + f"/bin/sleep 0.1\necho asked >> {log}\n")
    for name in ("python3", "python3.1", "python3.2"):
        (tmp_path / "path" / name).symlink_to(path)
    find()
    find()
    assert log.read_text() == "asked\n"
    os.utime(path, (1, 1))
    find()
    assert log.read_text() == "asked\n" * 2


def asked_anew(memory):
    """As another process would: it knows what is in the file, and nothing else."""
    interpreters._answers.clear()
    interpreters._said.clear()
    return [one.label for one in find([], memory) if one.path != OWN]


def test_what_it_said_is_kept_from_one_command_to_the_next(tmp_path):
    path, log, memory = tmp_path / "path/python3.12", tmp_path / "log", tmp_path / "home/kept.json"
    python(path, 3, 12, 1)
    path.write_text(path.read_text() + f"echo asked >> {log}\n")
    assert asked_anew(memory) == asked_anew(memory) == ["3.12.1"]
    assert log.read_text() == "asked\n"
    python(path, 3, 12, 2)
    assert asked_anew(memory) == ["3.12.2"]
    path.unlink()
    assert asked_anew(memory) == []
    python(tmp_path / "path/python3.13", 3, 13, 0)
    assert asked_anew(memory) == ["3.13.0"]
    assert sorted(json.loads(memory.read_text())) == sorted([OWN, str(tmp_path / "path/python3.13")])


def test_where_a_shim_leads_is_asked_each_time(tmp_path):
    memory, shim = tmp_path / "kept.json", tmp_path / "path/python3"
    python(tmp_path / "3.12/python3.12", 3, 12, 1)
    python(tmp_path / "3.13/python3.13", 3, 13, 0)
    where = tmp_path / "where"
    script(shim, f'exec "$(/bin/cat {where})"')
    for version, label in (("3.12", "3.12.1"), ("3.13", "3.13.0")):
        where.write_text(str(tmp_path / version / f"python{version}"))
        assert asked_anew(memory) == [label]


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "[1]",
        "[" * 200_000,
        '{"a": [Infinity, 2, {}]}',
        '{"a": 1}',
        '{"a": [1, 2, {}]}',
        "{",
        '{"OWN": [1, 2]}',
    ],
)
def test_a_file_that_was_damaged_is_made_anew(tmp_path, kept):
    memory = tmp_path / "kept.json"
    memory.write_text(kept)
    python(tmp_path / "path/python3.12", 3, 12, 1)
    assert asked_anew(memory) == ["3.12.1"]
    assert str(tmp_path / "path/python3.12") in json.loads(memory.read_text())


def test_where_nothing_can_be_kept_all_are_asked(tmp_path):
    (tmp_path / "file").write_text("")
    python(tmp_path / "path/python3.12", 3, 12, 1)
    assert asked_anew(tmp_path / "file/kept.json") == ["3.12.1"]


def test_what_is_not_supported_says_why(tmp_path):
    path = tmp_path / "path"
    python(path / "python3.10", 3, 10, 13)
    python(path / "python3.12t", 3, 12, 0, flags="t", gil_enabled=False)
    python(path / "python3", 3, 11, 13, implementation="pypy")
    python(path / "python3.99", 3, 99, 0, level=["candidate", 1])
    found = {interpreter.label: interpreter for interpreter in find() if interpreter.path != OWN}
    reads = f"GILScope reads {versions.spoken()}."
    assert {label: interpreter.why for label, interpreter in found.items()} == {
        "3.10.13": f"It is CPython 3.10: {reads}",
        "3.12.0t": f"It is CPython 3.12, free-threaded: {reads}",
        "3.11.13": f"It is pypy 3.11: {reads}",
        "3.99.0rc1": f"It is CPython 3.99: {reads}",
    }
    assert found["3.12.0t"].gil_enabled is False


@pytest.fixture
def several(tmp_path):
    """3.13.0, 3.13.0t, 3.12.5 with debugging, 3.12.5, 3.12.1, 3.12.0t, 3.10.13 and the server's own."""
    path = tmp_path / "path"
    python(path / "python3.13", 3, 13, 0)
    python(path / "python3.13t", 3, 13, 0, flags="t")
    python(path / "python3.12d", 3, 12, 5, flags="d")
    python(path / "python3.12", 3, 12, 5)
    python(path / "python3", 3, 12, 1)
    python(path / "python3.12t", 3, 12, 0, flags="t")
    python(path / "python3.10", 3, 10, 13)
    return find()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        (None, "python3.13"),
        ("3.13", "python3.13"),
        ("3.13t", "python3.13t"),
        ("3.12", "python3.12"),
        ("python3.12", "python3.12"),
        ("3.12.1", "python3"),
        ("3.12.5", "python3.12"),
    ],
)
def test_one_is_chosen_by_its_version(several, name, meant):
    assert Path(choose(name, several).path).name == meant


def test_one_is_chosen_by_its_path_found_before_or_not(tmp_path, several):
    assert choose(str(tmp_path / "path/python3"), several).label == "3.12.1"
    assert choose(sys.executable, []).path == OWN


@pytest.mark.parametrize("name", ["3.99", "3.12.9", "3.11.7t", "3.1", "3.13.0rc1", "/no/such/python"])
def test_one_that_is_not_there_is_not_found_and_the_others_are_listed(several, name):
    with pytest.raises(NotFound) as refused:
        choose(name, several)
    assert refused.value.field == "python"
    assert "There are 3.13.0, 3.13.0t, 3.12.5, 3.12.1" in refused.value.remedy


@pytest.mark.parametrize(
    ("name", "why"),
    [("3.10", "It is CPython 3.10"), ("3.12t", "free-threaded"), ("snake", "names no interpreter")],
)
def test_one_that_cannot_be_used_is_refused_with_the_reason(several, name, why):
    with pytest.raises(BadRequest, match=why) as refused:
        choose(name, several)
    assert refused.value.field == "python"


def test_without_a_supported_one_there_is_no_default(several):
    with pytest.raises(NotFound, match=versions.spoken()) as refused:
        choose(None, [interpreter for interpreter in several if not interpreter.supported])
    assert refused.value.remedy.startswith(f"Install a {versions.spoken()}")


def test_what_is_said_to_be_supported_is_what_the_observer_has_layouts_for():
    assert set(versions.SUPPORTED) == set(layouts.known())


def test_versions_are_spoken_as_spans():
    some = ((3, 9, False), (3, 10, False), (3, 11, False), (3, 13, False), (3, 13, True))
    assert versions.spoken(some) == "CPython 3.9 to 3.11 and 3.13 and free-threaded 3.13"
