"""Metrics of real targets, as a scraper reads them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.observing import ROOT
from support.targets import standing_by, unprivileged

from app.exporters.prometheus import exposition
from app.runs.manager import Manager
from app.runs.request import RunRequest
from app.runs.settings import Settings

TOKEN = "the-token-of-a-scraper"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

# A line in: hold the GIL in a C function that blocks with it, or in one bytecode that computes, while another
# thread wants it; and tell by this program's own clock for how long.
HOLDER = """
import ctypes, sys, threading, time
c = ctypes.PyDLL(None)

def tick():
    while True: time.sleep(0.01)

threading.Thread(target=tick, daemon=True).start()
READY
for line in sys.stdin:
    how, amount = line.split()
    began = time.monotonic()
    if how == "block": c.usleep(int(amount))
    else: sum(range(int(amount)))
    print(time.monotonic() - began, flush=True)
"""


def samples(text: str) -> Samples:
    """Every sample of an exposition, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    """The one sample of that name and those labels among others."""
    values = [v for (n, told), v in found.items() if n == name and labels.items() <= set(told)]
    assert len(values) == 1, (name, labels, values)
    return values[0]


@pytest.mark.parametrize(
    "holds",
    [["block 1000000", "block 4000000", "block 15000000"], ["compute 50000000"]],
    ids=["blocked", "computing"],
)
def test_counters_in_seconds_are_right_under_long_holds(holds: list[str], tmp_path: Path) -> None:
    asyncio.run(_long_holds(holds, tmp_path))


async def _long_holds(holds: list[str], home: Path) -> None:
    manager = Manager(Settings(data_dir=str(home)))
    try:
        await asyncio.gather(*(_long_hold(manager, hold) for hold in holds))
    finally:
        await manager.close()


async def _long_hold(manager: Manager, hold: str) -> None:
    with standing_by(sys.executable, HOLDER) as target:
        run = await manager.start(RunRequest(attach_pid=target.pid))

        def counted() -> dict[str, float]:
            """By name, in seconds; empty before the first."""
            found = samples(exposition(manager.metrics())[0].decode())
            return {
                match[1]: value
                for (name, labels), value in found.items()
                if labels == {("run", run.id)}
                and (match := re.fullmatch("gilscope_run_gil_([a-z]+)_seconds_total", name))
            }

        before = counted()
        while before.get("seen", 0) < 0.3:
            await asyncio.sleep(0.2)
            before = counted()
        assert target.stdin
        assert target.stdout
        target.stdin.write(f"{hold}\n".encode())
        target.stdin.flush()
        answer = asyncio.create_task(asyncio.to_thread(target.stdout.readline))
        during = []
        while not answer.done():
            during.append(counted())
            await asyncio.sleep(0.3)
        truth = float(await answer)
        await run.stop()  # all that was seen until now is told, and can be read afterwards
        after = counted()

    moved = {name: after[name] - before[name] for name in before}
    assert 0.98 * truth - moved["unseen"] <= moved["held"] <= 1.02 * truth, (truth, moved)
    # One other waits; on a busy machine it comes to that late.
    assert 0 < moved["contended"] <= moved["held"]
    assert moved["waited"] == pytest.approx(moved["contended"], rel=0.02)
    # And at each moment of the hold, not at its end alone.
    inside = [each for each in during if each["held"] > before["held"] + 0.1]
    if truth < 3 or len(inside) < 2:
        return  # on a busy machine it may be over before any of it was told
    seen = inside[-1]["seen"] - inside[0]["seen"]
    assert inside[-1]["held"] - inside[0]["held"] == pytest.approx(seen, rel=0.02)


