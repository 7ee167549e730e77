from __future__ import annotations

import pytest

from app.model.commands import Act, Command, LookAtHeap, Signal, Stop, decode, encode


@pytest.mark.parametrize(
    "command", [Stop("timed_out"), Signal(15, terminal=True), LookAtHeap(False), Act("free")]
)
def test_a_command_comes_as_it_went(command: Command) -> None:
    line = encode(command)
    assert "\n" not in line
    assert decode(line) == command


def test_a_stop_without_a_state_is_one_that_a_person_asked_for() -> None:
    assert decode('{"command": "stop"}') == Stop("stopped")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"command": "dance"}', "not a command"),
        ("[]", "not a command"),
        ('{"command": "signal"}', "another version"),
        ('{"command": "heap", "look": true, "deep": 1}', "another version"),
        ("{", "Expecting"),
    ],
)
def test_what_is_no_command_is_refused_with_what_is_wrong(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decode(line)
