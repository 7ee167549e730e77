"""Messages as lines: what is none says so."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from app.model.frames import (
    KINDS,
    STANDING,
    Blocked,
    Cluster,
    End,
    Event,
    FarLine,
    Frame,
    Hello,
    Loops,
    Names,
    Pools,
    Process,
    Report,
    Stacks,
    decode,
    encode,
)

NAMING = {Hello, Process, Names}
OF_A_TIME = {Frame, Stacks, Blocked, Loops, Pools, Cluster, FarLine, Event, Report, End}


def test_a_message_is_the_same_after_it_was_a_line():
    message = Report(7, {"output": "ä\n"})
    assert decode(encode(message, 3)) == message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"type":"weather","seq":1}', "not a message of an observation: {'type': 'weather'"),
        ('["frame"]', "not a message of an observation: "),
        ("3", "not a message of an observation: 3"),
        ('{"type":"report","seq":1,"mood":1}', "a report message of another version: "),
        ("{", "Expecting property name"),
    ],
)
def test_what_is_no_message_is_a_value_error_that_says_why(line: str, said: str):
    with pytest.raises(ValueError, match=re.escape(said)):
        decode(line)


def test_each_message_names_or_tells_of_a_time_or_of_how_things_stand():
    assert len(NAMING) + len(OF_A_TIME) + len(STANDING) == len(KINDS)
    assert {*NAMING, *OF_A_TIME, *STANDING} == set(KINDS)
    for kind, about in STANDING.items():
        assert {"at_us", *about} <= {field.name for field in fields(kind)}
