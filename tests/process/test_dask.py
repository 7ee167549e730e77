"""`gilscope dask`: every worker of a real cluster of processes is observed, as one run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
GILSCOPE = [sys.executable, "-m", "app"]
OBSERVER = "gilscope-observer"
PATIENCE_S = 60


@dataclass
class Cluster:
    """One that runs."""

    process: subprocess.Popen[str]
    address: str

    def ask(self, line: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def observers(self) -> list[psutil.Process]:
        """Those that there are beside its workers."""
        found = []
        for each in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if each.cmdline()[-1:] == [OBSERVER]:
                    found.append(each)
            except psutil.Error:
                continue
        return found

    def workers(self) -> list[psutil.Process]:
        """Those of which an observer is a child."""
        return [parent for each in self.observers() if (parent := each.parent())]


@contextmanager
def a_cluster(workers: int, threads: int = 2) -> Iterator[Cluster]:
    words = [sys.executable, "-m", "support.dask_cluster", str(workers), str(threads)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("tcp://")
            yield Cluster(process, address)
            assert process.poll() is None, "it was to live on"
        finally:
            left = psutil.Process(process.pid).children(recursive=True)
            process.stdin.close()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
            for each in left:
                if each.is_running():
                    each.kill()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Four workers of two threads, of which the last one computes."""
    with a_cluster(4) as running:
        yield running


