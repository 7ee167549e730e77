"""C code that lets go of the GIL while it works on a large buffer."""

from __future__ import annotations

import hashlib
import random
import zlib
from collections.abc import Sequence
from contextlib import ExitStack

from app.workloads.catalogue import Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.throughput import told

_MIB = 1024 * 1024


def _prepare(setting: Setting, resources: ExitStack) -> bytes:
    # Sixteen different bytes: compressible to about a half, which is what real data are like.
    noise = random.Random(0).randbytes(int(setting.params["buffer_mib"]) * _MIB)
    return noise.translate(bytes(byte % 16 for byte in range(256)))


def _sha256(data: bytes) -> None:
    hashlib.sha256(data)


def _compress(data: bytes) -> None:
    zlib.compress(data, 1)


_KINDS = {"sha256": _sha256, "zlib": _compress}


def _work(ctx: Context) -> None:
    call = _KINDS[ctx.params["kind"]]
    while not ctx.stopping:
        call(ctx.prepared)
        ctx.count(1)


def _showed(result: Json) -> Sequence[str]:
    return (told(result, "did buffers"),)


NATIVE_RELEASE = Workload(
    name="native-release",
    family="gil",
    title="C code that lets go of the GIL",
    sentence="Hashing or compressing large buffers: C code without the GIL, so threads use all cores.",
    op="one buffer hashed or compressed",
    look_for=(
        "Every worker's lane is native: it computes, and holds no lock while it does.",
        "The GIL lane shows only short flashes, when a call returns and the next one begins.",
        "Two workers do nearly twice the operations of one where two cores are free: threads are enough.",
    ),
    why=(
        "hashlib and zlib let go of the GIL for buffers of more than a few kilobytes: they read bytes that "
        "cannot change, and touch no Python object until they are done.",
    ),
    helps=(
        "Threads are enough here: nothing is copied to another process, and all cores work.",
        "Give each call much to do. A thousand calls of a kilobyte each would take turns with the lock.",
    ),
    subject="The global interpreter lock: how it is got around without processes (chapter 15).",
    finding="native-parallel",
    showed=_showed,
    roles=("native",),
    work=_work,
    executors=("threads", "processes", "sequential", "subinterpreters"),
    workers=2,
    prepare=_prepare,
    params=(
        Param("kind", "choice", "sha256", "What is done with the buffer.", choices=tuple(_KINDS)),
        Param("buffer_mib", "int", 4, "The size of the buffer.", min=1, max=16, unit="MiB"),
    ),
)
