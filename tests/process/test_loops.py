"""Event loops seen from outside, beside what the target's own loop says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from support.interpreters import FOUND, VERSIONS, name
from support.observing import observing, program
from support.targets import standing_by

from app.model.frames import Loops

# Three tasks with names: one calls a function that blocks, one waits for short times, one tells what the loop
# did: it wraps what runs a callback, and so knows how long each took.
TARGET = """
import asyncio, asyncio.events, json, sys, time

took = []
run = asyncio.events.Handle._run

def timed(handle):
    began = time.monotonic()
    run(handle)
    length = time.monotonic() - began
    if length >= 0.02:
        took.append((began, length))

asyncio.events.Handle._run = timed

def legacy_client():
    if MODE == "sleep":
        time.sleep(0.25)
    end = time.monotonic() + 0.25
    while MODE == "compute" and time.monotonic() < end:
        sum(range(1000))

async def fetch_prices():
    for _ in range(4):
        await asyncio.sleep(0.05)
        legacy_client()

async def heartbeat():
    while True:
        await asyncio.sleep(0.01)

async def main():
    beat = asyncio.create_task(heartbeat(), name="heartbeat")
    READY
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.create_task(fetch_prices(), name="price-feed")
    beat.cancel()

asyncio.run(main())
time.sleep(0.5)  # what comes after the loop is none of it
print(json.dumps(took), flush=True)
"""
# A server and its clients in one loop, as fast as they can: nothing blocks, but the loop is never idle.
BUSY = """
import asyncio

async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()