def gilscope(home: Path, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(home)}
    return subprocess.Popen(
        [*GILSCOPE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.serial
def test_every_worker_is_seen_in_one_run_and_the_full_one_is_named(cluster: Cluster, tmp_path: Path) -> None:
    before = int(cluster.ask("busy?"))
    recording = tmp_path / "run.jsonl"
    words = ("dask", cluster.address, "--seconds", "6", "--json", "-o", str(recording))
    with gilscope(tmp_path, *words) as run:
        out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, err
    summary = json.loads(out)
    assert summary["run"]["state"] == "finished"
    assert summary["run"]["name"] == f"Dask at {cluster.address}"
    workers = {row["worker"]: row for row in summary["processes"] if row["worker"] is not None}
    assert sorted(workers) == ["0", "1", "2", "3"]
    assert {row["host"] for row in workers.values()} == {os.uname().nodename}
    pids = {row["pid"]: name for name, row in workers.items()}
    assert {pids[row["pid"]] for row in summary["gils"]} == set(workers)
    assert {row["clock"] for row in summary["workers"]} == {"the clock of the run itself"}
    assert all(row["own_gil_share"] is not None for row in summary["workers"]), "gilknocker is there"
    tasks = {(pids[row["pid"]], row["name"]) for row in summary["tasks"]}
    assert tasks == {("3", "parse"), ("0", "fetch"), ("1", "fetch"), ("2", "fetch")}
    parse = next(row for row in summary["tasks"] if row["name"] == "parse")
    assert parse["count"] > 0
    assert parse["held_s"] <= parse["total_s"]
    [found] = [each for each in summary["findings"] if each["code"] == "worker-gil-bound"]
    assert found["title"].startswith("Worker 3's GIL is held ")
    assert found["title"].endswith("by `parse`")
    assert found["evidence"]["task_share"] > 0.6
    # Two threads took turns, and each thread's lane has its tasks one after the other.
    told = [json.loads(line) for line in recording.read_text().splitlines()]
    pieces = [row for each in told if each["type"] == "cluster" for row in each["tasks"] if row[8] == "parse"]
    lanes = {row[1] for row in pieces}
    assert len(lanes) == 2
    for lane in lanes:
        spans = sorted((row[3], row[3] + row[4]) for row in pieces if row[1] == lane)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    until(lambda: not cluster.observers())
    until(lambda: int(cluster.ask("busy?")) > before)


def test_the_result_of_a_cluster_can_be_read(cluster: Cluster, tmp_path: Path) -> None:
    with gilscope(tmp_path, "dask", cluster.address, "--seconds", "3") as run:
        out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, err
    assert "4 workers" in out.splitlines()[0]
    assert any(line.startswith("parse  worker 3") for line in out.splitlines())


def test_a_worker_that_is_killed_and_its_successor_are_told_of(tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl"
    with a_cluster(2) as cluster, gilscope(tmp_path, "dask", cluster.address, "-o", str(recording)) as run:
        assert run.stderr
        assert any("held" in line for line in run.stderr)
        victim = next(each for each in cluster.workers())
        victim.send_signal(signal.SIGKILL)

        def told() -> list[dict]:
            lines = recording.read_text().splitlines()[:-1]
            return [json.loads(line) for line in lines if '"type":"process"' in line]

        until(lambda: any(each["pid"] == victim.pid and each["gone"] for each in told()))
        # Its nanny starts another one of that name, which is observed, too.
        until(lambda: len({each["pid"] for each in told() if each["worker"] is not None}) >= 3)
        assert cluster.ask("also") == "there"
        until(lambda: len({each["worker"] for each in told()} - {None}) >= 3)
        before = {each["pid"] for each in told()}
        assert cluster.ask("restart") == "restarted"
        # For a while there is no worker: that is not the end.
        until(lambda: len({each["pid"] for each in told() if each["worker"]} - before) >= 3)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0
        assert "stopped after" in out
        until(lambda: not cluster.observers())


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """It answers nothing meanwhile, as a worker whose task holds its GIL."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_workers_that_cannot_be_observed_are_told_of_and_the_others_are_observed(tmp_path: Path) -> None:
    with a_cluster(3) as cluster:
        assert cluster.ask("spoil") == "spoiled"
        pids = [int(word) for word in cluster.ask("pids").split()]
        with stopped(pids[1]), gilscope(tmp_path, "dask", cluster.address, "--seconds", "1", "--json") as run:
            out, err = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0, err
        summary = json.loads(out)
        assert summary["run"]["state"] == "finished"
        refused, silent = summary["unseen_workers"]
        assert (refused["worker"], refused["pid"]) == ("0", pids[0])
        assert refused["host"] == os.uname().nodename
        assert "No such file or directory: '/nowhere/python'" in refused["why"]
        assert (silent["worker"], silent["pid"], silent["why"]) == ("1", None, "it did not answer")
        assert [row["pid"] for row in summary["workers"]] == [pids[2]]
        until(lambda: not cluster.observers())


def test_one_that_does_not_answer_at_the_end_takes_nothing_from_the_others(tmp_path: Path) -> None:
    recording = tmp_path / "run.jsonl"
    with a_cluster(2) as cluster:
        pids = [int(word) for word in cluster.ask("pids").split()]
        with gilscope(tmp_path, "dask", cluster.address, "-o", str(recording)) as run:
            assert run.stderr
            assert any("held" in line for line in run.stderr)
            with stopped(pids[0]):
                run.send_signal(signal.SIGINT)
                run.communicate(timeout=PATIENCE_S)
                assert run.returncode == 0
        told = [json.loads(line) for line in recording.read_text().splitlines()]
        end = told[-1]
        assert (end["type"], end["state"], end["error"]) == ("end", "stopped", None)
        [stopping] = [each for each in told if each["type"] == "event" and each["kind"] == "stopping"]
        rows = [row for each in told if each["type"] == "names" for row in each["threads"]]
        lanes = {lane for lane, pid, *_ in rows if pid == pids[1]}
        frames = [each for each in told if each["type"] == "frame"]
        seen_us = max(each["end_us"] for each in frames if lanes & {row[0] for row in each["lanes"]})
        assert seen_us >= stopping["at_us"], "the other one was seen for as long as it was asked to be"
        until(lambda: not cluster.observers())


def test_nothing_is_left_when_whoever_observes_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    with gilscope(tmp_path, "dask", cluster.address) as run:
        assert run.stderr
        assert any("held" in line for line in run.stderr)
        assert len(cluster.observers()) == 4
        for each in [*psutil.Process(run.pid).children(recursive=True), psutil.Process(run.pid)]:
            each.kill()
    until(lambda: not cluster.observers())
    assert int(cluster.ask("busy?")) >= 0, "the cluster goes on"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:1", "No Dask scheduler could be reached at tcp://127.0.0.1:1"),
        ("nonsense://127.0.0.1:1", "No Dask scheduler could be reached at nonsense://127.0.0.1:1"),
    ],
)
def test_what_is_no_scheduler_is_told(address: str, said: str, tmp_path: Path) -> None:
    with gilscope(tmp_path, "dask", address, "--seconds", "1") as run:
        out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 4, out + err
    assert said in " ".join(err.split())
    assert "Traceback" not in err


IP = shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "ip"
AHEAD_S = (5000, 70_000)  # of each host's clock: as if it had been started so much earlier
DASK = Path(sys.executable).parent / "dask"
JOBLIB = """
import sys, time
import joblib
from distributed import Client

def parse(number):
    until_s = time.monotonic() + 0.5
    while time.monotonic() < until_s:
        sum(each * each for each in range(500))

with Client(sys.argv[1]) as client:
    client.wait_for_workers(2)
    print("ready", flush=True)
    with joblib.parallel_config(backend="dask"):
        joblib.Parallel(batch_size=1)(joblib.delayed(parse)(number) for number in range(400))
"""


@contextmanager
def a_host(number: int) -> Iterator[tuple[str, list[str]]]:
    """A host of its own, as ssh would reach it: the address of this machine as it sees it, and what runs a
    command there. Its network, its processes, its name and its clock are its own.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    name, link, net = f"gilscope-{port}", f"gs{port}", f"198.18.{port >> 8}.{port & 0xFC}"
    base, _, last = net.rpartition(".")
    here, there = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
    subprocess.run([IP, "netns", "add", name], check=True)
    try:
        run = partial(subprocess.run, check=True)
        run([IP, "link", "add", link, "type", "veth", "peer", "name", "out", "netns", name])
        try:
            run([IP, "address", "add", f"{here}/30", "dev", link])
            run([IP, "link", "set", link, "up"])
            for words in (
                ["address", "add", f"{there}/30", "dev", "out"],
                ["link", "set", "out", "up"],
                ["link", "set", "lo", "up"],
                ["route", "add", "default", "via", here],
            ):
                run([IP, "-n", name, *words])
            clock = ["--time", "--monotonic", str(AHEAD_S[number])]
            alone = ["--uts", "--pid", "--mount-proc", "--fork", "--kill-child", *clock]
            named = ["sh", "-c", f'hostname far-{number} && exec "$@"', "sh"]
            yield here, [IP, "netns", "exec", name, "unshare", *alone, *named]
        finally:
            run([IP, "link", "delete", link])
    finally:
        subprocess.run([IP, "netns", "delete", name], check=True)


@pytest.mark.root
def test_workers_of_two_hosts_at_joblibs_jobs_are_one_run_by_one_clock(tmp_path: Path) -> None:
    with ExitStack() as ends:
        hosts = [ends.enter_context(a_host(number)) for number in range(2)]

        def started(*words: str | Path) -> subprocess.Popen[str]:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            process = ends.enter_context(subprocess.Popen(words, stderr=log, **pipes))
            ends.callback(process.kill)
            return process

        log = ends.enter_context((tmp_path / "log").open("w"))
        found = tmp_path / "scheduler.json"
        words = ["--host", "0.0.0.0", "--port", "0", "--no-dashboard", "--scheduler-file", found]
        started(DASK, "scheduler", *words)
        until(found.exists)
        port = json.loads(found.read_text())["address"].rpartition(":")[2]
        for number, (address, there) in enumerate(hosts):
            words = ["worker", f"tcp://{address}:{port}", "--name", f"w{number}", "--nthreads", "1"]
            started(*there, DASK, *words, "--no-nanny", "--no-dashboard")
        busy = started(sys.executable, "-c", JOBLIB, f"tcp://127.0.0.1:{port}")
        assert busy.stdout
        assert busy.stdout.readline() == "ready\n", (tmp_path / "log").read_text()
        recording = tmp_path / "run.jsonl"
        words = ("dask", f"tcp://127.0.0.1:{port}", "--seconds", "5", "--json", "-o", str(recording))
        with gilscope(tmp_path, *words) as run:
            out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, err
    summary = json.loads(out)
    workers = {row["worker"]: row for row in summary["processes"] if row["worker"]}
    assert {name: row["host"] for name, row in workers.items()} == {"w0": "far-0", "w1": "far-1"}
    assert len({row["pid"] for row in workers.values()}) == 2, "though both hosts count from 1"
    for row in summary["workers"]:
        assert row["clock"] == "by the shortest of several round trips"
        assert 0 < row["clock_off_s"] < 1
    held = {row["pid"]: row for row in summary["gils"]}
    assert all(held[row["pid"]]["seen_s"] > 1 for row in workers.values())
    told = [json.loads(line) for line in recording.read_text().splitlines()]
    end_us = max(each["end_us"] for each in told if each["type"] == "frame")
    pieces = [row for each in told if each["type"] == "cluster" for row in each["tasks"]]
    assert {row[0] for row in pieces} == set(held)
    assert {row[8] for row in pieces} == {"batch_of_parse_1_calls"}, "as joblib calls them"
    assert all(0 <= row[3] <= row[3] + row[4] <= end_us for row in pieces)
