"""Make the picture on the first page: a moment of a real convoy, in the colours of the page that shows it.

    python tools/first_picture.py   (as root)

It starts a server, runs `convoy` for six seconds, and writes templates/partials/first_picture.html: who held
the GIL and what each thread did around a wait of the thread that answers requests, one that is longer than
four of five. Not shown are waits around which a thread was not seen, or one that computes in Python alone
seems to run C code for long: other programs kept it from the CPU. So that there are few of these, the
observer and the convoy have the CPU before all others.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from lab import ROOT, Lab, lab

from app.model.frames import Frame, Names, decode
from app.model.states import STATES

PICTURE = ROOT / "templates" / "partials" / "first_picture.html"
WIDTH, ROW, GAP, TOP = 576, 18, 5, 8
LEAST = 0.6  # what is narrower is drawn with what comes after it
AROUND = 1.2  # so many times the wait is shown on either side
COLOURS = 10  # of threads, as the page has them
ANSWERS, COMPUTES = "io-", "cpu-"
LEAST_WAITS = 10  # of fewer none is known to be a usual one
LONGEST_NATIVE_US = 1000  # of a thread that computes in Python, which lets the GIL go for a moment alone


class Piece(NamedTuple):
    """A thread in a state, or a holder of the GIL, in microseconds."""

    from_us: int
    to_us: int
    kind: int


def pieces(rows: list[list[int]], start_us: int, stride: int) -> Iterator[Piece]:
    """Those of a row of a frame, whose last number of each is its length."""
    at = start_us
    for piece in zip(*(rows[index::stride] for index in range(stride)), strict=True):
        yield Piece(at, at + piece[-1], piece[0])
        at += piece[-1]


def joined(found: list[Piece]) -> list[Piece]:
    """Neighbours of one kind are one."""
    whole: list[Piece] = []
    for piece in found:
        if whole and whole[-1].kind == piece.kind and whole[-1].to_us == piece.from_us:
            whole[-1] = whole[-1]._replace(to_us=piece.to_us)
        else:
            whole.append(piece)
    return whole


def let_first(server: int) -> None:
    """Give the CPU first to the observer that a server has started, and then to what that observes."""
    [observer] = psutil.Process(server).children()
    for process, priority in ((observer, 20), *((each, 10) for each in observer.children(recursive=True))):
        for thread in process.threads():
            os.sched_setscheduler(thread.id, os.SCHED_RR, os.sched_param(priority))


def seen(here: Lab) -> tuple[dict[int, str], list[Piece], dict[int, list[Piece]]]:
    """A convoy: its threads' names, who held the GIL, and what each did, by lane."""
    run = here.ask("runs", {"workload": "convoy", "seconds": 6})["id"]
    while here.ask(f"runs/{run}")["state"] == "starting":
        time.sleep(0.05)
    let_first(here.pid)
    while here.ask(f"runs/{run}")["state"] == "running":
        time.sleep(0.2)
    request = urllib.request.Request(f"http://{here.host}/api/v1/runs/{run}/messages", headers=here.bearer)
    names: dict[int, str] = {}
    holders: list[Piece] = []
    lanes: dict[int, list[Piece]] = {}
    gil = None
    with urllib.request.urlopen(request) as lines:
        for line in lines:
            message: Any = decode(line.decode())
            if message.type == Names.type:
                names |= {row[0]: row[3] for row in message.threads}
                if gil is None and message.gils:
                    gil = message.gils[0][0]
            if message.type != Frame.type:
                continue
            for index, _, row in message.gils:
                if index == gil:
                    holders += pieces(row, message.start_us, 3)
            for lane, row in message.lanes:
                lanes.setdefault(lane, []).extend(pieces(row, message.start_us, 2))
    kept = {lane: name for lane, name in names.items() if name.startswith((ANSWERS, COMPUTES))}
    return kept, joined(holders), {lane: joined(lanes[lane]) for lane in kept}


def around(wait: Piece) -> tuple[float, float]:
    """The time that is shown of it."""
    length_us = wait.to_us - wait.from_us
    return wait.from_us - AROUND * length_us, wait.to_us + AROUND * length_us


