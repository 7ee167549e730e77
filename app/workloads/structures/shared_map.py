"""One writer changes a network of nodes while others walk through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.pulse import Pulse
from app.workloads.structures.network import NETWORKS, Network


class Map:
    """The network, and how the walks through it ended."""

    def __init__(self, network: Network, workers: int) -> None:
        self.network = network
        self.ends = [Counter[str]() for _ in range(workers)]  # one a worker, so that no update is lost
        self.pulse = Pulse()

    def ended(self) -> dict[str, int]:
        """How many walks came through, and how many ended in an error, by its type."""
        total = {"whole": 0, "KeyError": 0, "RuntimeError": 0}
        for ends in self.ends:
            for end in total:
                total[end] += ends[end]
        return total


def _prepare(setting: Setting, resources: ExitStack) -> Map:
    network = NETWORKS[str(setting.params["kind"])](int(setting.params["nodes"]))
    return Map(network, setting.workers)


def _work(ctx: Context) -> Json:
    return _update(ctx) if ctx.role == "writer" else _walk(ctx)


def _update(ctx: Context) -> Json:
    network: Network = ctx.prepared.network
    updates = 0
    while not ctx.stopping:
        network.update()
        updates += 1
    return {"updates": updates}


def _walk(ctx: Context) -> Json:
    shared: Map = ctx.prepared
    ends = shared.ends[ctx.worker]
    while not ctx.stopping:
        try:
            shared.network.walk()
            end = "whole"
        except (RuntimeError, KeyError) as error:  # what is looked for: it changed under the walk
            end = type(error).__name__
        ends[end] += 1
        ctx.count(1)
        if shared.pulse.due():
            ctx.report({"bars": {"title": "How walks ended", "unit": "walks", "values": shared.ended()}})
    return {}


def _summarise(shared: Map, found: Sequence[Json], companion: Json | None) -> Json:
    ended = shared.ended()
    whole = ended.pop("whole")
    return {
        "walks": whole,
        "errors": ended,
        "failed_walks": sum(ended.values()),
        "updates": found[0]["updates"],
        "nodes": len(shared.network.nodes),
    }


def _showed(result: Json) -> Sequence[str]:
    seconds, failed = result["seconds"], result["failed_walks"]
    said = (
        f"{result['walks'] / seconds:,.0f} whole walks and {result['updates'] / seconds:,.0f} updates a "
        f"second, over {result['nodes']:,} nodes."
    )
    if not failed:
        return (said, "No walk met a change.")
    errors = ", ".join(f"{count:,} times {name}" for name, count in result["errors"].items() if count)
    return (said, f"Walks that broke off: {failed:,}, with {errors}.")


SHARED_MAP = Workload(
    name="shared-map",
    family="structures",
    title="A map that changes under the reader",
    sentence="Threads walk a network of nodes while a writer changes it: plain, locked, read-copy-update.",
    op="one walk, whole or broken off",
    look_for=(
        "Plain: walks break off with RuntimeError, for the dict changed while it was iterated, or KeyError, "
        "for a neighbour that is gone. The GIL keeps the dict whole, not the walk.",
        "Locked: no errors, and the walks take turns with each other and with the writer: lanes are lock.",
        "Read-copy-update: no errors and no lock. Each update copies the map, so there are fewer of them.",
    ),
    why=(
        "A walk is many steps, and between two of them the writer may run. What it then finds belongs to two "
        "states of the network at once.",
        "A reference is replaced by one assignment. Who reads it once, and goes on in what it refers to, has "
        "one state of the network for as long as the walk lasts.",
    ),
    helps=(
        "Read-copy-update where reads are many and updates few; a lock where it is the other way round.",
        "Or give the map to one thread, and send it requests through a queue.",
    ),
    subject="Mutex-free data structures: a network read without a lock (chapter 16).",
    mended=Variant("Change a copy, and publish it", params={"kind": "read-copy-update"}),
    roles=("writer", "walker"),
    counting="walker",
    work=_work,
    executors=("threads",),
    min_workers=2,
    max_workers=16,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("walks", "Whole walks"),
        Shown("failed_walks", "Walks that broke off"),
        Shown("errors", "Broke off with"),
        Shown("updates", "Updates"),
        Shown("nodes", "Nodes"),
    ),
    params=(
        Param("kind", "choice", "plain", "How walks and updates are kept apart.", choices=tuple(NETWORKS)),
        Param("nodes", "int", 1_000, "The size of the network.", min=10, max=20_000),
    ),
)
