"""The ELF reader against what the running interpreter knows of itself, and against files that are not ELF."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import native

from app.model.errors import NotReadable
from app.probe.cpython import runtime
from app.probe.kernel import elf
from app.probe.kernel.machine import AARCH64, BY_UNAME, X86_64


def test_the_address_of_the_runtime_is_the_one_that_the_linker_found() -> None:
    own = runtime.locate(os.getpid())
    try:
        there = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
        assert own.address == there
        assert own.version == sys.version.split()[0].rstrip("+")
    finally:
        own.memory.close()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"#!/bin/sh\n" + b"\0" * 100, "no ELF"),
        (b"\x7fELF\x01\x01" + b"\0" * 100, "32-bit"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\xf3\0" + b"\0" * 100, "another processor"),
        (
            b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\xb7\0" + b"\0" * 100,
            "a program for aarch64, which an emul",
        ),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\x3e\0" + b"\0" * 100, "loads nothing"),
    ],
)
def test_what_is_no_such_file_is_named(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises(elf.NotElf64, match=what):
            elf.read_image(fd, X86_64)
    finally:
        os.close(fd)


def test_a_machine_that_is_not_known_is_not_said_to_emulate_its_own_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(elf, "KNOWN", None)
    path = tmp_path / "file"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\xf3\0" + b"\0" * 100)
    with path.open("rb") as file, pytest.raises(elf.NotElf64) as refused:
        elf.read_image(file.fileno())
    assert str(refused.value) == "a program for another processor (ELF machine 243)"


@pytest.mark.parametrize("machine", BY_UNAME)
def test_a_file_of_either_machine_tells_where_its_runtime_lies(machine: str, tmp_path: Path) -> None:
    source = """
    __attribute__((section(".PyRuntime"))) int _PyRuntime[4] = {1};
    const unsigned long Py_Version = 0x030d05f0;
    int later[100];
    """
    library = Path(native.library(tmp_path, source, machine))
    tool = "nm" if machine == os.uname().machine else f"{machine}-linux-gnu-nm"
    lines = subprocess.run([tool, "-D", library], capture_output=True, text=True, check=True).stdout
    there = {words[-1]: int(words[0], 16) for line in lines.splitlines() if len(words := line.split()) == 3}
    with library.open("rb") as file:
        image = elf.read_image(file.fileno(), BY_UNAME[machine])
    assert image.by_section
    assert image.runtime == there["_PyRuntime"]
    assert image.version == there["Py_Version"]
    assert image.bss[0] <= there["later"] < sum(image.bss)
    assert image.bias(0x7000_0000, 0) == 0x7000_0000


def test_a_python_for_musl_is_refused_on_aarch64_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its own process, which has mapped a file of that name."""
    loader = tmp_path / "ld-musl-aarch64.so.1"
    loader.write_bytes(bytes(4096))
    with loader.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ):
        monkeypatch.setattr(runtime, "HERE", X86_64)
        runtime.locate(os.getpid()).memory.close()
        monkeypatch.setattr(runtime, "HERE", AARCH64)
        with pytest.raises(NotReadable, match="is a CPython built for musl, whose layout on aarch64"):
            runtime.locate(os.getpid())


def test_a_process_that_is_no_python_says_so() -> None:
    with subprocess.Popen(["/bin/sleep", "20"]) as sleeper:
        try:
            with pytest.raises(NotReadable, match=f"Process {sleeper.pid} is no CPython"):
                runtime.locate(sleeper.pid)
        finally:
            sleeper.kill()


@pytest.mark.parametrize(
    ("hexversion", "text"),
    [(0x030C01F0, "3.12.1"), (0x030F00B2, "3.15.0b2"), (0x030E00C1, "3.14.0rc1"), (0x030E00A0, "3.14.0a0")],
)
def test_versions_read_as_people_write_them(hexversion: int, text: str) -> None:
    assert runtime.version_text(hexversion) == text
