"""Flags before the environment before defaults; a bad value says what is wrong with it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from app.model.errors import BadRequest
from app.runs.settings import Settings, documented


def test_defaults_hold_where_nothing_is_set():
    assert Settings.load({}) == Settings()


def test_the_environment_is_read():
    environ = {
        "GILSCOPE_TOKEN": "abc-DEF_1.ghi~jkl",
        "GILSCOPE_PYTHONS": "/opt/a:/opt/b/bin/python3",
        "GILSCOPE_MAX_RUNS": "7",
        "GILSCOPE_DATA_DIR": "/data",
        "GILSCOPE_KEEP_BYTES": "500M",
        "GILSCOPE_ALLOWED_HOSTS": "Box.example, other",
        "GILSCOPE_LOOK_TOKEN": "another-one-of-them",
        "GILSCOPE_COMMANDS": "off",
        "GILSCOPE_TLS_CERT": "/tls/cert.pem",
        "GILSCOPE_TLS_KEY": "/tls/key.pem",
        "GILSCOPE_INSECURE_HTTP": "on",
    }
    assert Settings.load(environ) == Settings(
        token="abc-DEF_1.ghi~jkl",
        look_token="another-one-of-them",
        commands=False,
        tls_cert="/tls/cert.pem",
        tls_key="/tls/key.pem",
        insecure_http=True,
        pythons=("/opt/a", "/opt/b/bin/python3"),
        max_runs=7,
        data_dir="/data",
        keep_bytes=500 << 20,
        allowed_hosts=("box.example", "other"),
    )


@pytest.mark.parametrize("value", ["true", "1", "OFF"])
def test_a_switch_is_on_or_off(value: str):
    with pytest.raises(BadRequest, match="GILSCOPE_COMMANDS must be on or off"):
        Settings.load({"GILSCOPE_COMMANDS": value})


def test_a_flag_wins_unless_it_was_not_given():
    environ = {"GILSCOPE_MAX_RUNS": "7", "GILSCOPE_TOKEN": "from-the-environment"}
    settings = Settings.load(environ, max_runs=2, token=None)
    assert (settings.max_runs, settings.token) == (2, "from-the-environment")


def test_an_empty_variable_is_not_set():
    assert Settings.load({"GILSCOPE_TOKEN": "", "GILSCOPE_MAX_RUNS": ""}) == Settings()


@pytest.mark.parametrize("value", ["-1", "2GB", "1.5G", "G", "9" * 16])
def test_a_bad_size_names_what_it_must_be(value: str):
    with pytest.raises(BadRequest, match="GILSCOPE_KEEP_BYTES must be a number of bytes"):
        Settings.load({"GILSCOPE_KEEP_BYTES": value})


def test_runs_are_recorded_under_the_home_folder_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert str(Settings().home) == "/home/me/.local/state/gilscope"
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert str(Settings().home) == "/state/gilscope"
    assert str(Settings(data_dir="/data").home) == "/data"


def test_what_interpreters_said_is_kept_among_what_can_be_thrown_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert str(Settings().interpreters_file) == "/home/me/.cache/gilscope/interpreters.json"
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert str(Settings(data_dir="/data").interpreters_file) == "/cache/gilscope/interpreters.json"


@pytest.mark.parametrize("value", ["0", "-1", "1001", "four", "1.5", "²"])
def test_a_bad_number_names_variable_bound_and_value(value: str):
    with pytest.raises(BadRequest) as caught:
        Settings.load({"GILSCOPE_MAX_RUNS": value})
    assert caught.value.field == "GILSCOPE_MAX_RUNS"
    assert "from 1 to 1000" in caught.value.detail
    assert repr(value) in caught.value.detail


@pytest.mark.parametrize("variable", ["GILSCOPE_TOKEN", "GILSCOPE_LOOK_TOKEN"])
def test_a_bad_token_is_refused_without_being_shown(variable: str):
    with pytest.raises(BadRequest) as caught:
        Settings.load({variable: "hush hush"})
    assert "hush" not in str(caught.value)


def test_every_setting_is_documented():
    shown = {setting.name: setting for setting in documented()}
    assert shown.keys() == {field.name for field in fields(Settings)}
    assert all(setting.env == f"GILSCOPE_{name.upper()}" for name, setting in shown.items())
    assert all(setting.help.endswith(".") for setting in shown.values())
