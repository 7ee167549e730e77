"""What the kernel refuses is told with the reason and the remedy, by attach and doctor in the same words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import psutil
import pytest
import yaml
from support.observing import ROOT, observing
from support.targets import standing_by, unprivileged

from app.model.commands import Stop
from app.model.errors import NoSuchProcess, NotPermitted
from app.model.frames import Frame, Names, Process
from app.probe.doctor import examine
from app.probe.kernel import access
from app.probe.kernel.access import Credentials
from app.probe.listing import listing

WAITING = "READY\nimport sys; sys.stdin.read()"
BUSY = """
import sys, threading
threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
READY
sys.stdin.read()
"""
UNDUMPABLE = "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n" + WAITING
SYSTEM_PYTHON = "/usr/bin/python3"  # nobody may be kept from this user's own interpreters
IN_NAMESPACE = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--pid", "--fork"]


def gilscope(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line as a user without rights has it."""
    return subprocess.run(
        [SYSTEM_PYTHON, "-m", "app", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib")},
        timeout=60,
        **unprivileged(),
    )


@pytest.fixture
def roots_process():
    """The pid of a process that is root's."""
    if os.geteuid() != 0:
        yield 1
        return
    with standing_by(sys.executable, WAITING) as child:
        yield child.pid


def test_root_s_process_is_refused_to_others_with_status_3_and_the_remedy(roots_process: int) -> None:
    for command in ("attach", "doctor"):
        done = gilscope(command, str(roots_process))
        assert done.returncode == 3, done.stderr
        assert f"Process {roots_process} cannot be read: it belongs to root" in done.stderr
        assert f"`sudo gilscope attach {roots_process}`" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_process_that_hides_itself_is_refused_with_that_reason() -> None:
    with standing_by(SYSTEM_PYTHON, UNDUMPABLE, **unprivileged()) as child:
        done = gilscope("attach", str(child.pid))
        assert done.returncode == 3, done.stderr
        assert "not dumpable" in done.stderr
        assert child.poll() is None


def test_ps_says_of_each_process_whether_it_can_be_attached_to(roots_process: int) -> None:
    with standing_by(SYSTEM_PYTHON, WAITING + " # --password=hunter-2", **unprivileged()) as child:
        done = gilscope("ps", "--all", "--json")
        rows = {row["pid"]: row for row in json.loads(done.stdout)["processes"]}
        refused = "\n".join([rows[roots_process]["why"], rows[roots_process]["remedy"] or ""])
        if rows[roots_process]["python"] is not None:
            assert "it belongs to root" in refused
            assert "sudo" in refused
        assert not rows[roots_process]["attachable"]
        mine = rows[child.pid]
        assert (mine["attachable"], mine["why"]) == (True, None)
        assert mine["python"] == ".".join(
            os.path.realpath(SYSTEM_PYTHON).rpartition("python")[2].split(".")[:2]
        )
        assert "hunter-2" not in done.stdout
        own = [row for row in rows.values() if row["own"]]
        assert own
        shown = {row["pid"] for row in json.loads(gilscope("ps", "--json").stdout)["processes"]}
        assert child.pid in shown
        assert not shown & {row["pid"] for row in own}


def test_a_shell_can_be_attached_to_for_the_python_below_it_and_ps_and_doctor_say_so() -> None:
    words = ["sh", "-c", '"$@"; true', "sh"]
    with standing_by(sys.executable, WAITING, prefix=words) as shell:
        try:
            rows = {row["pid"]: row for row in listing()["processes"]}
            assert (rows[shell.pid]["python"], rows[shell.pid]["below"]) == (None, 1)
            assert (rows[shell.pid]["attachable"], rows[shell.pid]["why"]) == (True, None)
            process = examine(shell.pid)["process"]
            assert (process["readable"], process["error"], len(process["below"])) == (False, None, 1)
        finally:
            for child in psutil.Process(shell.pid).children():
                child.kill()


def test_a_process_that_may_not_be_read_is_refused_and_no_other_is_shown_in_its_place() -> None:
    if os.geteuid() != 0:
        pytest.fail("only root can start a process of another user below its own")
    with standing_by(SYSTEM_PYTHON, WAITING, **unprivileged()):  # nobody's, below this one of root's
        done = gilscope("attach", str(os.getpid()), "--json", "--seconds", "1")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"Process {os.getpid()} cannot be read" in done.stderr


@pytest.mark.builds
def test_doctor_says_what_can_be_measured_of_every_interpreter(python: str) -> None:
    with standing_by(python, BUSY) as child:
        done = subprocess.run(
            [sys.executable, "-m", "app.probe", "--doctor", str(child.pid)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=True,
        )
    report = json.loads(done.stdout)
    assert {check["status"] for check in report["checks"]} <= {"ok", "limited", "missing"}
    assert all(check["detail"] for check in report["checks"])
    process = report["process"]
    assert (process["readable"], process["error"]) == (True, None)
    version = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"], capture_output=True
    )
    assert process["python"] == version.stdout.decode().strip()
    assert set(process["capabilities"].values()) <= {"exact", "inferred", "unavailable"}
    assert process["why"].keys() == {name for name, how in process["capabilities"].items() if how != "exact"}
    assert process["found_by"].startswith("the section .PyRuntime of /")


def test_a_process_in_a_pid_namespace_of_its_own_is_observed_by_the_tids_of_this_one(python: str) -> None:
    code = "import os\nassert os.getpid() == 1\n" + BUSY
    with standing_by(python, code, prefix=IN_NAMESPACE) as unshare:
        (pid,) = map(int, Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split())
        with observing(pid=pid) as observation:
            observation.until(Frame)
            for _ in range(10):
                observation.until(Frame)
            observation.send(Stop("finished"))
            assert observation.finish().state == "finished"
        tids = {int(name) for name in os.listdir(f"/proc/{pid}/task")}
        named = {row[2]: row[3] for names in observation.of(Names) for row in names.threads}
        assert named.keys() == tids
        assert named[pid] == "main"
        rows = {row["tid"]: row for row in observation.summary()["threads"]}
        busy = max(rows.values(), key=lambda row: row["shares"]["running"])
        assert busy["tid"] != pid
        assert busy["shares"]["running"] > 0.2  # a busy machine gives it less than a core
        assert observation.of(Process)[0].python
        report = json.loads(gilscope("doctor", str(pid), "--json").stdout)
        assert report["process"]["inner_pid"] == 1


def _with_capabilities(*names: str) -> list[str]:
    """Of root, who has dropped all others, as in a container."""
    return ["setpriv", "--bounding-set", ",".join(["-all", *(f"+{name}" for name in names)])]


def _as_in_a_container(pid: int, *capabilities: str) -> subprocess.CompletedProcess[str]:
    words = [
        *_with_capabilities(*capabilities),
        sys.executable,
        "-m",
        "app",
        "attach",
        str(pid),
        "--seconds",
        "1",
    ]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.root
def test_the_capabilities_of_the_sidecar_are_those_that_it_needs_for_a_program_of_another_user() -> None:
    pod = yaml.safe_load((ROOT / "docs" / "deploy" / "kubernetes.yaml").read_text())
    added = [one["securityContext"]["capabilities"].get("add") for one in pod["spec"]["containers"]]
    (needed,) = [[name.lower() for name in names] for names in added if names]
    assert len(needed) == 2
    with standing_by(SYSTEM_PYTHON, WAITING, **unprivileged()) as child:
        assert _as_in_a_container(child.pid, *needed).returncode == 0
        refused = _as_in_a_container(child.pid, "sys_ptrace")
    assert refused.returncode == 3
    assert "its memory is a file of nobody, and GILScope has no CAP_DAC_READ_SEARCH" in refused.stderr
    assert "Add the capability DAC_READ_SEARCH" in refused.stderr


def _credentials(effective: int = 0) -> Credentials:
    return Credentials((1000,) * 4, effective, effective, 0, (7,))


@pytest.mark.parametrize(
    ("scope", "effective", "reason", "remedy"),
    [
        (1, 0, "ptrace_scope is 1", "sudo sysctl kernel.yama.ptrace_scope=0"),
        (2, 0, "ptrace_scope is 2", "sudo gilscope attach 7"),
        (3, 1 << access.SYS_PTRACE, "ptrace_scope is 3", "/etc/sysctl.d"),
        (0, 0, "security module", "dmesg"),
        (None, 0, "security module", "dmesg"),
    ],
)
def test_what_can_be_looked_at_and_not_read_is_yamas_or_anothers_doing(
    monkeypatch: pytest.MonkeyPatch, scope: int | None, effective: int, reason: str, remedy: str
) -> None:
    monkeypatch.setattr(access, "yama", lambda: scope)
    monkeypatch.setattr(access, "_why_hidden", lambda *_: None)
    monkeypatch.setattr(access, "credentials", lambda pid: _credentials(effective))
    refusal = access.refused(7)
    assert isinstance(refusal, NotPermitted)
    assert reason in refusal.detail
    assert remedy in refusal.remedy


def test_a_pid_that_is_gone_is_not_said_to_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "pids", lambda: [12])
    monkeypatch.setattr(access, "credentials", {"self": _credentials(), 7: None, 12: _container()}.get)
    assert isinstance(access.refused(7), NoSuchProcess)
    assert access.never_seen(7).remedy == "A container's pid 7 is pid 12 here: use that."


def _container() -> Credentials:
    return Credentials((0,) * 4, 0, 0, 0, (12, 7))
