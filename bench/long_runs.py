"""How long an hour of many threads takes to open, look at and export: real messages, told over and over."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
from websockets.sync.client import connect

from app.exporters import EXPORTERS
from app.lab.export import export
from app.model import frames
from app.runs.archive import Archive, StoredRun
from app.runs.observer import HOME
from app.runs.recording import Recording, read
from app.runs.timeline import beside
from bench.serving import Lab, lab

THREADS = 64
RECORDED_S = 10
SHIFTED = (frames.Frame, frames.Counters, frames.Stacks, frames.Blocked, frames.Collector, frames.Memory)
WINDOW_US = 10_000_000
FIGURES_S = (0.1, 1, 10, 60, 600, 1800)

Json = dict[str, Any]


@dataclass(slots=True)
class Answers:
    """What was measured, by what was asked; and the server's memory afterwards."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)  # that the server took for all answers
    rss: int = 0
    recording_bytes: int = 0
    timeline_bytes: int = 0


def look(length_s: float, repeats: int, dice: random.Random) -> Answers:
    """A run of that length in an archive: opened, and windows of it at random places."""
    found = Answers()
    with tempfile.TemporaryDirectory() as folder:
        run_id, end_us, path = fill(Path(folder), length_s)
        found.recording_bytes = os.path.getsize(path)
        found.timeline_bytes = os.path.getsize(beside(path))
        with lab(GILSCOPE_DATA_DIR=folder) as server:
            process = psutil.Process(server.pid)
            questions: dict[str, Callable[[], object]] = {
                "opened, as a page does": lambda: _open(server, run_id),
                "timeline of all": lambda: _read(server, f"runs/{run_id}/timeline?to_us={end_us}"),
            }
            windows = [("timeline of a minute", 60_000_000), ("messages of 10 s", WINDOW_US)]
            windows += [
                (f"figures of {span_s:g} s", int(span_s * 1e6)) for span_s in FIGURES_S if span_s < length_s
            ]
            for name, span_us in windows:
                kind = name.split()[0]

                def ask(kind: str = kind, span_us: int = span_us) -> None:
                    from_us = dice.randrange(max(1, end_us - span_us))
                    _read(server, f"runs/{run_id}/{kind}?from_us={from_us}&to_us={from_us + span_us}")

                questions[name] = ask
            for question in questions.values():
                question()
            for _ in range(repeats):
                for name in dice.sample([*questions], len(questions)):
                    began, before_s = time.perf_counter(), _cpu_s(process)
                    questions[name]()
                    found.seconds.setdefault(name, []).append(time.perf_counter() - began)
                    found.cpu_s[name] = found.cpu_s.get(name, 0.0) + _cpu_s(process) - before_s
            found.rss = process.memory_info().rss
    return found


def exports(length_s: float) -> Iterator[tuple[str, float, float, int, int]]:
    """(format, seconds, CPU seconds, bytes, growth of this process in bytes) of a run of that length."""
    with tempfile.TemporaryDirectory() as folder:
        run_id, _, _ = fill(Path(folder), length_s)
        run = asyncio.run(_stored(Path(folder), run_id))
        for exporter in EXPORTERS:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began, cpu = time.perf_counter(), time.process_time()
            size = sum(map(len, export(run, exporter)))
            took, used = time.perf_counter() - began, time.process_time() - cpu
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            yield exporter.name, took, used, size, grown * 1024


def fill(home: Path, length_s: float) -> tuple[str, int, Path]:
    """An archive with one run of that length: its id, its end, its recording."""
    seconds = str(min(RECORDED_S, length_s))
    with tempfile.TemporaryDirectory() as folder:
        real, long = Path(folder) / "real.jsonl.gz", Path(folder) / "long.jsonl.gz"
        asked = ["cpu-bound", "--workers", str(THREADS), "--seconds", seconds, "-o", str(real)]
        subprocess.run(
            [sys.executable, "-m", "app", "run", *asked],
            env=os.environ | {"GILSCOPE_DATA_DIR": folder},
            cwd=HOME,
            check=True,
            capture_output=True,
        )
        end_us = _repeat(real, long, length_s)
        run = asyncio.run(_taken_in(home, long))
    return run.id, end_us, Path(run.path)


def _repeat(real: Path, long: Path, length_s: float) -> int:
    """Make a recording as long as that, by the messages of another with later times; its end."""
    told = [json.loads(line) for line in read(real)]
    once_us = max(message["end_us"] for message in told if message["type"] == "frame")
    body = [message for message in told if message["type"] in {kind.type for kind in SHIFTED}]
    rest = [message for message in told if message["type"] in ("hello", "process", "names")]
    recording = Recording(long)
    at_us = 0

    def add(message: Json) -> None:
        line = json.dumps({**message, "seq": recording.messages}, separators=(",", ":"), ensure_ascii=False)
        recording.write(line, at_us)

    for message in rest:
        add(message)
    for turn in range(max(1, int(length_s * 1e6 // once_us))):
        for message in body:
            add(_later(message, turn * once_us))
            at_us = max(at_us, message.get("end_us", 0) + turn * once_us)
    add({"type": "end", "at_us": at_us, "state": "finished", "error": None, "exit_code": 0})
    recording.close()
    return at_us


def _later(message: Json, by_us: int) -> Json:
    """The message as if it had been told so much later."""
    later = {
        name: value + by_us for name, value in message.items() if name in ("at_us", "start_us", "end_us")
    }
    match message["type"]:
        case "stacks":
            later["looks"] = [[row[0] + by_us, *row[1:]] for row in message["looks"]]
        case "blocked":
            later["rows"] = [
                [at_us + by_us, lane, state, since_us + by_us, *what]
                for at_us, lane, state, since_us, *what in message["rows"]
            ]
        case "collector":
            later["pauses"] = [[*row[:2], row[2] + by_us, *row[3:]] for row in message["pauses"]]
    return {**message, **later}


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _read(server: Lab, path: str) -> bytes:
    with urlopen(Request(f"http://{server.host}/api/v1/{path}", headers=server.bearer)) as answer:
        return bytes(answer.read())


def _open(server: Lab, run_id: str) -> None:
    """The page, and all that it is sent."""
    with urlopen(Request(f"http://{server.host}/runs/{run_id}", headers=server.bearer)) as answer:
        answer.read()
    stream = f"ws://{server.host}/api/v1/runs/{run_id}/stream"
    with connect(stream, additional_headers=server.bearer, max_size=None, proxy=None) as socket:
        for _ in socket:
            pass


async def _taken_in(home: Path, path: Path) -> StoredRun:
    archive = Archive(home, 1 << 40)
    try:
        return await archive.import_file(str(path))
    finally:
        await archive.close()


async def _stored(home: Path, run_id: str) -> StoredRun:
    archive = Archive(home, 1 << 40)
    try:
        return await archive.get(run_id)
    finally:
        await archive.close()
