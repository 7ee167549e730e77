"""Codes work once and for a minute; sessions last, and outlive a server whose token does."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.web.sessions import AUDIENCE_S, CODE_S, SESSION_S, Sessions, path_for


class Clock:
    def __init__(self) -> None:
        self.now_s = 1e9

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_code_works_once(clock: Clock) -> None:
    sessions = Sessions(clock=clock)
    code = sessions.code()
    assert sessions.works(code)
    assert sessions.redeem(code)
    assert not sessions.works(code)
    assert not sessions.redeem(code)
    assert not sessions.redeem("")


def test_a_code_works_for_a_minute(clock: Clock) -> None:
    sessions = Sessions(clock=clock)
    early, late = sessions.code(), sessions.code()
    clock.now_s += CODE_S - 1
    assert sessions.redeem(early)
    clock.now_s += 1
    assert not sessions.redeem(late)


def test_a_code_for_an_audience_lets_many_in_to_look_until_it_ends(clock: Clock) -> None:
    sessions = Sessions(clock=clock)
    code = sessions.code_for_audience()
    assert {sessions.redeem(code) for _ in range(200)} == {("look", AUDIENCE_S)}
    clock.now_s += AUDIENCE_S - 60
    late = sessions.redeem(code)
    assert late == ("look", 60)
    session = sessions.open(*late)
    assert sessions.role(session) == "look"
    clock.now_s += 60
    assert not sessions.works(code)
    assert sessions.redeem(code) is None
    assert sessions.role(session) is None, "what it opened ends with it"


def test_the_end_of_every_session_is_the_end_of_an_audience_too(clock: Clock) -> None:
    sessions = Sessions(clock=clock)
    code = sessions.code_for_audience()
    assert sessions.works(code)
    sessions.close_all()
    assert not sessions.works(code)


def test_unused_codes_and_old_sessions_make_room(clock: Clock) -> None:
    sessions = Sessions(clock=clock)
    codes = [sessions.code() for _ in range(200)]
    assert not sessions.redeem(codes[0])
    assert sessions.redeem(codes[-1])


def test_a_session_ends_when_it_is_closed_and_by_itself(clock: Clock) -> None:
    sessions = Sessions(clock=clock)
    one, other = sessions.open(), sessions.open()
    sessions.close(one)
    assert (sessions.role(one), sessions.role(other)) == (None, "all")
    clock.now_s += SESSION_S
    assert not sessions.role(other)


def test_sessions_are_there_after_a_restart_unless_they_were_ended(tmp_path: Path, clock: Clock) -> None:
    path = path_for(tmp_path, "a-token-of-the-tests")
    sessions = Sessions(path, clock)
    kept, ended = sessions.open(), sessions.open()
    sessions.close(ended)
    again = Sessions(path, clock)
    assert (again.role(kept), again.role(ended)) == ("all", None)
    again.close_all()
    assert not Sessions(path, clock).role(kept)


def test_the_file_is_its_owners_alone_and_holds_no_session_and_no_token(tmp_path: Path) -> None:
    path = path_for(tmp_path, "a-token-of-the-tests")
    session = Sessions(path).open()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert session not in path.read_text()
    assert "a-token" not in str(path)


@pytest.mark.parametrize("content", ["", "[]", '{"a": "b"}', "\x00"])
def test_a_broken_file_lets_nobody_in_and_stops_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sessions.json"
    path.write_text(content)
    sessions = Sessions(path)
    assert sessions.role(sessions.open())


def test_a_code_and_its_session_are_good_for_what_they_were_made_for(tmp_path: Path, clock: Clock) -> None:
    path = path_for(tmp_path, "a-token-of-the-tests")
    sessions = Sessions(path, clock)
    assert sessions.redeem(sessions.code("look")) == ("look", SESSION_S)
    assert sessions.redeem(sessions.code()) == ("all", SESSION_S)
    looks, does = sessions.open("look"), sessions.open()
    assert [Sessions(path, clock).role(each) for each in (looks, does)] == ["look", "all"]


def test_who_may_only_look_throws_nobody_out(clock: Clock) -> None:
    sessions = Sessions(clock=clock)
    owner, code = sessions.open("all"), sessions.code("all")
    for _ in range(1100):
        sessions.open("look")
        sessions.code("look")
    assert sessions.role(owner) == "all"
    assert sessions.works(code)
