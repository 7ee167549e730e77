"""Who may read whom: the kernel's rules for /proc/PID/mem, told as reasons with what to do about each.

The kernel answers no more than EACCES or EPERM. What it went by can be read: owners, capabilities, the mark
that makes a process undumpable, Yama's setting. The order here is the kernel's own (ptrace(2), "Ptrace access
mode checking"); /proc/PID/maps asks for less than mem, and Yama has no say in it, so it tells the two apart.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from app.model.errors import NoSuchProcess, NotPermitted

from . import procfs

DAC_OVERRIDE = 1
DAC_READ_SEARCH = 2
SYS_PTRACE = 19
SYS_ADMIN = 21
CHECKPOINT_RESTORE = 40
_NAMED = {SYS_PTRACE: "SYS_PTRACE", SYS_ADMIN: "SYS_ADMIN", CHECKPOINT_RESTORE: "CHECKPOINT_RESTORE"}
_YAMA = "/proc/sys/kernel/yama/ptrace_scope"
_FIRST_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO, the inode of the machine's own
_CONTAINER = "Start GILScope's container with `--cap-add=SYS_PTRACE`."


@dataclass(frozen=True)
class Credentials:
    """What the kernel goes by, of one process."""

    uids: tuple[int, ...]  # real, effective, saved, of the file system
    permitted: int
    effective: int
    seccomp: int
    pids: tuple[int, ...]  # the process's pid in this namespace, and in each below it

    def has(self, capability: int) -> bool:
        """Whether a capability is in effect."""
        return bool(self.effective >> capability & 1)

    @property
    def may_trace(self) -> bool:
        """Whether Yama, owners and marks are no hindrance."""
        return self.has(SYS_PTRACE)

    @property
    def may_open(self) -> bool:
        """Whether the mode of a file is no hindrance: /proc/PID/mem is its owner's alone."""
        return self.has(DAC_OVERRIDE) or self.has(DAC_READ_SEARCH)


def credentials(pid: int | str) -> Credentials | None:
    """Those of a process ("self" for this one); None once it is gone."""
    text = procfs.read(f"/proc/{pid}/status")
    if not text:
        return None
    fields = dict(line.split(":", 1) for line in text.decode("utf-8", "replace").splitlines() if ":" in line)
    return Credentials(
        uids=tuple(int(uid) for uid in fields["Uid"].split()),
        permitted=int(fields["CapPrm"], 16),
        effective=int(fields["CapEff"], 16),
        seccomp=int(fields.get("Seccomp", "0")),
        pids=tuple(int(number) for number in fields["NSpid"].split()),
    )


def yama() -> int | None:
    """Yama's ptrace_scope; None where this kernel has no Yama."""
    text = procfs.read(_YAMA)
    return int(text) if text else None


def in_container() -> bool:
    """Whether this process sees only a part of the machine's processes."""
    return os.stat("/proc/self/ns/pid").st_ino != _FIRST_PID_NAMESPACE


def user(uid: int) -> str:
    """A user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def capability_names(mask: int) -> list[str]:
    """The capabilities in a mask, by their names without CAP_; others by their number."""
    return [_NAMED.get(bit, str(bit)) for bit in range(64) if mask >> bit & 1]


def gone(pid: int) -> NoSuchProcess:
    """There is no such process, or no more."""
    return NoSuchProcess(f"No process has the pid {pid}", "See `gilscope ps` for those that run.")


def never_seen(pid: int) -> NoSuchProcess:
    """The same of a pid that a person has asked for: a container may call another process so.

    It asks every process of the machine, some 0.1 ms each: nothing to do while anything is sampled.
    """
    others = [other for other in pids() if (pid,) == _inner(other)]
    if others:
        named = " or ".join(str(other) for other in others)
        return NoSuchProcess(
            f"No process has the pid {pid} here", f"A container's pid {pid} is pid {named} here: use that."
        )
    return gone(pid)


def refused(pid: int) -> NotPermitted | NoSuchProcess:
    """Why the kernel does not let this process read the memory of `pid`."""
    own, theirs = credentials("self"), credentials(pid)
    if theirs is None or own is None:
        return gone(pid)
    try:
        reason, remedy = _why_hidden(pid, own, theirs) or _why_closed(own, theirs)
    except FileNotFoundError:
        return gone(pid)
    return NotPermitted(f"Process {pid} cannot be read: {reason}", remedy or _as_root(pid, own), pid=pid)


def _why_hidden(pid: int, own: Credentials, theirs: Credentials) -> tuple[str, str] | None:
    """The rules that /proc/PID/maps falls under too; None where that can be read."""
    try:
        os.close(os.open(f"/proc/{pid}/maps", os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError:
        return _why_not_even_maps(pid, own, theirs)
    return None


def _why_not_even_maps(pid: int, own: Credentials, theirs: Credentials) -> tuple[str, str]:
    if own.may_trace:
        return "it is in a user namespace in which GILScope has no rights", ""
    euid = own.uids[1]
    if any(uid != euid for uid in theirs.uids[:3]):
        return f"it belongs to {user(theirs.uids[0])}, and GILScope runs as {user(euid)}", ""
    if os.stat(f"/proc/{pid}/maps").st_uid != theirs.uids[1]:  # root owns what may not be dumped
        what = "a set-user-ID program, one with file capabilities, or one that asked for it"
        return f"it is marked as not dumpable ({what})", ""
    more = capability_names(theirs.permitted & ~own.permitted)
    if more:
        return f"it has capabilities that GILScope has not ({', '.join(more)})", ""
    return "a security module refuses it", "See the kernel's log (`sudo dmesg`) for the rule that refused it."


def _why_closed(own: Credentials, theirs: Credentials) -> tuple[str, str]:
    """The rules that only /proc/PID/mem falls under: its mode, Yama's, and those of other modules."""
    scope = yama()
    if scope == 3:
        return (
            "Yama allows no process to read another (kernel.yama.ptrace_scope is 3)",
            "Set kernel.yama.ptrace_scope below 3 in /etc/sysctl.d, and start the machine anew.",
        )
    if scope == 2 and not own.may_trace:
        return "Yama allows only root to read processes (kernel.yama.ptrace_scope is 2)", ""
    if scope == 1 and not own.may_trace:
        return (
            "Yama lets a process read only what it started itself (kernel.yama.ptrace_scope is 1)",
            "Allow it with `sudo sysctl kernel.yama.ptrace_scope=0`, or start the program with "
            "`gilscope record -- COMMAND`.",
        )
    if own.may_trace and not own.may_open and theirs.uids[1] != own.uids[1]:
        reason = f"its memory is a file of {user(theirs.uids[1])}, and GILScope has no CAP_DAC_READ_SEARCH"
        return reason, "Add the capability DAC_READ_SEARCH, beside SYS_PTRACE."
    return "a security module refuses it", "See the kernel's log (`sudo dmesg`) for the rule that refused it."


def _as_root(pid: int, own: Credentials) -> str:
    if own.uids[1] == 0:
        return _CONTAINER if in_container() else "Run GILScope with CAP_SYS_PTRACE, as root commonly has it."
    return f"Run GILScope as root: `sudo gilscope attach {pid}`."


def pids() -> list[int]:
    """Every process that /proc shows."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _inner(pid: int) -> tuple[int, ...]:
    """The pid by which a process of another namespace knows itself; () of one of this namespace."""
    found = credentials(pid)
    return found.pids[-1:] if found is not None and len(found.pids) > 1 else ()
