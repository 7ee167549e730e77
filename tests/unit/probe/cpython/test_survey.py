"""Walking the thread states of an interpreter: all of them, or up to where the list is what it was."""

from __future__ import annotations

from typing import Any

import pytest

from app.probe.cpython.layouts import TSTATE_INTERP, TSTATE_NEXT, known
from app.probe.cpython.survey import Survey, survey

LAYOUT = known()[3, 12, False]
RUNTIME, INTERPRETER, GIL = 0x10_0000, 0x20_0000, 0x30_0000
COUNT = 300


class Target:
    """Memory that is 0 but for one interpreter and its thread states."""

    def __init__(self) -> None:
        interpreter = LAYOUT.interpreter_state
        assert interpreter.ceval_gil is not None
        self.words = {
            RUNTIME + LAYOUT.runtime_state.interpreters_head: INTERPRETER,
            INTERPRETER + interpreter.runtime: RUNTIME,
            INTERPRETER + interpreter.ceval_gil: GIL,
        }
        self._head_at = INTERPRETER + interpreter.threads_head
        self.states: list[int] = []
        self.read_states = 0
        for number in range(COUNT):
            self.push(0x100_0000 + number * 0x1000, 1000 + number)

    def push(self, address: int, tid: int) -> None:
        """A new one, at the head of the list."""
        self.words[address + TSTATE_INTERP] = INTERPRETER
        self.words[address + LAYOUT.thread_state.native_thread_id] = tid
        self._link([address, *self.states])

    def remove(self, address: int) -> None:
        """Its thread has ended."""
        self._link([state for state in self.states if state != address])

    def _link(self, states: list[int]) -> None:
        self.states = states
        self.words[self._head_at] = states[0]
        for state, following in zip(states, [*states[1:], 0], strict=True):
            self.words[state + TSTATE_NEXT] = following

    def u64(self, address: int) -> int:
        return self.words.get(address, 0)

    i32 = u64

    def read(self, address: int, size: int) -> bytes:
        self.read_states += 1
        return b"".join(self.u64(at).to_bytes(8, "little") for at in range(address, address + size, 8))


def survey_of(target: Target, before: Survey | None = None) -> Survey:
    memory: Any = target
    target.read_states = 0
    return survey(memory, RUNTIME, LAYOUT, before.links if before else None)


@pytest.fixture
def target() -> Target:
    return Target()


def test_of_a_list_with_a_new_head_little_is_read_and_all_is_told(target: Target) -> None:
    first = survey_of(target)
    assert target.read_states == COUNT
    target.push(0x900_0000, 7)
    second = survey_of(target, first)
    assert target.read_states == 2, "the new one, and the one behind it, which is what it was"
    assert second == survey_of(target)


def test_where_others_have_ended_the_list_is_read_until_it_is_what_it_was(target: Target) -> None:
    first = survey_of(target)
    for gone in target.states[1:4]:
        target.remove(gone)
    assert survey_of(target, first) == survey_of(target)


def test_a_state_that_was_made_where_another_lay_is_new(target: Target) -> None:
    first = survey_of(target)
    reused = target.states[100]
    target.remove(reused)
    target.push(0x900_0000, 7)
    target.push(reused, 8)
    tids = [state.tid for state in survey_of(target, first).threads]
    assert tids[:2] == [8, 7]


def test_one_that_has_not_been_bound_is_read_again(target: Target) -> None:
    target.push(0x900_0000, 0)
    target.push(0x901_0000, 5)
    first = survey_of(target)
    target.words[0x900_0000 + LAYOUT.thread_state.native_thread_id] = 6
    tids = [state.tid for state in survey_of(target, first).threads]
    assert tids[:2] == [5, 6]


def test_those_gone_from_behind_are_told_of_until_all_are_read(target: Target) -> None:
    first = survey_of(target)
    target.remove(target.states[200])
    target.push(0x900_0000, 7)
    assert len(survey_of(target, first).threads) == COUNT + 1
    assert len(survey_of(target).threads) == COUNT
