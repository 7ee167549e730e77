"""Whether a line takes a lock, as its source says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.probe.cpython.source import SourceFiles

LINES = {
    "with lock:": True,
    "    with self._locks[key]:  # one a file": True,
    "async with lock:": True,
    "if not lock.acquire():": True,
    "self.acquire()": True,
    "item = tasks.get()": False,
    "with tasks.get() as item:": False,
    "done.wait()": False,
    "return 1": False,
}


@pytest.fixture
def source() -> SourceFiles:
    return SourceFiles(os.getpid())


def test_a_line_is_read_from_the_file(tmp_path: Path, source: SourceFiles) -> None:
    file = tmp_path / "shop.py"
    file.write_text("\n".join(LINES))
    for number, (text, takes) in enumerate(LINES.items(), start=1):
        assert source.takes_lock(str(file), number) is takes, text


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        (
            "with (\n    lock,\n    other,  # two\n    third\n):\n    work()",
            [True, True, True, True, False, False],
        ),
        ("async with (lock,\n    other):", [True, True]),
        ("with (\n    tasks.get() as item,\n):", [True, False, False]),
        ("put(\n    lock,\n)", [False, False, False]),
        ("work()\nlock", [False, False]),
    ],
)
def test_each_item_of_a_with_of_several_lines_takes_a_lock(
    text: str, takes: list[bool], tmp_path: Path, source: SourceFiles
) -> None:
    """From 3.13 on a thread stands at the line of the item."""
    file = tmp_path / "shop.py"
    file.write_text(text)
    seen = [source.takes_lock(str(file), line) for line in range(1, len(takes) + 1)]
    assert seen == takes


def test_the_wait_for_the_end_of_a_thread_is_one_for_a_lock_on_each_version(
    tmp_path: Path, source: SourceFiles
) -> None:
    lines = ["        self._os_thread_handle.join(timeout)", "    _thread_shutdown()"]
    for name, takes in (("threading.py", True), ("shop.py", False)):
        (tmp_path / name).write_text("\n".join(lines))
        assert [source.takes_lock(str(tmp_path / name), 1 + at) for at in range(len(lines))] == [takes] * 2


def test_what_cannot_be_read_takes_no_lock(tmp_path: Path, source: SourceFiles) -> None:
    file = tmp_path / "one.py"
    file.write_text("with lock:\n")
    assert source.takes_lock(str(file), 2) is False
    assert source.takes_lock(str(file), 0) is False
    os.mkfifo(tmp_path / "pipe")
    for name in ("a\0b", "\udcff", str(tmp_path / "pipe")):  # a pipe that nobody writes holds up nobody
        assert source.takes_lock(name, 1) is False
    for name in (str(tmp_path), str(tmp_path / "none.py"), "<frozen importlib._bootstrap>", "<stdin>", ""):
        assert source.takes_lock(name, 1) is False


def test_a_relative_file_is_found_from_where_the_process_is_and_c_code_in_its_command(tmp_path: Path) -> None:
    (tmp_path / "near.py").write_text("with lock: pass\n")
    code = "import sys\nlock.acquire() if 0 else sys.stdin.read()"
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, cwd=tmp_path, stdin=subprocess.PIPE) as process:
        found = SourceFiles(process.pid)
        assert found.takes_lock("near.py", 1)
        while not found.takes_lock("<string>", 2):  # until the child has become this program
            found = SourceFiles(process.pid)
            assert process.poll() is None
        assert found.takes_lock("<string>", 1) is False
        process.communicate()
