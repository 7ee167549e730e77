"""A cache that nobody ever empties."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count, islice
from threading import Lock
from time import monotonic_ns, sleep
from typing import NamedTuple

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.memory.measures import MEGABYTE, resident, sized

ANSWER_FLOATS = 128
# A list of pointers behind its two headers, and the floats that they point to, each in a block of 32 bytes.
ANSWER_BYTES = 72 + 8 * ANSWER_FLOATS + 32 * ANSWER_FLOATS

_TURN_S = 0.02
_STRIDE = 64  # no two workers ask the same question
_NS_A_SECOND = 1_000_000_000


class Cache:
    """Answers by question; with a limit, the oldest goes when a new one comes."""

    def __init__(self, limit: int) -> None:
        self.answers: dict[int, list[float]] = {}
        self.evicted = 0
        self._limit = limit
        self._lock = Lock()

    def store(self, question: int, answer: list[float]) -> None:
        """Keep an answer."""
        with self._lock:
            self.answers[question] = answer
            if self._limit and len(self.answers) > self._limit:
                del self.answers[next(iter(self.answers))]
                self.evicted += 1


class Prepared(NamedTuple):
    """What all workers share."""

    cache: Cache
    ceiling: int  # the RSS at which it may not grow any further
    answers_a_turn: int


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    params = setting.params
    bytes_a_turn = float(params["mb_per_s"]) * MEGABYTE * _TURN_S / setting.workers
    ceiling = resident() + int(params["most_mb"]) * MEGABYTE
    return Prepared(Cache(int(params["limit"])), ceiling, max(1, int(bytes_a_turn / ANSWER_BYTES)))


def answer(question: int) -> list[float]:
    """As many floats, each an object of its own."""
    return [question + part / ANSWER_FLOATS for part in range(ANSWER_FLOATS)]


def _work(ctx: Context) -> Json:
    """Answer questions that nobody asked before, so many in each turn, and store every answer."""
    prepared: Prepared = ctx.prepared
    cache = prepared.cache  # by this name the Memory panel tells who holds the answers
    questions = count(ctx.worker, _STRIDE)
    samples: list[tuple[int, int]] = []  # (ns since the start, RSS)
    while not ctx.stopping:
        rss = resident()
        samples.append((monotonic_ns() - ctx.span.start_ns, rss))
        if rss < prepared.ceiling:
            for question in islice(questions, prepared.answers_a_turn):
                cache.store(question, answer(question))
            ctx.count(prepared.answers_a_turn)
        sleep(_TURN_S)
    return {"samples": samples}


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    samples = found[0]["samples"] or [(0, resident())]
    later = samples[len(samples) // 2 :]  # what comes before is the warm-up of any program
    seconds = (later[-1][0] - later[0][0]) / _NS_A_SECOND
    return {
        "entries": len(prepared.cache.answers),
        "evicted": prepared.cache.evicted,
        "answer_bytes": ANSWER_BYTES,
        "rss_start": samples[0][1],
        "rss_end": samples[-1][1],
        "growth_bytes_per_s": (later[-1][1] - later[0][1]) / seconds if seconds else None,
        "full": samples[-1][1] >= prepared.ceiling,
    }


def _showed(result: Json) -> list[str]:
    growth = result["growth_bytes_per_s"]
    rate = "" if growth is None else f", in its later half by {sized(growth)} a second"
    said = [
        f"{result['ops']:,} answers were stored and {result['entries']:,} are still there, "
        f"{result['answer_bytes']:,} bytes each. RSS went from {sized(result['rss_start'])} to "
        f"{sized(result['rss_end'])}{rate}."
    ]
    if result["evicted"]:
        said.append(f"{result['evicted']:,} old answers made room for new ones.")
    if result["full"]:
        said.append(
            "The cache reached the most that it may hold here: a container with a limit would have died."
        )
    return said


LEAK = Workload(
    name="leak",
    family="memory",
    title="A cache that only grows",
    sentence="Every answer is kept for ever: nothing is lost, and yet it is a leak.",
    op="one answer stored",
    look_for=(
        "Blocks in use, arenas and RSS rise in one straight line, for as long as there are requests.",
        "The collector cannot help: every answer can still be reached through the cache.",
    ),
    why=(
        "CPython frees an object when its last reference goes. A container that lives as long as the "
        "program, a cache, a list of handlers, a registry, holds a reference to all that was ever put in.",
        "It is told from a warm-up by its steadiness: a warm-up ends.",
    ),
    helps=(
        "Give the container a bound: functools.lru_cache(maxsize=...), a limit here, or weak references "
        "where somebody else keeps what is worth keeping.",
        "tracemalloc compares two snapshots and names the lines that allocated what is new.",
    ),
    subject="Memory management: reference counts, and what keeps an object alive (chapter 17).",
    finding="memory-growth",
    mended=Variant("The same cache with a limit", params={"limit": 2000}),
    roles=("request",),
    work=_work,
    executors=("threads", "sequential"),
    workers=2,
    max_workers=_STRIDE,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("entries", "Answers in the cache"),
        Shown("evicted", "Answers evicted"),
        Shown("answer_bytes", "One answer", "bytes"),
        Shown("rss_start", "RSS at the start", "bytes"),
        Shown("rss_end", "RSS at the end", "bytes"),
        Shown("growth_bytes_per_s", "RSS grew, in the later half, by", "bytes_rate"),
    ),
    params=(
        Param("mb_per_s", "float", 10.0, "How fast it grows.", min=0.5, max=100.0, unit="MB/s"),
        Param(
            "limit", "int", 0, "How many answers are kept at the most; 0: all of them.", min=0, max=100_000
        ),
        Param("most_mb", "int", 200, "What it may grow by before it stops.", min=10, max=1000, unit="MB"),
    ),
)
