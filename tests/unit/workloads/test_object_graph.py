"""`object-graph`: names, objects and references of known programs, on every version of Python found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.interpreters import ANY, interpreter

from app.workloads.memory.blocks import Blocks

ROOT = Path(__file__).parents[3]
Observe = Callable[..., Any]  # the fixture: it starts a Target of conftest.py
POOL_BYTES = 16 * 1024

KNOWN = """\
class Node:
    pass
a = []
b = a
c = [a, a]
d = {"k": a}
del b
p = Node()
p.other = a
def keep(x):
    def inside():
        return x
    return inside
f = keep(a)
del c, d, p, f
g = keep
del a
"""

every_python = pytest.mark.parametrize("python", ANY.each())


def _run(code: str, python: str = sys.executable, seconds: float = 20, **params: Any) -> dict[str, Any]:
    given = json.dumps({"code": code, "pause_ms": 0, **params})
    command = [python, "-W", "error", "-m", "app.workloads", "run", "object-graph", "--params", given]
    ended = subprocess.run(
        [*command, "--seconds", str(seconds)],
        cwd=ROOT,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def _after(result: dict[str, Any], source: str) -> dict[str, Any]:
    """The step of a line."""
    step: dict[str, Any] = next(step for step in result["steps"] if step["source"].strip() == source)
    return step


def _named(step: dict[str, Any], wanted: str) -> dict[str, Any]:
    """The object that a name leads to."""
    number = next(each["object"] for each in step["names"] if each["name"] == wanted)
    return next(each for each in step["objects"] if each["id"] == number)


def _notes(result: dict[str, Any]) -> list[str]:
    return [note for step in result["steps"] for note in step["notes"]]


@every_python
def test_references_are_counted_without_the_readers_own(python: str):
    result = _run(KNOWN, python)
    counts = {
        "a = []": 1,
        "b = a": 2,
        "c = [a, a]": 4,
        'd = {"k": a}': 5,
        "del b": 4,
        "p.other = a": 5,
        "f = keep(a)": 6,  # the cell holds it
        "del c, d, p, f": 1,
    }
    assert {line: _named(_after(result, line), "a")["refcount"] for line in counts} == counts
    inside = _after(result, "return inside")
    assert _named(inside, "x")["refcount"] == 6
    assert [each["scope"] for each in inside["names"] if each["name"] in ("a", "x")] == ["", "keep"]
    assert result["ended"] is None
    assert any("was freed at once" in note and "list #" in note for note in result["steps"][-1]["notes"])


@every_python
def test_references_are_labelled(python: str):
    step = _after(_run(KNOWN, python), "f = keep(a)")
    a, c, d, p, f = (_named(step, each)["id"] for each in "acdpf")
    edges = {(out, label): into for out, into, label in step["edges"]}
    assert [edges[c, "[0]"], edges[c, "[1]"], edges[d, "['k']"], edges[p, ".other"]] == [a] * 4
    assert edges[edges[f, "cell x"], "contents"] == a
    assert edges[p, "class"] == _named(step, "Node")["id"]


@every_python
def test_a_cycle_outlives_its_names_until_the_collector_comes(python: str):
    code = "import gc\nclass Node: pass\np, q = Node(), Node()\np.other, q.other = q, p\ndel p, q\n"
    result = _run(code + "gc.collect()\n", python)
    left = _after(result, "del p, q")
    lost = [each for each in left["objects"] if not each["reachable"]]
    assert [(each["type"], each["refcount"]) for each in lost] == [("Node", 1), ("Node", 1)]
    names = " and ".join(f"Node #{each['id']}" for each in lost)
    assert left["notes"] == [
        f"No name reaches {names} any more, but each has a reference from among them, so counting frees "
        "none: they wait for the collector."
    ]
    collected = _after(result, "gc.collect()")
    assert collected["notes"] == [f"The collector freed {names}, which no name reached."]
    assert all(each["reachable"] for each in collected["objects"])


@every_python
def test_an_object_is_told_with_its_size_its_place_and_its_mortality(python: str):
    found = interpreter(python)
    code = "import sys\na = [1]\nsize = sys.getsizeof(a)\nn = None\nbig = bytearray(5000)\nwhere = id(a)\n"
    step = _after(_run(code, python), "where = id(a)")
    a = _named(step, "a")
    assert (a["type"], a["repr"]) == ("list", "list of 1 item")
    assert str(a["size"]) == _named(step, "size")["repr"]
    assert str(a["address"]) == _named(step, "where")["repr"]
    n = _named(step, "n")
    assert n["immortal"] == (found.version_info >= (3, 12))
    assert (n["refcount"] is None) == n["immortal"]
    if found.free_threaded:
        assert (a["pool"], a["size_class"]) == (None, None)  # mimalloc has pages of its own
    else:
        assert a["pool"] == a["address"] // POOL_BYTES * POOL_BYTES
        assert a["size_class"] == 64  # the collector's header and the list's own 40 bytes, in steps of 16
    assert n["pool"] is None  # it lies in the interpreter's own data


def test_blocks_are_found_for_what_pymalloc_keeps_and_for_nothing_else():
    small = [bytes(40) for _ in range(1000)]
    with Blocks() as blocks:
        assert {place.size_class for each in small if (place := blocks.place(id(each)))} == {80}
        assert all(blocks.place(id(each)) for each in small)
        assert blocks.place(id(None)) is None
        assert blocks.place(id(bytes(100_000))) is None
        assert blocks.place(0) is None


def test_nothing_that_an_object_defines_is_run():
    code = """\
