"""Filters over pictures: what it costs to send the pixels, and what it costs to send their names."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import NamedTuple

from app.workloads.catalogue import Companion, Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.models.images import FILTERS, Image, drawn, png_base64
from app.workloads.pickling import Pickling
from app.workloads.sockets import STOP_POLL_S, paired

IMAGES = 6

_NS_A_MS = 1_000_000


class Prepared(NamedTuple):
    """Where the pictures are, and a worker's and the store's end of each connection."""

    folder: str
    workers: list[Connection]
    store: list[Connection]


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    folder = resources.enter_context(TemporaryDirectory(prefix="gilscope-images-"))
    for number in range(IMAGES):
        _write(folder, _name(number), drawn(int(setting.params["side"]), number))
    pairs = [paired(resources) for _ in range(setting.workers)]
    return Prepared(folder, [pair[0] for pair in pairs], [pair[1] for pair in pairs])


def _name(number: int) -> str:
    return f"{number}.pixels"


def _write(folder: str, name: str, image: Image) -> None:
    with open(os.path.join(folder, name), "wb") as file:
        pickle.dump(image, file)


def _read(folder: str, name: str) -> Image:
    with open(os.path.join(folder, name), "rb") as file:
        image: Image = pickle.load(file)
        return image


def _work(ctx: Context) -> Json:
    """Ask for a picture, filter it, send the result back: as pixels, or as a name."""
    connection, chosen = ctx.prepared.workers[ctx.worker], FILTERS[ctx.params["filter"]]
    sending_ns = filtering_ns = turn = 0
    pickling = Pickling()
    result: object = None
    while not ctx.stopping:
        start_ns = perf_counter_ns()
        connection.send_bytes(pickling.dumps((turn, result)))
        while not connection.poll(STOP_POLL_S):
            if ctx.stopping:
                return {"sending_ns": sending_ns, "filtering_ns": filtering_ns, "pickling_ns": pickling.ns}
        sent = pickling.loads(connection.recv_bytes())
        image = _read(ctx.prepared.folder, sent) if isinstance(sent, str) else sent
        sent_ns = perf_counter_ns()
        filtered = chosen(image)
        filtering_ns += perf_counter_ns() - sent_ns
        sending_ns += sent_ns - start_ns
        if isinstance(sent, str):
            _write(ctx.prepared.folder, result_name := f"{ctx.worker}-{sent}", filtered)
            result = result_name
        else:
            result = filtered
        turn += 1
        ctx.count(1)
    return {"sending_ns": sending_ns, "filtering_ns": filtering_ns, "pickling_ns": pickling.ns}


def _store(ctx: Context) -> Json:
    """The other end: it hands out pictures, and counts what is pickled, both ways."""
    by_name = ctx.params["send"] == "names"
    images = [_read(ctx.prepared.folder, _name(number)) for number in range(IMAGES)]
    pickling = Pickling()
    pickled, after = 0, None
    while not ctx.stopping:
        for connection in wait(ctx.prepared.store, STOP_POLL_S):
            assert isinstance(connection, Connection)
            received = connection.recv_bytes()
            turn, result = pickling.loads(received)
            if turn % IMAGES == 1 and after is None:  # the result is that of the picture before
                after = _read(ctx.prepared.folder, result) if isinstance(result, str) else result
            number = turn % IMAGES
            answer = pickling.dumps(_name(number) if by_name else images[number])
            connection.send_bytes(answer)
            pickled += len(received) + len(answer)
    return {"bytes_pickled": pickled, "pickling_ns": pickling.ns, "before": images[0], "after": after}


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    assert companion is not None
    before, after = companion["before"], companion["after"]
    pictures = [{"title": "Before", "alt": "The picture as it was drawn", "png_base64": png_base64(before)}]
    if after is not None:
        said = {"title": "After", "alt": "The same picture, filtered by a worker"}
        pictures.append({**said, "png_base64": png_base64(after)})
    return {
        "bytes_pickled": companion["bytes_pickled"],
        "pickling_ms": sum(each["pickling_ns"] for each in (*found, companion)) / _NS_A_MS,
        "sending_ms": sum(each["sending_ns"] for each in found) / _NS_A_MS,
        "filtering_ms": sum(each["filtering_ns"] for each in found) / _NS_A_MS,
        "pictures": pictures,
    }


def _showed(result: Json) -> Sequence[str]:
    images = max(result["ops"], 1)
    return (
        f"{result['ops_per_s']:,.1f} pictures a second were filtered; for each, "
        f"{result['bytes_pickled'] / images:,.0f} bytes were pickled.",
        f"A worker spent {result['sending_ms'] / images:.2f} ms on getting a picture, and "
        f"{result['filtering_ms'] / images:.2f} ms on filtering it.",
    )


IMAGE_FILTER = Workload(
    name="image-filter",
    family="models",
    title="Filtering pictures",
    sentence="Workers filter pictures that a store sends them: all their pixels, or a name to read them by.",
    op="one picture filtered",
    look_for=(
        "On processes each worker computes by itself; on threads of a build with a GIL they take turns.",
        "bytes_pickled is what went over the connections, both ways. Run the variant that sends names: the "
        "bytes nearly vanish, and the time to get a picture falls.",
    ),
    why=(
        "What goes to another process is pickled, written, read and unpickled: four passes over every pixel, "
        "and back again for the result.",
        "A name is a few bytes. Who gets it reads the picture itself, from pages that the kernel holds once.",
    ),
    helps=(
        "Send names, offsets or shared memory instead of data.",
        "Give each worker enough to do for what it is sent: the grey filter is quickly done, the adaptive "
        "one is worth the way.",
    ),
    subject="Concurrent image processing (chapter 8).",
    mended=Variant("Names instead of pixels", params={"send": "names"}),
    roles=("filter",),
    work=_work,
    executors=("threads", "processes", "sequential"),
    executor="processes",
    workers=2,
    companion=Companion("store", _store),
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("bytes_pickled", "Pickled", "bytes"),
        Shown("pickling_ms", "Pickling, all workers", "ms"),
        Shown("sending_ms", "Getting pictures, all workers", "ms"),
        Shown("filtering_ms", "Filtering, all workers", "ms"),
    ),
    params=(
        Param("filter", "choice", "adaptive", "What is done with each picture.", choices=tuple(FILTERS)),
        Param("send", "choice", "pixels", "What the store sends.", choices=("pixels", "names")),
        Param("side", "int", 128, "The side of each picture.", min=32, max=384, unit="px"),
    ),
)
