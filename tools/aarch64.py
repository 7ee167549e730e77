"""Observe CPython on aarch64, in an emulator, and hold the figures to what the targets say of themselves.

    python tools/aarch64.py [NAME ...] [--folder DIR] [--kernel FILE]

Boots Debian's arm64 kernels in qemu-system-aarch64, under software emulation, with a root file system in
memory made of Debian's arm64 packages and this checkout, and runs tools/aarch64_guest.py there as the first
process. NAME is one of MACHINES; without any, all of them. Prints what each says, as a table for
docs/versions.md, and exits with 1 where a figure does not hold.

Needs a Debian machine with apt-get, dpkg-deb and Debian's keyring, whose own sources say where Debian is, and
qemu-system-aarch64 (Debian's package qemu-system-arm). Packages are kept in the folder, by default .aarch64
in the checkout; nothing is installed on this machine. `--kernel` boots another kernel than the machine's: an
Image with another size of pages.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).resolve().parents[1]
GUEST = ROOT / "tools" / "aarch64_guest.py"
SAYS = "@@ "  # before each line of the guest's that is a result
LIMIT_S = 1_800.0  # for one machine: a hang becomes a failure
_CHOSEN = re.compile(r"Inst ([^ :]+)\S* \((\S+) .*\[(\w+)\]")  # a line of apt-get --simulate


@dataclass(frozen=True)
class Emulated:
    """What is booted: the suites of Debian that the kernel and the interpreters are from."""

    kernel: tuple[str, str]  # suite, package on which that of the kernel itself depends
    suite: str
    pythons: tuple[str, ...]  # packages and programs; the observer runs on the first


MACHINES = {
    "bookworm": Emulated(("bookworm", "linux-image-arm64"), "bookworm", ("python3.11",)),
    "trixie": Emulated(("trixie", "linux-image-arm64-16k"), "trixie", ("python3.13",)),
    "sid": Emulated(("trixie", "linux-image-arm64"), "sid", ("python3.14", "python3.15")),
}

SETTINGS = """
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Install-Recommends "0";
Acquire::Languages "none";
APT::Sandbox::User "";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::trusted "/usr/share/keyrings/debian-archive-keyring.gpg";
Dir::Etc::trustedparts "/usr/share/keyrings";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
"""


class Packages:
    """Debian's arm64 packages, by an apt of its own that knows nothing of this machine's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "apt"
        self._archives = self._folder / "cache" / "archives"
        for part in ("state/lists/partial", "cache/archives/partial"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").write_text("")
        suites = {suite for machine in MACHINES.values() for suite in (machine.kernel[0], machine.suite)}
        mirror = _mirror()
        lines = (f"deb {mirror} {suite} main\n" for suite in sorted(suites))
        (self._folder / "sources.list").write_text("".join(lines))
        settings = self._folder / "apt.conf"
        settings.write_text(SETTINGS.format(folder=self._folder))
        self._environment = os.environ | {"APT_CONFIG": str(settings)}
        self._run("apt-get", "-q", "update")

    def with_dependencies(self, suite: str, *names: str) -> list[Path]:
        """Packages of a suite, and all that they depend on; what was downloaded before is there still."""
        asked = ("apt-get", "-q", "-t", suite, "install", "--yes", *names)
        chosen = map(_CHOSEN.match, self._run(*asked, "--simulate").splitlines())
        self._run(*asked, "--download-only")
        files = ("{}_{}_{}.deb".format(*each.groups()).replace(":", "%3a") for each in chosen if each)
        return sorted(self._archives / file for file in files)

    def alone(self, suite: str, name: str) -> Path:
        """The package that one depends on first: the kernel that linux-image-arm64 stands for."""
        said = self._run("apt-cache", "show", f"{name}/{suite}")
        lines = (line for line in said.splitlines() if line.startswith("Depends: "))
        depends = next(lines).removeprefix("Depends: ").split(",")[0].split()[0]
        found = sorted(self._archives.glob(f"{depends}_*.deb"))
        if not found:
            self._run("apt-get", "-q", "download", depends, cwd=self._archives)
            found = sorted(self._archives.glob(f"{depends}_*.deb"))
        return found[-1]

    def _run(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(command, env=self._environment, cwd=cwd, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def _mirror() -> str:
    """Where this machine has Debian from, by the lists that its own apt has."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    if not said:
        sys.exit(
            "This machine's apt has no lists of Debian's packages: run apt-get update on a Debian machine."
        )
    return said[0]


def content(package: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """The files of a package, and what is in them."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as unpacking:
        assert unpacking.stdout
        with tarfile.open(fileobj=unpacking.stdout, mode="r|") as files:
            for each in files:
                file = files.extractfile(each) if each.isfile() else None
                yield each, file.read() if file else b""
    if unpacking.returncode:
        sys.exit(f"{package} cannot be unpacked")


class FileSystem:
    """An archive that the kernel unpacks into memory: cpio, in the form that it calls newc."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._folders: set[str] = set()

    def folder(self, name: str) -> None:
        """Makes a folder, and those above it."""
        if name in self._folders or name in ("", "."):
            return
        self.folder(name.rpartition("/")[0])
        self._folders.add(name)
        self._put(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Puts a file there."""
        self.folder(name.rpartition("/")[0])
        self._put(name, stat.S_IFREG | mode, data)

    def link(self, name: str, target: str) -> None:
        """A symbolic link."""
        self.folder(name.rpartition("/")[0])
        self._put(name, stat.S_IFLNK | 0o777, target.encode())

    def package(self, package: Path) -> None:
        """All files of a package, but for its documentation. What lies in /lib goes where that leads to."""
        for each, data in content(package):
            name = each.name.removeprefix("./").rstrip("/")
            if name.startswith("usr/share/doc/") or name.startswith("usr/share/man/"):
                continue
            if name.partition("/")[0] in ("lib", "bin", "sbin"):
                name = f"usr/{name}"
            if each.isdir():
                self.folder(name)
            elif each.issym():
                self.link(name, each.linkname)
            elif each.islnk():
                self.link(name, "/" + each.linkname.removeprefix("./"))
            elif each.isfile():
                self.file(name, data, each.mode & 0o777)

    def end(self) -> None:
        """Nothing follows."""
        self._put("TRAILER!!!", 0, b"")

    def device(self, name: str, major: int, minor: int) -> None:
        """A character device."""
        self.folder(name.rpartition("/")[0])
        self._put(name, stat.S_IFCHR | 0o600, b"", (major, minor))

    def _put(self, name: str, mode: int, data: bytes, device: tuple[int, int] = (0, 0)) -> None:
        raw = name.encode() + b"\0"
        # inode, mode, owner, group, links, time, size, devices of the file and that it is, name, checksum
        numbers = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0)
        head = b"070701" + b"".join(b"%08X" % number for number in numbers) + raw
        for part in (head, data):
            self._file.write(part + bytes(-len(part) % 4))


def kernel_of(package: Path, into: Path) -> Path:
    """The kernel itself, out of its package."""
    image = into / f"{package.stem}.image"
    if not image.exists():
        for each, data in content(package):
            if each.name.startswith("./boot/vmlinuz-"):
                image.write_bytes(data)
    return image


def root_of(machine: Emulated, packages: list[Path]) -> bytes:
    """The root file system: the packages, GILScope's sources, and the program that the kernel starts."""
    made = io.BytesIO()
    system = FileSystem(made)
    for name in ("proc", "sys", "dev", "tmp", "root", "usr/lib", "usr/bin", "usr/sbin"):
        system.folder(name)
    for name in ("lib", "bin", "sbin"):
        system.link(name, f"usr/{name}")
    system.device("dev/console", 5, 1)
    for package in packages:
        system.package(package)
    for top in ("app", "tests/support"):
        for path in sorted((ROOT / top).rglob("*.py")):
            system.file(f"gilscope/{path.relative_to(ROOT)}", path.read_bytes())
    first = f"#!/usr/bin/{machine.pythons[0]}\n".encode()
    system.file("init", first + GUEST.read_bytes(), 0o755)
    system.file("pythons", "\n".join(machine.pythons).encode())
    system.end()
    return made.getvalue()


def boot(kernel: Path, root: Path, limit_s: float = LIMIT_S) -> Iterator[str]:
    """What the machine writes to its console, line by line, until it is switched off or its time is over."""
    command = ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a76", "-smp", "2", "-m", "2048"]
    # Its clock counts instructions, 2 ns each, and skips what it sleeps: so that its figures do not depend on
    # how busy this machine is.
    command += ["-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off"]
    command += ["-nographic", "-no-reboot", "-nic", "none"]
    # A panic reboots at once, which ends the emulator.
    command += ["-kernel", str(kernel), "-initrd", str(root), "-append", "console=ttyAMA0 quiet panic=-1"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as emulator:
        assert emulator.stdout
        limit = threading.Timer(limit_s, emulator.kill)  # a guest that hangs writes no line
        limit.start()
        try:
            yield from emulator.stdout
        finally:
            limit.cancel()
            emulator.kill()


def try_out(name: str, kernel: Path, root: Path, limit_s: float = LIMIT_S) -> list[dict[str, Any]]:
    """The rows that a machine says, all of them or none; what else it writes is printed."""
    rows: list[dict[str, Any]] = []
    ended = False
    began = time.monotonic()
    for line in boot(kernel, root, limit_s):
        if line.startswith(SAYS):
            said = json.loads(line.removeprefix(SAYS))
            ended = ended or "end" in said
            if "figure" in said:
                rows.append(said)
                print(
                    f"  {'holds' if said['holds'] else 'FAILS'}  {said['python']}  {said['figure']}: "
                    f"target {said['target']}, GILScope {said['gilscope']}",
                    flush=True,
                )
            elif "here" in said:
                print(f"{name}: {said['here']}", flush=True)
        else:
            print(f"  | {line.rstrip()}", flush=True)
    print(f"{name}: {'' if ended else 'no end after '}{time.monotonic() - began:.0f} s")
    return rows if ended else []


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[[], *MACHINES], metavar="NAME")
    parser.add_argument("--folder", type=Path, default=ROOT / ".aarch64")
    parser.add_argument("--kernel", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    folder = options.folder.resolve()
    packages = Packages(folder)
    failed = []
    for name in options.names or MACHINES:
        machine = MACHINES[name]
        kernel = options.kernel or kernel_of(packages.alone(*machine.kernel), folder)
        root = folder / f"{name}.cpio"
        root.write_bytes(root_of(machine, packages.with_dependencies(machine.suite, *machine.pythons)))
        rows = try_out(name, kernel, root)
        if not rows or not all(row["holds"] for row in rows):
            failed.append(name)
    print(f"Failed: {', '.join(failed)}" if failed else "All figures hold.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