class Sly:
    def __repr__(self): print("repr")
    def __getattribute__(self, name): print("getattribute")
    def __len__(self): print("len")
    def __iter__(self): print("iter")
    def __sizeof__(self): print("sizeof")
    def __eq__(self, other): print("eq")
    def __hash__(self): print("hash")
    @property
    def __dict__(self): print("dict")
class SlyList(list):
    def __iter__(self): print("iter")
    def __len__(self): print("len")
s = Sly()
t = SlyList([s])
print("done")
"""
    notes = _notes(_run(code))
    assert notes == ["Printed: done"]


def test_the_users_exception_is_the_last_note():
    result = _run("x = 1\ndef fail():\n    return 1 / 0\nfail()\n")
    assert result["steps"][-1]["notes"] == [
        "Line 3 raised ZeroDivisionError: division by zero. The lines end here."
    ]
    assert result["showed"]


@pytest.mark.parametrize(
    ("code", "error"),
    [("x = (", "SyntaxError"), ("-" * 15_000 + "1", "Error"), ("x = '\0'", "Error")],
    ids=["open", "deep", "null"],
)
def test_lines_that_do_not_compile_are_one_step(code: str, error: str):
    (step,) = _run(code)["steps"]
    assert error in step["notes"][0]
    assert (step["line"], step["source"]) == (1, code)


def test_what_a_destructor_prints_at_the_end_is_not_the_workloads_output():
    result = _run("class Loud:\n    def __del__(self): print('gone')\nx = Loud()\n")
    assert [step["line"] for step in result["steps"]] == [1, 3]


@pytest.mark.parametrize(
    "code",
    [
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n",
        "import time\ntime.sleep(60)\n",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n",
    ],
    ids=["loop", "sleep", "lock"],
)
def test_told_to_stop_it_does_so_within_a_second(observe: Observe, code: str):
    given = json.dumps({"code": code, "pause_ms": 0, "max_steps": 1000})
    target = observe("object-graph", "--seconds", "60", "--params", given)
    target.wait_until_ready()
    target.go()
    target.wait_until_at_work()
    target.words[0] = 1
    told = []
    while "result" not in (line := target.receive_any()):
        told.append(line["step"])
    assert line["result"]["ended"] is not None
    assert line["result"]["steps"] == told
    assert target.wait()[0] == 0


def test_steps_objects_and_text_are_bounded():
    result = _run("n = 0\nwhile True:\n    n += 1\n", max_steps=25)
    assert len(result["steps"]) == 25
    assert "25 steps" in result["ended"]
    result = _run("x = [[i] for i in range(10_000)]\ny = 'é' * 100_000\nz = 10 ** 100_000\n")
    step = result["steps"][-1]
    assert len(step["objects"]) == 80
    assert len(step["edges"]) <= 200
    assert all(len(each["repr"]) <= 40 for each in step["objects"])
    assert any("there are more" in note for note in step["notes"])
