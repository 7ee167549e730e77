"""Pools of threads seen from outside, beside what the target's own pool says of itself."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.interpreters import VERSIONS, at_least, name
from support.observing import Observation, observing
from support.targets import standing_by

from app.analysis.pools import PoolUses
from app.model.frames import Names, Pools
from app.model.tracks import PoolLook, pool_looks, pool_names

# Each prints now and again when it looked, how many of its threads worked, and how many tasks waited; until
# its standard input ends, which a thread of its own waits for.
HEAD = """
import json, sys, threading, time
told, over = [], threading.Event()
def until_the_end():
    sys.stdin.readline()
    over.set()
threading.Thread(target=until_the_end, name="reads", daemon=True).start()
at_work, lock = set(), threading.Lock()
def call(seconds):
    with lock: at_work.add(threading.get_ident())
    time.sleep(seconds)
    with lock: at_work.discard(threading.get_ident())
def tell(waiting):
    told.append((time.monotonic(), len(at_work), waiting))
"""
TAIL = """
print(json.dumps(told), flush=True)
"""
FULL = f"""{HEAD}
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(3, thread_name_prefix="clerk")
for _ in range(40): pool.submit(call, 0.1)
READY
while not over.is_set():
    pool.submit(call, 0.1)
    tell(pool._work_queue.qsize())
    over.wait(0.02)
pool.shutdown(cancel_futures=True)
{TAIL}"""
# Of four threads three have a job without an end, and nothing waits.
ENDLESS = f"""{HEAD}
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(4)
for _ in range(4): pool.submit(call, 0.01)
for _ in range(3): pool.submit(over.wait)
READY
while not over.is_set():
    tell(pool._work_queue.qsize())
    over.wait(0.02)
{TAIL}"""
THREAD_POOL = f"""{HEAD}
from multiprocessing.pool import ThreadPool
pool = ThreadPool(3)
for _ in range(40): pool.apply_async(call, (0.1,))
READY
while not over.is_set():
    pool.apply_async(call, (0.1,))
    tell(pool._inqueue.qsize())
    over.wait(0.02)
pool.terminate()
{TAIL}"""
ANYIO = f"""{HEAD}
sys.path.insert(0, {str(Path(anyio.__file__).parents[1])!r})
import anyio, anyio.to_thread
async def main():
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens = 3
    async with anyio.create_task_group() as group:
        for _ in range(40): group.start_soon(anyio.to_thread.run_sync, call, 0.1)
        READY
        while not over.is_set():
            group.start_soon(anyio.to_thread.run_sync, call, 0.1)
            tell(limiter.statistics().tasks_waiting)
            await anyio.sleep(0.02)
        group.cancel_scope.cancel()
anyio.run(main)
{TAIL}"""
INTERPRETERS = f"""{HEAD}
from concurrent.futures import InterpreterPoolExecutor
pool = InterpreterPoolExecutor(2)
for _ in range(40): pool.submit(time.sleep, 0.1)
READY
while not over.is_set():
    pool.submit(time.sleep, 0.1)
    tell(pool._work_queue.qsize())
    over.wait(0.02)
pool.shutdown(cancel_futures=True)
{TAIL}"""

# As in `with ThreadPoolExecutor() as pool`: at its end a None is put behind the tasks, which is none.
SHUT_DOWN = f"""{HEAD}
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2)
for _ in range(2): pool.submit(over.wait)
for _ in range(3): pool.submit(print, end="")
pool.shutdown(wait=False)
READY
while not over.is_set():
    tell(pool._work_queue.qsize())
    over.wait(0.02)
pool.shutdown()
{TAIL}"""

LOOKS = 8
LATE_US = 20_000  # as often the target tells; on a busy machine either loses its CPU between two steps
EACH = pytest.mark.parametrize("interpreter", VERSIONS, ids=name)

Told = list[tuple[float, int, int]]


def accounts(python: str, program: str, looks: int = LOOKS) -> tuple[Observation, list[PoolLook], Told]:
    """So many looks at a pool that has all its workers; what the target told, in us of the run's clock."""
    with standing_by(python, program) as target, observing(pid=target.pid) as observation:
        while len(seen := of_whole_pool(observation)) < looks:
            observation.until(Pools)
        told = json.loads(target.communicate(b"go\n")[0])
        observation.finish()
    assert observation.ledger.hello
    origin_s = observation.ledger.hello.origin_ns / 1e9
    return observation, seen, [((at_s - origin_s) * 1e6, busy, waiting) for at_s, busy, waiting in told]


