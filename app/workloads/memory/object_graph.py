"""Names, objects and the references between them, line by line.

Each step is reported as it is taken, {"step": {...}}, and all of them are the result's `steps`:

    {"line", "source", "notes": [sentence],
     "names": [{"name", "scope", "object"}],     scope: the function's name, or "" for the module
     "objects": [{"id", "type", "repr", "size", "refcount", "immortal", "address", "pool", "size_class",
                  "reachable"}],
     "edges": [[id, id, label]]}

`size` counts the headers before the object. What does not apply is null: the count of an immortal object, or
of one that a free-threaded build does not count one by one; pool and size class of what pymalloc does not
keep. `reachable` is false of objects that no name reaches and that are not freed yet. `ended` says why the
lines did not come to their own end.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from time import monotonic, sleep
from types import FrameType
from typing import Any

from app.workloads.catalogue import Param, Workload
from app.workloads.context import Context, Json
from app.workloads.memory.blocks import Blocks
from app.workloads.memory.steps import FILE, Enough, Stepper

SAMPLE = """\
import gc

class Node:
    pass

a = [1, 2]
b = a                     # a second name for the same list
b.append(3)               # changed through one name, seen through both
c = list(a)               # a copy: equal, and yet another object
del a                     # the list lives on: b refers to it
p, q = Node(), Node()
p.other, q.other = q, p   # a cycle
del p, q                  # no name reaches them, and each keeps the other
gc.collect()              # the collector finds out, and frees both
"""

_MAX_SOURCE = 20_000  # characters
_MAX_RESULT = 4 * 1024 * 1024  # bytes of all steps together
_LOOK_S = 0.2  # how often a line that does not end is asked whether it has to


class _Session:
    """The steps so far, and when there are enough of them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._bytes = 0
        self.steps: list[Json] = []
        self.cut: str | None = None  # why the lines were ended before their own end

    def take(self, step: Json) -> None:
        """Keep a step, tell of it, and stay there as long as was asked for. Enough if it is the last."""
        self.steps.append(step)
        self._ctx.report({"step": step})
        self._ctx.count(1)
        self._bytes += len(json.dumps(step))
        if len(self.steps) >= self._ctx.params["max_steps"]:
            self._end(f"The lines were ended after {len(self.steps)} steps, the most that were asked for.")
        if self._bytes > _MAX_RESULT:
            self._end(f"The lines were ended after {len(self.steps)} steps: there is no more room for them.")
        until = monotonic() + self._ctx.params["pause_ms"] / 1000
        while (left_s := until - monotonic()) > 0:
            self.ask()
            sleep(min(left_s, _LOOK_S))
        self.ask()

    def ask(self) -> None:
        """Enough if it is time to end."""
        if self._ctx.stopping:
            self._end("The run ended before the lines did.")

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """The same, by a signal that came while the lines, or what they called, were running."""
        while frame is not None and frame.f_code.co_filename != FILE:
            frame = frame.f_back
        if frame is not None:
            self.ask()

    def _end(self, why: str) -> None:
        self.cut = self.cut or why
        raise Enough


def _work(ctx: Context) -> Json:
    source = ctx.params["code"]
    session = _Session(ctx)
    if len(source) > _MAX_SOURCE:
        raise ValueError(
            f"the code has {len(source)} characters; at most {_MAX_SOURCE} can be stepped through"
        )
    before = signal.signal(signal.SIGALRM, session.interrupt)
    # A line that waits, or loops without end, is reached by a signal: it interrupts the one and the other.
    signal.setitimer(signal.ITIMER_REAL, _LOOK_S, _LOOK_S)
    try:
        with Blocks() as blocks:
            Stepper(source, session.take, blocks).run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return {"steps": session.steps, "ended": session.cut}


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    return found[0]


def _showed(result: Json) -> list[str]:
    steps = [step for step in result["steps"] if step["objects"]]
    sentences = [f"{len(result['steps'])} steps were taken."]
    shared = _most_shared(steps)
    if shared:
        sentences.append(shared)
    objects = [each for step in steps for each in step["objects"]]
    pooled = {each["id"] for each in objects if each["pool"] is not None}
    immortal = {each["id"] for each in objects if each["immortal"]}
    place = (
        f"Of {len({each['id'] for each in objects})} objects {len(pooled)} lay in pools of the private heap"
    )
    mortality = f", and {len(immortal)} were immortal: their references are not counted" if immortal else ""
    sentences.append(f"{place}{mortality}.")
    sentences += dict.fromkeys(note for step in steps for note in step["notes"] if "collector" in note)
    return sentences + ([result["ended"]] if result["ended"] else [])


def _most_shared(steps: Sequence[Json]) -> str | None:
    """The object with the most names at once, in a sentence; None where each has but one."""
    best: tuple[int, str] = (1, "")
    for step in steps:
        for each in step["objects"]:
            names = [name["name"] for name in step["names"] if name["object"] == each["id"]]
            if len(names) > best[0] and not each["immortal"]:
                joined = f"{', '.join(names[:-1])} and {names[-1]}"
                said = f"After line {step['line']} {joined} were names of one object, {each['repr']}"
                best = (len(names), f"{said}, with {each['refcount']} references in all.")
    return best[1] or None


OBJECT_GRAPH = Workload(
    name="object-graph",
    family="memory",
    title="The object graph",
    sentence="Your own lines, one at a time: names and objects as a labelled directed graph.",
    op="one line that has run",
    look_for=(
        "A name is an arrow to an object. An assignment moves the arrow and copies nothing, so two names may "
        "lead to one object, and what is changed through one is seen through the other.",
        "An object goes as soon as the last reference to it does. In a cycle that moment never comes: each "
        "keeps the other, until the collector finds that no name leads there.",
        "Small objects lie in pools of 16 KiB, side by side with others of their size class. A count may be "
        "higher than the arrows that lead to an object: compiled code refers to its constants, too.",
    ),
    why=(
        "A variable of Python is no box that holds a value but a name in a dict or in a frame, bound to an "
        "object; the object counts the references to it, and is freed when the count comes to nothing.",
        "Since 3.12 None, small integers and others that live as long as the interpreter are immortal: their "
        "counts stay as they are, so that processes and threads share them without writing to them.",
    ),
    helps=(
        "Copy where two owners must not see each other's changes (list(a), copy.deepcopy), and share where "
        "they must.",
        "Break a cycle by hand, or make its way back a weakref, where memory must go at once.",
    ),
    subject="Python's memory model: the labelled directed graph of names and objects (chapter 17).",
    roles=("stepper",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    summarise=_summarise,
    showed=_showed,
    params=(
        Param("code", "text", SAMPLE, "The lines to step through.", program=True),
        Param(
            "pause_ms",
            "int",
            100,
            "How long to stay after each line, so that heap map and charts can be watched.",
            min=0,
            max=2_000,
            unit="ms",
        ),
        Param("max_steps", "int", 200, "Steps after which the lines are ended.", min=1, max=1_000),
    ),
)