def overlap(span: tuple[float, float], piece: Piece) -> bool:
    """Whether a piece lies in it."""
    return piece.from_us < span[1] and piece.to_us > span[0]


def wrong(names: dict[int, str], lanes: dict[int, list[Piece]]) -> list[Piece]:
    """What tells of no convoy: a thread that was not seen, or one that computes long in C code."""
    unknown, native = (STATES.index(name) for name in ("unknown", "native"))
    return [
        piece
        for lane, found in lanes.items()
        for piece in found
        if piece.kind == unknown
        or (
            piece.kind == native
            and names[lane].startswith(COMPUTES)
            and piece.to_us - piece.from_us > LONGEST_NATIVE_US
        )
    ]


def longer(waits: list[Piece]) -> Piece:
    """A wait that is longer than four of five, and no rare one."""
    if len(waits) < LEAST_WAITS:
        raise SystemExit("Other programs spoilt nearly all waits: run it again when it is quiet")
    ordered = sorted(waits, key=lambda piece: piece.to_us - piece.from_us)
    return ordered[len(ordered) * 4 // 5]


def row_of(found: list[Piece], top: int, from_us: float, to_us: float, named: Any) -> str:
    """The pieces of a lane within a time, as few rectangles as can be told apart."""
    scale = WIDTH / (to_us - from_us)
    drawn, at = [], 0.0
    for piece in found:
        end = (min(piece.to_us, to_us) - from_us) * scale
        name = named(piece.kind)
        if piece.to_us <= from_us or piece.from_us >= to_us or end - at < LEAST or name is None:
            at = max(at, end) if name is None and piece.from_us < to_us else at
            continue
        drawn.append(f'<path class="{name}" d="M{at:.1f} {top}H{end:.1f}V{top + ROW}H{at:.1f}z"/>')
        at = end
    return "".join(drawn)


def picture(names: dict[int, str], holders: list[Piece], lanes: dict[int, list[Piece]]) -> str:
    """All of it."""
    order = sorted(names, key=lambda lane: (not names[lane].startswith(ANSWERS), names[lane]))
    waiting = STATES.index("waiting")
    computing = min(piece.from_us for piece in holders if names.get(piece.kind, "").startswith(COMPUTES))
    spoilt = wrong(names, lanes)
    waits = [piece for piece in lanes[order[0]] if piece.kind == waiting and piece.from_us > computing]
    wait = longer([each for each in waits if not any(overlap(around(each), piece) for piece in spoilt)])
    length_us = wait.to_us - wait.from_us
    from_us, to_us = around(wait)
    scale = WIDTH / (to_us - from_us)
    rows = [("GIL", holders, lambda holder: f"t{holder % COLOURS}" if holder in names else None)]
    rows += [(names[lane], lanes[lane], lambda state: STATES[state]) for lane in order]
    drawn = []
    for number, (_, found, named) in enumerate(rows):
        top = TOP + number * (ROW + GAP)
        drawn.append(f'<path class="lane" d="M0 {top}H{WIDTH}V{top + ROW}H0z"/>')
        drawn.append(row_of(found, top, from_us, to_us, named))
    left, right = ((at - from_us) * scale for at in (wait.from_us, wait.to_us))
    said = f"{names[order[0]]} waits {length_us / 1000:.0f} ms for the GIL"
    drawn.append(f'<path class="mark" d="M{left:.1f} {TOP - 3}V{TOP - 6}H{right:.1f}V{TOP - 3}"/>')
    height = TOP + len(rows) * (ROW + GAP)
    whole = f"{(to_us - from_us) / 1000:.0f} milliseconds of a convoy as they were measured: {said}"
    labels = "".join(f"<li>{escape(label)}</li>" for label, _, _ in rows)
    size = f'viewBox="0 0 {WIDTH} {height}" height="{height}" preserveAspectRatio="none"'
    return (
        f'<div class="moment"><p>{said}</p><ol>{labels}</ol>'
        f'<svg {size} role="img" aria-label="{whole}">{"".join(drawn)}</svg></div>\n'
    )


def main() -> None:
    """Write it."""
    with lab() as here:
        made = picture(*seen(here))
    Path(PICTURE).write_text(made)
    print(json.dumps({"bytes": len(made)}))


if __name__ == "__main__":
    main()
