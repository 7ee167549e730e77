"""Files that are not closed where the code between open and close raises: descriptors run out."""

from __future__ import annotations

import os
import resource
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from errno import EMFILE
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic_ns, sleep
from typing import IO, NamedTuple

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.picture import COLOURS, Axis, Line, chart

BINS = 40  # points of the curve

_NS_A_SECOND = 1_000_000_000
_DESCRIPTORS = "/proc/self/fd"
_LINES = ("17\n", "seventeen\n")
_KEPT = 2_000  # failures
_MOST = 1_000  # descriptors: fewer, so that a failure in the log can hold each of them


class Desk(NamedTuple):
    """The files that are read, the good one and the bad one, and a log of failures."""

    files: tuple[Path, Path]
    log: deque[BaseException]
    limit: int  # of the process's descriptors


def _prepare(setting: Setting, resources: ExitStack) -> Desk:
    folder = Path(resources.enter_context(TemporaryDirectory(prefix="gilscope-files-")))
    files = (folder / "good", folder / "bad")
    for file, line in zip(files, _LINES):
        file.write_text(line)
    log: deque[BaseException] = deque(maxlen=_KEPT)
    resources.callback(_close_all, log)
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resources.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (before, most))
    limit = min(len(os.listdir(_DESCRIPTORS)) + int(setting.params["descriptors"]), most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
    return Desk(files, log, limit)


def _open_ones(limit: int) -> int:
    """How many descriptors are open. To list them would take one more, and there may be none."""
    number = 0
    for descriptor in range(limit):
        with suppress(OSError):
            os.fstat(descriptor)
            number += 1
    return number


def _close_all(log: deque[BaseException]) -> None:
    """Close what the failures still hold, for this is an end and no crash."""
    for failure in log:
        place = failure.__traceback__
        while place is not None:
            left = place.tb_frame.f_locals.get("file")
            if left is not None:
                left.close()
            place = place.tb_next
    log.clear()


def by_hand(path: Path) -> int:
    """As it is written by hand: close is not reached when int raises."""
    file: IO[str] = path.open()
    number = int(file.read())
    file.close()
    return number


def by_with(path: Path) -> int:
    """As it should be: the block closes the file, however it is left."""
    with path.open() as file:
        return int(file.read())


_STYLES = {"open-close": by_hand, "with": by_with}


def _work(ctx: Context) -> Json:
    desk: Desk = ctx.prepared
    handle, (good, bad) = _STYLES[ctx.params["style"]], desk.files
    start_ns, deadline_ns = ctx.span
    requests = failed = refused = 0
    refused_at_s = None
    open_ones: list[int | None] = [None] * BINS
    while not ctx.stopping:
        at_ns = monotonic_ns() - start_ns
        place = min(at_ns * BINS // (deadline_ns - start_ns), BINS - 1)
        if ctx.worker == 0 and open_ones[place] is None:
            open_ones[place] = _open_ones(desk.limit)
        requests += 1
        try:
            handle(bad if requests % ctx.params["bad_every"] == 0 else good)
        except ValueError as failure:
            failed += 1
            desk.log.append(failure)
        except OSError as failure:
            if failure.errno != EMFILE:
                raise
            refused += 1
            refused_at_s = at_ns / _NS_A_SECOND if refused_at_s is None else refused_at_s
        else:
            ctx.count(1)
        sleep(ctx.params["pause_ms"] / 1000)
    planned_s = (deadline_ns - start_ns) / _NS_A_SECOND
    counted = {"failed": failed, "refused": refused, "refused_at_s": refused_at_s}
    return {**counted, "open": open_ones, "planned_s": planned_s}


def _summarise(desk: Desk, found: Sequence[Json], companion: Json | None) -> Json:
    open_ones, planned_s = found[0]["open"], found[0]["planned_s"]
    return {
        "requests_failed": sum(each["failed"] for each in found),
        "requests_refused": sum(each["refused"] for each in found),
        "refused_at_s": min(
            (each["refused_at_s"] for each in found if each["refused_at_s"] is not None), default=None
        ),
        "most_open": max((number for number in open_ones if number is not None), default=None),
        "limit": desk.limit,
        "pictures": pictures(open_ones, desk.limit, planned_s / BINS),
    }


def pictures(open_ones: Sequence[int | None], limit: int, bin_s: float) -> list[Json]:
    """The curve: open descriptors over the run, beside the limit; None where they were not counted."""
    points = [(at * bin_s, float(number)) for at, number in enumerate(open_ones) if number is not None]
    if len(points) < 2:
        return []
    ends = (points[0][0], points[-1][0])
    return [
        {
            "title": "Open descriptors of the process, and their limit",
            "svg": chart(
                Axis("seconds", "{:g}".format),
                Axis("", "{:g}".format),
                [
                    Line("open descriptors", COLOURS[2], points),
                    Line("the limit", COLOURS[0], [(at, float(limit)) for at in ends], dashed=True),
                ],
            ),
            "alt": f"From {points[0][1]:g} to {points[-1][1]:g} open descriptors, with a limit of {limit}.",
        }
    ]


def _showed(result: Json) -> Sequence[str]:
    failed, refused = result["requests_failed"], result["requests_refused"]
    said = [
        f"{result['ops']:,} requests were answered, and {failed:,} met a file that int() refuses.",
    ]
    if refused:
        said.append(
            f"After {result['refused_at_s']:.1f} s all {result['limit']} descriptors were used up. From then "
            f"on no file could be opened (EMFILE, too many open files), and {refused:,} requests were "
            "refused, those for the good file as well."
        )
    elif result["most_open"] is not None:
        said.append(f"At most {result['most_open']} descriptors were open, of {result['limit']} allowed.")
    return said


DESCRIPTOR_LEAK = Workload(
    name="descriptor-leak",
    family="hazards",
    title="Files that are never closed",
    sentence="Some requests raise between open and close, and at some time no file can be opened any more.",
    op="one request answered",
    look_for=(
        "The panel Open files, and the curve in the result: one more descriptor with each request that "
        "fails, up to the limit, and then a flat line. The lanes look well all the time: a server that is "
        "up and answers nobody.",
        "Set the style to with: as many requests fail, and the line stays at the foot.",
    ),
    why=(
        "An exception leaves the function at once, and close on a line of its own is not reached. CPython "
        "closes a file when the last reference to it goes; but here the log keeps the exception, the "
        "exception its traceback, the traceback the frame, and the frame its variable `file`.",
        "Where no exception is kept the same code works on CPython, with a ResourceWarning, and leaks on "
        "PyPy, GraalPy and Jython, which do not count references.",
    ),
    helps=(
        "Write `with open(...)`, or `contextlib.closing` and `ExitStack` for what has a close and no with.",
        "Log the text of an exception (logging's exc_info, traceback.format_exc) and not the object; run "
        "tests with -W error::ResourceWarning or -X dev.",
    ),
    subject="Using the with statement: what has to be closed, however the block is left (chapter 4).",
    question="work",
    mended=Variant("The same with `with open(...)`", params={"style": "with"}),
    roles=("clerk",),
    work=_work,
    executors=("threads",),
    max_workers=32,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("requests_failed", "Requests that raised"),
        Shown("requests_refused", "Requests refused for want of a descriptor"),
        Shown("refused_at_s", "The first of them after", "s"),
        Shown("most_open", "Most descriptors open"),
        Shown("limit", "Their limit"),
    ),
    params=(
        Param(
            "style",
            "choice",
            "open-close",
            "How a file is opened: open and close on lines of their own, or `with open(...)`.",
            choices=tuple(_STYLES),
        ),
        Param(
            "descriptors",
            "int",
            200,
            "How many descriptors the process may have beside those that are open as it begins.",
            min=20,
            max=_MOST,
        ),
        Param("bad_every", "int", 20, "Every which request of a worker raises.", min=1, max=10_000),
        Param("pause_ms", "float", 2.0, "A worker's pause after a request.", min=0.0, max=300.0, unit="ms"),
    ),
)
