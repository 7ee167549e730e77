"""The types of live objects as they are told from outside, against the target's own count of them."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from support.interpreters import interpreter
from support.targets import standing_by

from app.runs import inspection

# Makes objects of ten types, lets go of some of each, and says how many are left and how large they are. It
# imports next to nothing, so that what the interpreter itself has is little.
STILL = """
import gc, sys
from _collections import OrderedDict, deque

class Session:
    def __init__(self, number):
        self.number = number

class Slotted:
    __slots__ = ("a", "b", "c")

many = int(sys.argv[1])
made = {
    "__main__.Session": [Session(number) for number in range(3 * many)],
    "__main__.Slotted": [Slotted() for _ in range(9 * many)],
    "set": [set(range(number % 3)) for number in range(3 * many)],
    "float": [float(number) for number in range(12 * many)],
    "list": [[number] * (number % 5) for number in range(4 * many)],
    "tuple": [(many, number, many) for number in range(6 * many)],
    "bytes": [bytes(number % 90 + 2) for number in range(9 * many)],
    "str": [f"text {number}" for number in range(9 * many)],
    "dict": [{number: many} for number in range(2 * many)],
    "collections.OrderedDict": [OrderedDict() for _ in range(many // 2)],
    "collections.deque": [deque(range(number)) for number in range(min(many // 50 + 8, 300))],
}
made["dict"].append(dict.fromkeys(range(20 * many)))  # larger than all the others
made["set"].append(set(range(20 * many)))
made["list"].append([None] * (40 * many))
made["bytes"].append(bytes(100 * many))
made["str"] += ["x" * 5_000 * (number % 7) for number in range(many // 100)]
for kept in made.values():
    del kept[::7]
gc.collect()
seen = {type(kept[0]): [0, 0] for kept in made.values()}
for kept in [list(made.values()), *made.values()]:
    for one in kept:
        of = seen[type(one)]
        of[0] += 1
        of[1] += sys.getsizeof(one)
print("ready", flush=True)
print({name: seen[type(kept[0])] for name, kept in made.items()}, flush=True)
sys.stdin.readline()
"""
SOME, MANY = 60, 20_000
OF_ITS_OWN = 2_000  # objects of a type, at most, that the interpreter itself has besides
ITS_OWN = {"__main__.Session": 0, "__main__.Slotted": 0, "collections.OrderedDict": 40, "float": 200}
ITS_OWN |= {"str": 15_000, "tuple": 9_000, "bytes": 6_000}


# A few objects that own large blocks, among so many others that a sample of pools would miss them.
OWNERS = """
import sys
from array import array
class User:
    def __init__(self, number):
        self.name, self.score = f"user {number}", float(number)
made = [User(number) for number in range(60_000)]
kept = {"bytearray": [bytearray(2_000_000) for _ in range(8)],
        "array.array": [array("d", bytes(8 * 300_000)), array("h", [7] * 900_000)]}
try:
    import numpy
except ImportError: pass
else:
    kept["numpy.ndarray"] = [numpy.ones(500_000) for _ in range(4)]
    kept["numpy.ndarray"] += [each[::2] for each in kept["numpy.ndarray"]]
    kept["numpy.ndarray"] += [numpy.arange(number) for number in range(200)]
    kept["numpy.ndarray"].append(numpy.array(made * 7, dtype=object))  # whose data looks as a list's items
del kept["bytearray"][::4]
print("ready", flush=True)
print({name: [len(each), sum(map(sys.getsizeof, each))] for name, each in kept.items()}, flush=True)
sys.stdin.readline()
"""


@contextmanager
def report_of(
    python: str, many: int, program: str = STILL, **options: object
) -> Iterator[tuple[dict[str, list[int]], dict[str, Any]]]:
    """What the target says of its objects, and what `gilscope memory` does."""
    with standing_by(python, program, args=[str(many)], **options) as target:
        assert target.stdout is not None
        truth = ast.literal_eval(target.stdout.readline().decode())
        yield truth, dict(inspection.memory(target.pid))


@pytest.mark.builds
def test_a_small_heap_is_counted_to_the_object(python: str) -> None:
    with report_of(python, SOME) as (truth, report):
        told = {row["type"]: row for row in report["types"]}
    (census,) = report["census"]
    assert (census["pages_read"], census["torn"]) == (census["pages"], 0)
    for name in ("__main__.Session", "__main__.Slotted"):
        row = told[name]
        assert [row["count"], row["bytes"]] == truth[name]
        assert row["low"] == row["bytes"] == row["high"]


def test_a_large_heap_is_sampled_and_the_intervals_hold(python: str) -> None:
    with report_of(python, MANY) as (truth, report):
        (census,) = report["census"]
        assert census["pages_read"] < 0.8 * census["pages"]
        assert census["allocator"] == ("mimalloc" if census["large_bytes"] is None else "pymalloc")
        expect_close(truth, report)


def test_the_owners_of_large_blocks_that_say_nothing_of_themselves_are_all_found(gil_python: str) -> None:
    with report_of(gil_python, 0, OWNERS) as (truth, report):
        told = {row["type"]: row for row in report["types"]}
    if interpreter(gil_python).version_info[:2] >= (3, 15):
        del truth["bytearray"]  # its buffer is a bytes, and counts as one
    for name, (count, bytes_) in truth.items():
        assert told[name]["count"] == pytest.approx(count, abs=10), name  # modules have some of their own
        assert told[name]["bytes"] == pytest.approx(bytes_, rel=0.02), name
        assert told[name]["low"] <= told[name]["bytes"] <= told[name]["high"]


def test_those_of_numpy_are_found() -> None:
    """Of the interpreter that has it: the tests' own."""
    with report_of(sys.executable, 0, OWNERS) as (truth, report):
        told = {row["type"]: row for row in report["types"]}
    count, bytes_ = truth["numpy.ndarray"]
    assert told["numpy.ndarray"]["count"] == pytest.approx(count, abs=60)
    assert told["numpy.ndarray"]["bytes"] == pytest.approx(bytes_, rel=0.02)
    (census,) = report["census"]
    assert 0.9 < census["large_known"] / census["large_bytes"] <= 1.02, "none of it counts twice"


def test_no_more_is_told_of_large_bytearrays_than_there_can_be(python: str) -> None:
    expect_no_more(python, "debug")  # so that their heads are judged by a sample


def test_nor_is_it_where_every_object_is_a_block_of_the_c_library(gil_python: str) -> None:
    expect_no_more(gil_python, "malloc")


def expect_no_more(python: str, malloc: str) -> None:
    with report_of(python, 0, OWNERS, env={**os.environ, "PYTHONMALLOC": malloc}) as (truth, report):
        told = {row["type"]: row for row in report["types"]}
    bytes_ = sum(bytes_ for _, bytes_ in truth.values())
    if "bytearray" in told:  # some sample has met one
        assert told["bytearray"]["low"] <= bytes_
        assert told["bytearray"]["bytes"] < 1.3 * bytes_


def test_objects_are_found_among_the_blocks_of_the_c_library(gil_python: str) -> None:
    with report_of(gil_python, MANY // 4, env={**os.environ, "PYTHONMALLOC": "malloc"}) as (truth, report):
        (census,) = report["census"]
        assert (census["allocator"], census["pages"], census["large_cut"]) == ("malloc", 0, False)
        expect_close(truth, report)


def test_objects_are_found_behind_the_words_of_debug_hooks(python: str) -> None:
    with report_of(python, MANY // 4, env={**os.environ, "PYTHONMALLOC": "debug"}) as (truth, report):
        expect_close(truth, report)


def test_objects_are_found_behind_them_among_the_blocks_of_the_c_library(gil_any_python: str) -> None:
    environment = {**os.environ, "PYTHONMALLOC": "malloc_debug"}
    with report_of(gil_any_python, MANY // 4, env=environment) as (truth, report):
        (census,) = report["census"]
        assert (census["allocator"], census["pages"]) == ("malloc", 0)
        expect_close(truth, report)


def expect_close(truth: dict[str, list[int]], report: dict[str, Any]) -> None:
    told = {row["type"]: row for row in report["types"]}
    for name, (count, bytes_) in truth.items():
        row = told[name]
        own = ITS_OWN.get(name, OF_ITS_OWN)
        # Thrice the interval of 95 %: six deviations, so that chance alone fails no test.
        assert row["count"] == pytest.approx(count, abs=3 * (row["count_high"] - row["count"]) + own), name
        off = 3 * (row["high"] - row["bytes"])
        assert row["bytes"] == pytest.approx(bytes_, abs=off + own * bytes_ / count), name
        if bytes_ > 0.02 * sum(each for _, each in truth.values()):
            assert row["high"] - row["bytes"] < 0.35 * row["bytes"], name
    # The order is that of the target wherever it is no matter of chance.
    rows = [row for row in report["types"] if row["type"] in truth]
    for larger, smaller in pairwise(rows):
        if smaller["high"] < larger["low"]:
            assert truth[larger["type"]][1] > truth[smaller["type"]][1]


# Holds containers by a name of a module, of a class, of an instance, and of a function that runs.
HOLDING = """
import sys

CACHE = dict.fromkeys(range(5_000))
FEW = list(range(50))

class Store:
    shared = [0] * 3_000

    def __init__(self):
        self.items = set(range(2_000))

STORE = Store()

def serve():
    pending = list(range(4_000))
    lines = list(range(6_000))

    def read():
        READY
        sys.stdin.readline()
        return len(lines)

    read()

serve()
"""


def test_large_containers_are_told_by_the_names_that_hold_them(python: str) -> None:
    with standing_by(python, HOLDING) as target:
        rows = inspection.memory(target.pid)["holders"]
    assert rows is not None
    own = [row for row in rows if row["path"].startswith(("__main__", "serve"))]
    assert {(row["path"], row["type"], row["items"]) for row in own} == {
        ("__main__: CACHE", "dict", 5_000),
        ("__main__: Store.shared", "list", 3_000),
        ("__main__: STORE.items", "set", 2_000),
        ("serve(): pending", "list", 4_000),
        ("serve.<locals>.read(): lines", "list", 6_000),
    }
