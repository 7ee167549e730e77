"""`gilscope memory`: the bar of a process and of its tree adds up, of a CPython and of what is none."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.targets import standing_by, waiting

from app.cli.report_memory import bar, largest
from app.model.errors import NoSuchProcess
from app.runs import inspection

MIB = 1 << 20

TARGET = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = libc.memset.argtypes = None
small = [bytearray(20) for _ in range(100_000)]
blocks = [libc.malloc(20_000) for _ in range(2_000)]
for block in blocks: ctypes.memset(block, 1, 20_000)
kept = libc.malloc(20_000)  # at the end of the heap, so that free() gives nothing back by itself
for block in blocks: libc.free(ctypes.c_void_p(block))
if os.fork() == 0:
    READY
    sys.stdin.readline()
    os._exit(0)
sys.stdin.readline()
"""


def test_the_bar_of_a_tree_adds_up_and_names_what_a_trim_gives_back(python: str) -> None:
    with standing_by(python, TARGET) as target:
        sizes, report = inspection.memory_in_turn(target.pid)
        text = bar(report["memory"], report["together"])
    # What is known first is all that the bar needs; only the live objects come later.
    assert sizes["types"] is None
    assert report["types"] is not None
    assert (sizes["memory"], sizes["together"]) == (report["memory"], report["together"])
    rows = report["memory"]
    assert len(rows) == 2
    for row in rows:
        parts, rss = row["parts"], row["rss"]
        assert parts is not None
        assert rss is not None
        assert sum(bytes_ or 0 for bytes_ in parts.values()) == rss
        assert all(bytes_ is None or bytes_ >= 0 for bytes_ in parts.values())
        assert (parts["c_trimmable"] or 0) == pytest.approx(40_000_000, abs=2 * MIB)
        assert (parts["objects_in_use"] or 0) > 5_000_000
        assert any("malloc_trim(0) would give them back" in sentence for sentence in row["verdict"])
    together = report["together"]
    assert together is not None
    assert together["processes"] == 2
    assert sum(bytes_ or 0 for bytes_ in together["parts"].values()) == together["pss"]
    # The child shares what its parent freed: counted once.
    assert (together["parts"]["c_trimmable"] or 0) == pytest.approx(40_000_000, abs=2 * MIB)
    assert "C library, free, malloc_trim gives it back" in text
    assert largest(rows).count(f"(pid {target.pid})") > 0


def test_a_process_that_is_no_cpython_is_told_as_far_as_can_be_known() -> None:
    with waiting() as child:
        (row,) = inspection.memory(child.pid)["memory"]
    assert row["parts"] is not None
    assert row["parts"]["objects_in_use"] is None
    assert row["c_library"] is not None
    assert row["c_library"]["allocator"] == "glibc"
    assert 0 < (row["c_library"]["system"] or 0) < MIB
    assert row["verdict"]


def test_a_process_that_is_not_there_is_refused() -> None:
    with subprocess.Popen(["true"]) as child:
        pass
    with pytest.raises(NoSuchProcess):
        inspection.memory(child.pid)


def test_types_that_were_not_read_in_time_are_told_as_that(
    any_python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with standing_by(any_python, "import sys\nREADY\nsys.stdin.readline()") as target:
        with inspection._asked("--memory", str(target.pid)) as lines:
            sizes, *_ = lines

        @contextmanager
        def out_of_time(*words: str, via: str | None) -> Iterator[list[str]]:
            yield [sizes, '{"error": null, "messages": []}']

        monkeypatch.setattr(inspection, "_asked", out_of_time)
        first, last = inspection.memory_in_turn(target.pid)
    assert first["why"]["types"].startswith("a random sample")
    assert last["types"] is None
    assert "had not been read in the ten seconds" in last["why"]["types"]


def test_another_allocator_in_the_map_is_named(tmp_path: Path, any_python: str) -> None:
    library = tmp_path / "libjemalloc.so.2"
    library.write_bytes(bytes(4096))
    code = f"""
    import mmap, sys
    with open({str(library)!r}, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 4096, access=mmap.ACCESS_READ)
    READY
    sys.stdin.readline()
    """
    with standing_by(any_python, code) as target:
        (row,) = inspection.memory(target.pid)["memory"]
    assert row["c_library"] is not None
    if row["c_library"]["allocator"] == "glibc":  # which serves this program all the same
        assert "jemalloc is mapped as well" in row["verdict"][-1]
    else:
        assert "jemalloc serves this program" in row["verdict"][-1]
