"""Which findings are told of which programs, and which are due: docs/findings.md and docs/findings.json.

    python tools/findings.py                              write the page from the stored results
    python tools/findings.py --run --python 3.14 [NAME]   take results, of the programs named or of all
    python tools/findings.py --check                      fail if the page is not current

A program is a workload of the catalogue at its defaults, or one of docs/cases/programs/findings, whose head
declares what is due: `# due:` on interpreters with a GIL, `# free:` on those that run without, where that
differs; `# only: free` for one that needs such a build, `# needs:` a package. What is due of a workload is
its `finding`, and what ALSO says.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.analysis.findings.rows import LEAST_COVERAGE
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model import frames
from app.model.spec import ObserverSpec, Sampling, Start
from app.model.summary import Summary
from app.workloads import catalogue

ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / "docs" / "cases" / "programs" / "findings"
RESULTS = ROOT / "docs" / "findings.json"
DOCUMENT = ROOT / "docs" / "findings.md"
TEXTS = ROOT / "docs" / "findings.head.md"

SECONDS = 2.0
LONGER = {
    "leak": 12.0,
    **dict.fromkeys(("native_leak", "fills_its_arenas", "threads_without_end", "cache_that_is_full"), 10.0),
    "batches": 10.0,
    "malloc-trim": 6.0,  # at its end what was free has been given back, and has been read again
    "exceptions_that_are_kept": 6.0,
    "fragmentation": 10.0,
    "gil_switched_on": 10.0,
    "lock_that_is_never_released": 4.0,
    "many_idle_threads": 6.0,
    "timers": 4.0,
    "polls_a_queue": 10.0,
    "loop_that_never_rests": 6.0,
    **dict.fromkeys(("pool_too_small", "pool_of_endless_jobs", "pool_half_idle"), 4.0),
}  # these take their time until something can be seen
LIMIT_S = 90.0
SEEN = 0.9  # a run of which less was seen is taken again
TRIES = 2

# Of a workload: what is true of it besides its own finding. A run that shows only part of the true ones is
# right too, so these may be told and need not be.
ALSO: dict[str, frozenset[str]] = {
    "convoy": frozenset({"gil-saturated"}),
    "switch-interval": frozenset({"gil-saturated", "gil-convoy"}),
    "native-hold": frozenset({"gil-saturated"}),
    "stalled-holder": frozenset({"gil-saturated"}),
    "primes": frozenset({"gil-saturated"}),
    "counters": frozenset({"gil-saturated"}),
    "shared-map": frozenset({"gil-saturated", "lock-contention"}),
    "task-queue": frozenset({"gil-saturated", "gil-convoy"}),
    "lost-update": frozenset({"gil-saturated"}),
    "livelock": frozenset({"gil-saturated"}),
    "starvation": frozenset({"gil-saturated"}),
    "atomic-matrix": frozenset({"gil-saturated"}),
    "ordering": frozenset({"gil-saturated"}),
    "queues": frozenset({"gil-saturated"}),
    "web-requests": frozenset({"gil-idle"}),
    "echo-server": frozenset({"gil-idle"}),  # eight clients, of whom one is served at a time
    "philosophers": frozenset({"threads-stuck"}),
    "reference-counts": frozenset({"gil-saturated", "lost-updates"}),
    "reference-cycles": frozenset({"gil-convoy", "cycles-hold-memory"}),  # a bystander wakes each millisecond
    "leak": frozenset({"gil-idle"}),  # its threads pause, and so do the next two
    "fragmentation": frozenset({"gil-idle"}),
    "object-allocators": frozenset({"gil-idle", "gc-pauses"}),  # it collects before each count
    "malloc-trim": frozenset({"gil-idle"}),  # it asks four times a second whether somebody wants it to trim
    "memory-ladder": frozenset({"gil-idle"}),  # it polls for what a person asks of it
    "object-graph": frozenset({"gil-idle"}),  # it pauses after each step, so that it can be followed
    "process-lifecycle": frozenset({"gil-idle"}),  # all of them wait, for jobs and for each other's end
    "concurrent-tests": frozenset({"gil-idle"}),  # so do its tests
    "calculator-server": frozenset({"gil-idle"}),  # its clients type
    "task-switches": frozenset({"lock-contention"}),  # its threads take turns, at a lock each
    "descriptor-leak": frozenset({"gil-idle"}),  # its clerks pause after each request
    "allocate": frozenset({"gc-pauses"}),  # trees of linked objects, which the collector walks
}
# On a build without a GIL these have nothing to rest on: threads run at once, and mimalloc keeps no arenas.
NOT_FREE = re.compile(r"gil-(saturated|convoy|long-hold|stalled-holder|idle)|heap-fragmented")
FREE = frozenset({"free-threads-parallel"})
# Of these it has to be told there that they did, and of those it may: their threads compute in part.
AT_ONCE = frozenset({"cpu-bound", "primes", "native-hold"})
AT_ONCE_IN_PART = frozenset(
    {
        *("convoy", "stalled-holder", "switch-interval", "task-queue", "queues"),
        *("lost-update", "livelock", "counters", "shared-map", "atomic-matrix", "ordering"),
        *("reference-counts", "reference-cycles", "gil_switched_on", "pollers"),
    }
)
EVERYWHERE = frozenset({"observation-thin"})  # said of the machine, not of the program
OF_CLUSTERS = frozenset({"worker-gil-bound"})  # of no single program: tests/process/test_dask.py


@dataclass(frozen=True)
class Program:
    """What is run, and what is due of it."""

    name: str
    workload: bool
    due: frozenset[str]
    may: frozenset[str]
    free_due: frozenset[str]
    only_free: bool = False
    needs: str = ""

    def expected(self, free: bool) -> tuple[frozenset[str], frozenset[str]]:
        """(what has to be told, what may be) on an interpreter with a GIL, or without."""
        if free:
            at_once = FREE if self.name in AT_ONCE_IN_PART else frozenset()
            return self.free_due, self.may | at_once | EVERYWHERE
        return self.due, self.may | EVERYWHERE


def programs() -> list[Program]:
    """All of them: the catalogue, then the cases."""
    found = []
    for each in catalogue.workloads():
        due = frozenset({each.finding} if each.finding else ())
        free = frozenset(code for code in due if not NOT_FREE.fullmatch(code))
        free |= FREE if each.name in AT_ONCE else frozenset()
        may = ALSO.get(each.name, frozenset()) | (due - free)
        found.append(Program(each.name, True, due, may, free))
    for path in sorted(PROGRAMS.glob("*.py")):
        told = dict(re.findall(r"^# (due|may|free|only|needs):[ ]*(.*)$", path.read_text(), re.MULTILINE))
        due = frozenset(told["due"].split())
        free = frozenset(told["free"].split()) if "free" in told else due
        may, needs = frozenset(told.get("may", "").split()), told.get("needs", "")
        found.append(Program(path.stem, False, due, may, free, told.get("only") == "free", needs))
    return found


def take(program: Program, python: str) -> dict[str, Any] | None:
    """The best of some runs: {"python", "free", "told", "coverage"}; None where what it needs is missing."""
    if program.needs and not _has(python, program.needs):
        return None
    best: dict[str, Any] | None = None
    for _ in range(TRIES):
        summary = observe(program, python)
        coverage = summary["sampling"]["coverage"] or 0.0
        if best is None or coverage > best["coverage"]:
            target = summary["target"]
            told = [finding["code"] for finding in summary["findings"]]
            best = {"python": target["python"], "free": bool(target["free_threaded"]), "told": told}
            best["coverage"] = round(coverage, 2)
        if coverage >= SEEN:
            break
    return best


def _has(python: str, package: str) -> bool:
    return subprocess.run([python, "-c", f"import {package}"], capture_output=True).returncode == 0


def observe(program: Program, python: str) -> Summary:
    """The summary of one run."""
    name, seconds = program.name, LONGER.get(program.name, SECONDS)
    kind = "workload" if program.workload else "command"
    spec = ObserverSpec(
        {"id": "findings", "kind": kind, "name": name, "params": {}}, Sampling(), _start(program, python)
    )
    ledger, stopped = Ledger(), False
    observer = [sys.executable, "-m", "app.probe"]
    with subprocess.Popen(observer, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin
        assert process.stdout
        watchdog = threading.Timer(LIMIT_S, process.kill)
        watchdog.start()
        process.stdin.write(spec.to_line().encode() + b"\n")
        process.stdin.flush()
        for line in process.stdout:
            message = frames.decode(line)
            ledger.feed(message)
            if isinstance(message, frames.Frame) and message.end_us > seconds * 1e6 and not stopped:
                stopped = True
                process.stdin.write(b'{"command": "stop"}\n')
                process.stdin.flush()
        watchdog.cancel()
    if ledger.end is None or ledger.end.state not in ("finished", "stopped", "timed_out"):
        raise SystemExit(f"{name}: {ledger.end}")
    return summarise(ledger, {})


def _start(program: Program, python: str) -> Start:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    if not program.workload:
        return Start([python, str(PROGRAMS / f"{program.name}.py")], env)
    declared, seconds = catalogue.find(program.name), LONGER.get(program.name, SECONDS)
    options = ["--executor", declared.executor, "--workers", str(declared.workers), "--seconds"]
    argv = [python, "-m", "app.workloads", "run", program.name, "--params", "{}", *options, str(seconds)]
    return Start(argv, {**env, "PYTHONPATH": str(ROOT)}, workload=True)


def run(python: str, names: Sequence[str]) -> None:
    """Take results, each stored as soon as it is there."""
    free = "t" in Path(python).name.rpartition("python")[2]
    for program in programs():
        if (names and program.name not in names) or (program.only_free and not free):
            continue
        try:
            found = take(program, python)
        except SystemExit as failure:
            print(failure, flush=True)
            continue
        if found is None:
            continue
        results = stored()
        label = found["python"] + "t" * found["free"]
        results.setdefault(program.name, {})[label] = found
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        wrong, missing = judged(program, found)
        print(
            f"{program.name} on {label}: {found['told']}, seen {found['coverage']:.0%}"
            + (f"  WRONG {wrong}" if wrong else "")
            + (f"  MISSING {missing}" if missing else ""),
            flush=True,
        )


def stored() -> dict[str, dict[str, Any]]:
    """{program: {interpreter: result}}."""
    found: dict[str, dict[str, Any]] = (
        json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    )
    return found


def judged(program: Program, result: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(codes that were told and are wrong, codes that are due and were not told)."""
    due, may = program.expected(result["free"])
    told = set(result["told"])
    if result["coverage"] < LEAST_COVERAGE:
        due = frozenset()
    return sorted(told - due - may - program.expected(result["free"])[0]), sorted(due - told)