class Exporter:
    """`gilscope exporter`, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.address = ""

    def hears(self, pattern: str) -> str:
        """The next line that it writes which matches."""
        assert self.process.stderr
        for line in self.process.stderr:
            if re.search(pattern, line):
                return line
        raise AssertionError(f"it ended with {self.process.wait()}")

    def samples(self, **headers: str) -> Samples:
        """What it serves."""
        with urlopen(Request(self.address, headers=headers), timeout=20) as answer:
            return samples(answer.read().decode())

    def until(self, name: str, value: float) -> Samples:
        """What it serves once one of that name has that value at least."""
        while True:
            found = self.samples()
            if any(told >= value for (each, _), told in found.items() if each == name):
                return found
            time.sleep(0.2)


@contextmanager
def exporting(*words: str, home: Path, **variables: str) -> Iterator[Exporter]:
    """It, once it answers."""
    command = [str(Path(sys.executable).parent / "gilscope"), "exporter", *words, "--listen", "127.0.0.1:0"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GILSCOPE_DATA_DIR": str(home / "data"),
        **variables,
    }
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            exporter = Exporter(process)
            exporter.address = exporter.hears("Metrics are at").split()[-1]
            yield exporter
        finally:
            watchdog.cancel()
            process.kill()


IDLE = "import time; READY; time.sleep(600)"


def test_an_exporter_serves_what_it_observes_and_lets_go_of_it_at_a_signal(tmp_path: Path) -> None:
    with standing_by(sys.executable, IDLE) as target:
        with exporting(str(target.pid), home=tmp_path) as exporter:
            found = exporter.until("gilscope_run_observed_seconds_total", 0.3)
            assert of(found, "gilscope_run_up") == 1
            assert of(found, "gilscope_process_info", process=str(target.pid)) == 1
            assert of(found, "gilscope_runs", state="running") == 1
            exporter.process.send_signal(signal.SIGTERM)
            assert exporter.process.wait(20) == 0
        assert target.poll() is None
    assert not (tmp_path / "data").exists()


def test_an_exporter_with_a_token_answers_who_has_it(tmp_path: Path) -> None:
    with exporting("no_such_program.py", home=tmp_path, GILSCOPE_LOOK_TOKEN=TOKEN) as exporter:
        with pytest.raises(HTTPError) as refused:
            exporter.samples()
        refused.value.close()
        assert refused.value.code == 401
        assert exporter.samples(Authorization=f"Bearer {TOKEN}")
        with pytest.raises(HTTPError) as foreign:
            exporter.samples(Authorization=f"Bearer {TOKEN}", Host="elsewhere.example")
        foreign.value.close()
        assert foreign.value.code == 421


def test_by_name_a_program_is_observed_again_when_it_is_started_again(tmp_path: Path) -> None:
    program = tmp_path / "shop_worker.py"
    program.write_text("import sys\nprint('ready', flush=True)\nsys.stdin.read()\n")

    @contextmanager
    def started() -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen([sys.executable, program], stdin=-1, stdout=-1) as worker:
            assert worker.stdout
            assert worker.stdout.readline() == b"ready\n"
            yield worker
            worker.kill()

    with exporting("shop_worker.py", home=tmp_path) as exporter:
        for _ in range(2):
            with started() as worker:
                exporter.hears(f"Process {worker.pid} .*is observed\\.")
                found = exporter.until("gilscope_run_observed_seconds_total", 0.0)
                assert of(found, "gilscope_process_info", process=str(worker.pid)) == 1
            exporter.hears(f"Process {worker.pid} .*no more")
        found = exporter.samples()
        assert sorted(value for (name, _), value in found.items() if name == "gilscope_run_up") == [0, 0]
        assert of(found, "gilscope_runs_started_total", kind="attach") == 2


def test_with_pids_alone_it_ends_some_time_after_the_last_of_them(tmp_path: Path) -> None:
    serve = """
        import sys
        from app.model.spec import Sampling
        from app.runs.settings import Settings
        from app.web.exporter import ToObserve, serve
        watched = ToObserve([int(sys.argv[1])], [], Sampling())
        say = lambda sentence: print(sentence, flush=True)
        serve(Settings(data_dir=sys.argv[2]), "127.0.0.1", 0, watched, say, 0.2)
    """
    with standing_by(sys.executable, IDLE) as target:
        command = [sys.executable, "-c", textwrap.dedent(serve), str(target.pid), str(tmp_path)]
        with subprocess.Popen(command, stdout=-1, text=True, env={"PYTHONPATH": str(ROOT)}) as process:
            assert process.stdout
            assert "Metrics are at" in process.stdout.readline()
            target.kill()
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Nothing is left to observe" in said.splitlines()[-1]


def test_what_cannot_be_observed_is_refused_at_once() -> None:
    with standing_by(sys.executable, IDLE) as target:
        pid = target.pid
    gone = _refused(str(pid))
    assert gone.returncode == 4
    assert f"There is no process {pid}" in gone.stderr
    assert _refused("x.py", listen="nowhere").returncode == 2


@pytest.mark.root
def test_a_process_that_may_not_be_read_is_refused_at_once() -> None:
    with standing_by("/usr/bin/python3", IDLE, **unprivileged()) as target:
        denied = _refused(str(target.pid), prefix=["setpriv", "--bounding-set=-all", "--inh-caps=-all"])
        assert denied.returncode == 3, denied.stderr
        assert "gilscope doctor" in denied.stderr or "CAP_SYS_PTRACE" in denied.stderr, denied.stderr


def _refused(
    target: str, listen: str = "127.0.0.1:0", prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-m", "app", "exporter", target, "--listen", listen]
    variables = {"PATH": os.environ["PATH"], "HOME": "/", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
