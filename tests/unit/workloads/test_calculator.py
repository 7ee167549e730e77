"""The calculator's protocol, its four servers, and generators as tasks."""

from __future__ import annotations

import selectors
import socket

import pytest
from support.by_hand import run
from support.interpreters import PROMISED, name

from app.workloads.loops.calculator import Conversation, calculator
from app.workloads.loops.generator_tasks import GeneratorTasks, Task, Until

on_each = pytest.mark.parametrize("python", [found.path for found in PROMISED], ids=[*map(name, PROMISED)])


def test_the_protocol_is_a_generator_that_is_sent_lines() -> None:
    session = calculator()
    assert next(session) == b""
    lines = [b"sum", b"12", b"-2", b"=", b"product", b"6", b"7", b"=", b"="]
    answers = [session.send(line) for line in lines]
    assert answers == [b"", b"", b"", b"10\n", b"", b"", b"", b"42\n", b"error: no numbers\n"]


@pytest.mark.parametrize("line", [b"", b"divide", b"1.5", b"1 2", b"-", b"9" * 21])
def test_what_is_no_line_of_it_is_answered_with_an_error(line: bytes) -> None:
    session = calculator()
    next(session)
    assert session.send(line).startswith(b"error: ")
    assert session.send(b"3") == b""
    assert session.send(b"=") == b"3\n"


def test_lines_may_come_in_pieces_and_several_at_once() -> None:
    conversation = Conversation()
    assert conversation.take(b"su") == b""
    assert conversation.take(b"m\n4\n5") == b""
    assert conversation.take(b"\n=\nproduct\n3\n=\n") == b"9\n3\n"


def test_tasks_take_turns_and_wait_for_sockets() -> None:
    said: list[str] = []
    here, there = socket.socketpair()

    def talker() -> Task:
        for _ in range(3):
            said.append("talker")
            yield None
        here.send(b".")

    def waiter() -> Task:
        said.append("waits")
        yield Until(there, selectors.EVENT_READ)
        said.append("goes on")

    with here, there:
        tasks = GeneratorTasks()
        tasks.start(waiter())
        tasks.start(talker())
        tasks.run(lambda: said[-1:] == ["goes on"], poll_s=0.1)
        tasks.close()
    assert said == ["waits", "talker", "talker", "talker", "goes on"]


def test_tasks_that_are_closed_do_what_they_have_in_finally() -> None:
    ended: list[str] = []

    def task(name: str, wanted: Until | None) -> Task:
        try:
            while True:
                yield wanted
        finally:
            ended.append(name)

    here, there = socket.socketpair()
    with here, there:
        tasks = GeneratorTasks()
        tasks.start(task("ready", None))
        tasks.start(task("waiting", Until(there, selectors.EVENT_READ)))
        rounds = iter([False, False, True])
        tasks.run(lambda: next(rounds), poll_s=0.1)
        tasks.close()
    assert sorted(ended) == ["ready", "waiting"]


@on_each
def test_each_server_answers_and_every_answer_is_right(python: str) -> None:
    result = run("calculator-server", "--seconds", "2", python=python, clients=3, think_ms=1)
    assert result["wrong_answers"] == 0
    answers = {row[0]: row[2] for row in result["table"]["rows"]}
    assert list(answers) == ["blocking", "threads", "generators", "asyncio"]
    assert all(count > 10 for count in answers.values()), answers
    # An answer that was given as the run ended may not have been seen to come.
    assert sum(answers.values()) <= result["ops"] <= sum(answers.values()) + 3


@pytest.mark.serial
def test_generators_serve_all_clients_at_once_and_blocking_does_not() -> None:
    result = run("calculator-server", "--seconds", "3")
    answers = {row[0]: row[2] for row in result["table"]["rows"]}
    assert answers["generators"] > 3 * answers["blocking"]
    assert answers["threads"] > 3 * answers["blocking"]
    assert answers["asyncio"] > 3 * answers["blocking"]


@pytest.mark.serial
@on_each
def test_a_switch_between_threads_costs_more_than_one_between_tasks(python: str) -> None:
    result = run("task-switches", "--seconds", "2", python=python)
    assert result["generators_ns"] < result["asyncio_ns"] < result["threads_ns"]
    assert [row[1] for row in result["table"]["rows"]] == [2, 8, 32] * 3
    assert result["ops"] == sum(row[2] for row in result["table"]["rows"])
    assert len(result["showed"]) == 2
