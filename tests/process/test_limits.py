"""A program that is started cannot use more than it was given; proven by what it meets itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.runs.manager import Manager
from app.runs.request import RunRequest
from app.runs.settings import Settings

MEMORY = """
import subprocess, sys
try:
    bytearray(1 << 30)
except MemoryError:
    print("refused", flush=True)
child = "bytearray(1 << 30)"
print(b"MemoryError" in subprocess.run([sys.executable, "-c", child], stderr=-1).stderr, flush=True)
"""
FILE = """
import signal, tempfile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with tempfile.TemporaryFile() as file:
    try:
        file.write(bytes(2 << 20)), file.flush()
    except OSError as error:
        print(error.strerror, flush=True)
"""
FLOOD = """
import os
for _ in range(1 << 30):
    os.write(1, bytes(65536))
"""
FOREVER = "import signal; signal.pause()"


def output_of(tmp_path: Path, script: str, **settings: int) -> dict:
    """The run of a script within limits, once it has ended."""

    async def observed() -> dict:
        manager = Manager(Settings(data_dir=str(tmp_path), **settings))
        try:
            run = await manager.start(RunRequest(script=script))
            await run.wait()
            return run.to_json()
        finally:
            await manager.close()

    return asyncio.run(observed())


def test_no_process_of_it_gets_more_memory(tmp_path):
    run = output_of(tmp_path, MEMORY, target_memory=256 << 20)
    assert run["output"].split() == ["refused", "True"]
    assert (run["limits"]["memory_bytes"], run["limits"]["together"]) == (256 << 20, False)


def test_no_file_of_it_gets_larger(tmp_path):
    assert "File too large" in output_of(tmp_path, FILE, target_file=1 << 20)["output"]


def test_it_is_ended_when_its_time_is_over(tmp_path):
    assert output_of(tmp_path, FOREVER, target_seconds=1)["state"] == "timed_out"


def test_a_program_that_writes_more_than_it_may_is_ended(tmp_path):
    run = output_of(tmp_path, FLOOD, target_output=3 << 20)
    assert run["state"] == "failed"
    assert "more than 3,145,728 bytes of output" in run["error"]["detail"]
    assert "GILSCOPE_TARGET_OUTPUT" in run["error"]["remedy"]
