"""C code for targets, compiled by gcc into a library that they load, and for files of either machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def compiler(machine: str) -> str:
    """The C compiler for a machine, as uname -m names it."""
    return "gcc" if machine == os.uname().machine else f"{machine}-linux-gnu-gcc"


def library(folder: Path, source: str, machine: str = os.uname().machine) -> str:
    """The path of a shared library made from some C."""
    path = folder / "native.so"
    words = [compiler(machine), "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(path), "-lpthread"]
    subprocess.run(words, input=source.encode(), check=True)
    return str(path)