def of_whole_pool(observation: Observation) -> list[PoolLook]:
    looks = [look for message in observation.of(Pools) for look in pool_looks(message)]
    most = max((look.workers for look in looks), default=0)
    return [look for look in looks if look.workers == most]


def near(told: Told, at_us: int) -> Told:
    """What the target told about an instant: last before and first after it, each being late by some ms."""
    return [
        max((each for each in told if each[0] <= at_us - LATE_US), default=told[0]),
        min((each for each in told if each[0] >= at_us + LATE_US), default=told[-1]),
    ]


def expect_line(looks: list[PoolLook], told: Told) -> None:
    """Each look has as many tasks in line as the target had about then, but for those begun in between."""
    for look in looks:
        lengths = [waiting for _, _, waiting in near(told, look.at_us)]
        assert look.waiting is not None
        assert min(lengths) - 2 <= look.waiting <= max(lengths) + 2


def expect_full(looks: list[PoolLook], told: Told, workers: int) -> None:
    assert {look.workers for look in looks} == {workers}
    assert statistics.median(look.busy for look in looks) == workers  # one may stand between two tasks
    expect_line(looks, told)
    assert sum(look.begun for look in looks[1:]) > 0


def row_of(observation: Observation) -> dict[str, Any]:
    [row] = observation.summary()["pools"]
    return dict(row)


@EACH
def test_a_full_pool_is_told_as_its_own_queue_has_it(interpreter: Any) -> None:
    observation, looks, told = accounts(interpreter.path, FULL)
    expect_full(looks, told, 3)
    row = row_of(observation)
    assert (row["name"], row["kind"], row["workers"]) == ("clerk", "executor", 3)
    assert row["waiting"]["max"] <= max(waiting for _, _, waiting in told) + 2
    assert row["begun_per_s"] < 3 / 0.1
    assert row["states"]["sleep"] > 0.5


@EACH
def test_a_pool_of_jobs_without_an_end_is_not_full(interpreter: Any) -> None:
    observation, looks, told = accounts(interpreter.path, ENDLESS)
    assert {(look.workers, look.busy, look.waiting) for look in looks} == {(4, 3, 0)}
    assert {waiting for at_us, _, waiting in told if at_us >= looks[0].at_us} == {0}
    assert sum(look.begun for look in looks) == 0
    assert "pool-full" not in {finding["code"] for finding in observation.summary()["findings"]}


@EACH
def test_what_shuts_a_pool_down_is_no_task(interpreter: Any) -> None:
    _, looks, told = accounts(interpreter.path, SHUT_DOWN)
    assert {waiting for at_us, _, waiting in told if at_us >= looks[0].at_us} == {4}
    assert {look.waiting for look in looks} == {3}


@EACH
def test_a_pool_of_multiprocessing_is_told_as_its_own_queue_has_it(interpreter: Any) -> None:
    observation, looks, told = accounts(interpreter.path, THREAD_POOL)
    expect_full(looks, told, 3)
    assert row_of(observation)["kind"] == "ThreadPool"


@EACH
def test_worker_threads_of_anyio_are_told_as_its_limiter_has_it(interpreter: Any) -> None:
    observation, looks, told = accounts(interpreter.path, ANYIO)
    assert {look.workers for look in looks} == {3}
    # Its loop hands each task over by itself: on a busy machine a thread waits for it for a while.
    at_work = statistics.median(busy for at_us, busy, _ in told if at_us >= looks[0].at_us)
    assert abs(statistics.median(look.busy for look in looks) - at_work) <= 1
    assert max(look.busy for look in looks) == 3
    expect_line(looks, told)
    assert sum(look.begun for look in looks[1:]) > 0
    row = row_of(observation)
    assert (row["name"], row["kind"]) == ("AnyIO worker thread", "anyio")


@pytest.mark.parametrize("path", at_least(3, 14).each())
def test_threads_with_interpreters_of_their_own_are_a_pool_too(path: str) -> None:
    observation, looks, told = accounts(path, INTERPRETERS)
    expect_full(looks, told, 2)
    assert row_of(observation)["kind"] == "executor"


def test_pools_are_told_of_lanes_that_were_named(python: str) -> None:
    observation, _, _ = accounts(python, FULL, looks=1)
    lanes = {row[0] for message in observation.of(Names) for row in message.threads}
    uses = PoolUses()
    for message in observation.of(Pools):
        uses.feed(message, None)
        assert {pool.pool for pool in pool_names(message)} <= lanes
        assert {look.pool for look in pool_looks(message)} == {pool.pool for pool in pool_names(message)}
    assert [use.name.name for use in uses] == ["clerk"]