def document() -> str:
    """The whole page."""
    return TEXTS.read_text(encoding="utf-8").rstrip() + "\n\n" + "\n".join(_matrix()) + "\n"


def _matrix() -> Iterator[str]:
    results = stored()
    labels = sorted({label for of in results.values() for label in of}, reverse=True)
    yield "| program | due | told on " + " | told on ".join(labels) + " |"
    yield "| --- | --- |" + " --- |" * len(labels)
    for program in programs():
        due = _codes(sorted(program.due))
        if program.free_due != program.due:
            due += f"; without a GIL {_codes(sorted(program.free_due))}"
        cells = [_cell(program, results.get(program.name, {}).get(label)) for label in labels]
        yield f"| `{program.name}` | {due} | " + " | ".join(cells) + " |"


def _cell(program: Program, result: dict[str, Any] | None) -> str:
    if result is None:
        return ""
    wrong, missing = judged(program, result)
    told = [code for code in result["told"] if code not in EVERYWHERE]
    return (
        _codes(told)
        + (f" **wrong: {_codes(wrong)}**" if wrong else "")
        + (f" **missing: {_codes(missing)}**" if missing else "")
        + (f" (seen {result['coverage']:.0%})" if result["coverage"] < SEEN else "")
    )


def _codes(codes: Sequence[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes) or "nothing"


def main(argv: Sequence[str] | None = None) -> int:
    """Take results, write the page, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if the page is not current"
    )
    parser.add_argument("--run", action="store_true", help="run the programs first")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that they run on")
    parser.add_argument("names", nargs="*", help="the programs to run; all of them without")
    options = parser.parse_args(argv)
    if options.check:
        if DOCUMENT.read_text(encoding="utf-8") == document():
            return 0
        print(f"{DOCUMENT} is not current: run `python tools/findings.py`", file=sys.stderr)
        return 1
    if options.run:
        run(options.python, options.names)
    DOCUMENT.write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