async def client(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        writer.write(b"ping\\n")
        await reader.readline()

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = [asyncio.create_task(client(port)) for _ in range(20)]
    await asyncio.sleep(2)
    for each in clients: each.cancel()

asyncio.run(main())
"""
# A loop that does nothing beside one that is blocked, each in a thread; and a thread that has none.
THREADS = """
import asyncio, threading, time

def idle():
    asyncio.run(asyncio.sleep(1.5))

async def stuck():
    await asyncio.sleep(0.2)
    time.sleep(1)

threads = [
    threading.Thread(target=idle, name="idle"),
    threading.Thread(target=lambda: asyncio.run(stuck()), name="stuck"),
    threading.Thread(target=time.sleep, args=(1.5,), name="none"),
]
for each in threads: each.start()
for each in threads: each.join()
"""

# The same with trio, whose loop tells instruments when a step begins and ends. It waits most of the time.
TRIO = f"""
import json, sys, time
sys.path.append({str(Path(trio.__file__).parents[1])!r})
import trio

class Timed(trio.abc.Instrument):
    took = []
    def before_task_step(self, task):
        self.began = time.monotonic()
    def after_task_step(self, task):
        length = time.monotonic() - self.began
        if length >= 0.02:
            self.took.append((self.began, length))

def legacy_client():
    time.sleep(0.25)

async def fetch_prices():
    for _ in range(4):
        await trio.sleep(0.2)
        legacy_client()

async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        READY
        await trio.to_thread.run_sync(sys.stdin.readline)
        nursery.start_soon(fetch_prices, name="price-feed")
        await trio.sleep(2)
        nursery.cancel_scope.cancel()

trio.run(main, instruments=[Timed()])
print(json.dumps(Timed.took), flush=True)
"""

pytestmark = pytest.mark.serial  # lengths, which a busy machine makes longer

EACH = pytest.mark.parametrize("interpreter", VERSIONS, ids=name)
EACH_BUILD = pytest.mark.parametrize("interpreter", FOUND, ids=name)  # _asyncio may be a part of it


def both_accounts(python: str, program: str) -> tuple[dict[str, Any], list[tuple[float, float]]]:
    """The summary of a program, and when each long step began by its own account, and how long it was."""
    with standing_by(python, program) as target, observing(pid=target.pid) as observation:
        while not observation.until(Loops).loops:
            continue
        took = json.loads(target.communicate(b"go\n")[0])
        observation.finish()
        summary = observation.summary()
    assert observation.ledger.hello
    origin_s = observation.ledger.hello.origin_ns / 1e9
    blocked = [(began_s - origin_s, length_s) for began_s, length_s in took]
    return summary, [(at_s, length_s) for at_s, length_s in blocked if at_s > 0 and length_s > 0.2]


def expect_steps(row: dict[str, Any], blocked: list[tuple[float, float]], states: set[str]) -> None:
    """The steps in which the function that blocks ran are those of the target's account."""
    longest = sorted(row["longest"], key=lambda step: step["at_s"])
    blocks = [step for step in longest if step["function"] == "legacy_client"]
    assert len(blocks) == 4
    for step, (at_s, length_s) in zip(blocks, blocked, strict=True):
        assert step["at_s"] == pytest.approx(at_s, abs=0.025)
        assert step["length_s"] == pytest.approx(length_s, rel=0.1)
        assert step["task"] == "price-feed"
        assert step["state"] in states


@EACH
@pytest.mark.parametrize(("mode", "states"), [("sleep", {"sleep"}), ("compute", {"running"})])
def test_what_blocks_a_loop_is_told_as_the_loop_itself_has_it(
    interpreter: Any, mode: str, states: set[str]
) -> None:
    summary, blocked = both_accounts(interpreter.path, f"MODE = {mode!r}\n{TARGET}")
    [row] = summary["loops"]
    expect_steps(row, blocked, states)
    lengths = [length_s for _, length_s in blocked]
    longest_s = max(lengths)
    assert row["kind"] == "asyncio"
    assert row["steps"] == "exact"
    assert row["tasks"] == ("exact" if interpreter.version_info[:2] >= (3, 14) else "inferred")
    # At half of all moments a timer that is due waits longer: in each step until so long before its end.
    half_s = (sum(lengths) - row["observed_s"] / 2) / len(lengths)
    assert 0.05 < row["lag_s"]["p50"] == pytest.approx(half_s, rel=0.1)
    assert 0.2 < row["lag_s"]["p99"] <= row["lag_s"]["max"] == pytest.approx(longest_s, rel=0.1)
    assert row["observed_s"] < 2.0  # the loop has ended before its thread
    found = {finding["code"]: finding for finding in summary["findings"]}["event-loop-blocked"]
    assert found["evidence"]["function"] == "legacy_client"
    assert found["evidence"]["task"] == "price-feed"


@EACH
def test_what_blocks_trio_is_told_as_trio_has_it(interpreter: Any) -> None:
    summary, blocked = both_accounts(interpreter.path, TRIO)  # found while it waits
    [row] = summary["loops"]
    assert (row["kind"], row["steps"], row["tasks"]) == ("trio", "exact", "inferred")
    expect_steps(row, blocked, {"sleep"})
    assert row["lag_s"]["p50"] < 0.05 < 0.2 < row["lag_s"]["p99"]
    [found] = [each for each in summary["findings"] if each["code"] == "event-loop-blocked"]
    assert found["evidence"]["task"] == "price-feed"
    assert "trio.to_thread.run_sync(legacy_client)" in found["advice"]


@EACH
def test_a_loop_that_is_busy_is_not_blocked(interpreter: Any) -> None:
    with observing(program(interpreter.path, BUSY)) as observation:
        observation.finish()
        summary = observation.summary()
    [row] = summary["loops"]
    [thread] = [thread for thread in summary["threads"] if thread["tid"] == row["tid"]]
    # The first half of a second has the imports. A sample that is late tells of a part of the time before.
    assert row["observed_s"] > 0.8 * thread["coverage"] * (thread["observed_s"] - 0.5)
    assert row["lag_s"]["p50"] < 0.01
    assert "event-loop-blocked" not in {finding["code"] for finding in summary["findings"]}


@EACH_BUILD
def test_each_thread_is_told_by_itself(interpreter: Any) -> None:
    with observing(program(interpreter.path, THREADS)) as observation:
        observation.finish()
        rows = {row["name"]: row for row in observation.summary()["loops"]}
    assert set(rows) == {"idle", "stuck"}
    assert rows["idle"]["longest"] == []
    assert rows["idle"]["lag_s"]["p99"] == 0
    [step] = rows["stuck"]["longest"]
    assert step["function"] == "stuck"
    assert step["length_s"] == pytest.approx(1, rel=0.05)
