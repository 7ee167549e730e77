"""The work of `allocate` in Python: trees of small linked objects, built, walked and let go, on N threads.

Run as a program of its own, by any CPython: arguments and lines are those of protocol.py, and nothing but the
standard library is there.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
import threading
from time import monotonic_ns, sleep
from typing import Any

PROGRESS_S = 0.1


class TreeNode:
    """A node of a binary tree."""

    __slots__ = ("left", "right")

    left: TreeNode | None
    right: TreeNode | None


def build(depth: int) -> TreeNode:
    """A full tree of that depth."""
    node = TreeNode()
    if depth:
        node.left, node.right = build(depth - 1), build(depth - 1)
    else:
        node.left = node.right = None
    return node


def nodes(node: TreeNode) -> int:
    """How many nodes a tree has."""
    if node.left is None or node.right is None:
        return 1
    return 1 + nodes(node.left) + nodes(node.right)


class Pauses:
    """What the collector tells of itself."""

    def __init__(self) -> None:
        self._start_ns = 0
        self._all: list[tuple[int, int]] = []
        gc.callbacks.append(self._hear)

    def _hear(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._start_ns = monotonic_ns()
        else:
            self._all.append((self._start_ns, monotonic_ns() - self._start_ns))

    def take(self) -> list[tuple[int, int]]:
        """Those since this was asked last."""
        pauses, self._all = self._all, []
        return pauses


class TreePhase:
    """Some threads at work for some time."""

    def __init__(self, depth: int, keep: int, threads: int) -> None:
        self._depth = depth
        self._keep = keep
        self._stop = False
        self._counts = [0] * threads
        self._threads = [
            threading.Thread(target=self._work, args=(place,), name=f"worker-{place + 1}")
            for place in range(threads)
        ]

    def _work(self, place: int) -> None:
        kept: list[TreeNode | None] = [None] * self._keep
        expected = (2 << self._depth) - 1
        turn = 0
        while not self._stop:
            tree = build(self._depth)
            if nodes(tree) != expected:
                raise AssertionError("a tree has lost nodes")
            kept[turn] = tree
            turn = (turn + 1) % self._keep
            self._counts[place] += 1

    def run(self, length_ns: int, pauses: Pauses) -> None:
        """Work for so long, and say what was done."""
        pauses.take()
        start_ns = monotonic_ns()
        for thread in self._threads:
            thread.start()
        while (left_ns := start_ns + length_ns - monotonic_ns()) > 0:
            sleep(min(left_ns / 1e9, PROGRESS_S))
            say({"trees": sum(self._counts)})
        end_ns, trees, had = monotonic_ns(), sum(self._counts), pauses.take()
        self._stop = True
        for thread in self._threads:
            thread.join()
        say(
            {
                "done": {
                    "threads": len(self._threads),
                    "trees": trees,
                    "start_ns": start_ns,
                    "end_ns": end_ns,
                    "pauses": had,
                }
            }
        )


def say(body: dict[str, Any]) -> None:
    """Write one line."""
    print(json.dumps(body, separators=(",", ":")), flush=True)  # noqa: T201


def main() -> None:
    """Do the phases that standard input asks for."""
    depth, keep = int(sys.argv[1]), int(sys.argv[2])
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    say(
        {
            "ready": {
                "name": "CPython" if gil else "free-threaded CPython",
                "version": platform.python_version(),
            }
        }
    )
    pauses = Pauses()
    running: threading.Thread | None = None
    for line in sys.stdin:
        threads, milliseconds = map(int, line.split())
        if running is not None:
            running.join()
        phase = TreePhase(depth, keep, threads)
        running = threading.Thread(target=phase.run, args=(milliseconds * 1_000_000, pauses), name="phase")
        running.start()
    os._exit(0)  # whoever asked is gone, and may have gone amid a phase


if __name__ == "__main__":
    main()
