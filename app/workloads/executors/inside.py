"""What runs inside an interpreter of the executor `subinterpreters`, and the files that speak with it.

Interpreters have no object in common: the job comes in and the outcome goes out pickled, in files of memory,
which take any length without a reader.
"""

from __future__ import annotations

import os
import pickle
from typing import BinaryIO

from app.workloads.job import Job
from app.workloads.names import name_this_thread
from app.workloads.pickling import Pickling


def memory_file(content: bytes = b"") -> BinaryIO:
    """A file that no folder holds, with some content."""
    file = os.fdopen(os.memfd_create("gilscope-job"), "w+b", buffering=0)
    file.write(content)
    return file


def contents(file: BinaryIO) -> bytes:
    """The whole of a file, whoever wrote it."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)


def main(worker: int, job_fd: int, parked_fd: int, outcome_fd: int) -> None:
    """Take the job, say that it is about to park, do the work, and leave the outcome."""
    with open(job_fd, "rb", closefd=False) as file:
        job: Job = pickle.loads(contents(file))
    role, name = job.setting.workload.role(worker)
    name_this_thread(name)
    os.write(parked_fd, b".")
    span = job.gate.wait()
    if span is not None:
        outcome = job.perform(job.setting.workload.work, worker, role, name, span)
        pickling = Pickling()
        made = pickling.dumps(outcome)
        with open(outcome_fd, "wb", closefd=False) as file:
            file.write(pickle.dumps((made, pickling.ns)))
