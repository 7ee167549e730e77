"""C code for targets, compiled by gcc into a library that they load."""

from __future__ import annotations

import subprocess
from pathlib import Path


def library(folder: Path, source: str) -> str:
    """The path of a shared library made from some C."""
    path = folder / "native.so"
    words = ["gcc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(path), "-lpthread"]
    subprocess.run(words, input=source.encode(), check=True)
    return str(path)
