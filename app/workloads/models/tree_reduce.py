"""A reduction, cut into parts for the workers: right only where the operator is associative."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import reduce
from typing import Any, Union

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json

Number = Union[int, float]
Operator = Callable[[Any, Any], Any]


def _halfway(left: Number, right: Number) -> float:
    return (left + right) / 2


OPERATORS: dict[str, Operator] = {
    "add": operator.add,
    "maximum": max,
    "subtract": operator.sub,
    "halfway": _halfway,
}
ASSOCIATIVE = ("add", "maximum")


def parts(items: int, workers: int) -> list[range]:
    """The numbers from 1 on, cut into a part for each worker, as even as it goes."""
    bounds = [items * at // workers + 1 for at in range(workers + 1)]
    return [range(first, after) for first, after in zip(bounds, bounds[1:])]


def tree(combine: Operator, values: Sequence[Number]) -> Number:
    """Combine neighbours, then the results of that, until one is left."""
    level = list(values)
    while len(level) > 1:
        pairs = [combine(left, right) for left, right in zip(level[::2], level[1::2])]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def _prepare(setting: Setting, resources: ExitStack) -> list[range]:
    return parts(int(setting.params["items"]), setting.workers)


def _work(ctx: Context) -> Json:
    """Reduce this worker's part, over and over; every operator's result is the same each time."""
    part, chosen = ctx.prepared[ctx.worker], ctx.params["operator"]
    results = {name: reduce(combine, part) for name, combine in OPERATORS.items()}
    while not ctx.stopping:
        results[chosen] = reduce(OPERATORS[chosen], part)
        ctx.count(1)
    return results


def _summarise(prepared: list[range], found: Sequence[Json], companion: Json | None) -> Json:
    whole = range(prepared[0].start, prepared[-1].stop)
    rows = []
    for name, combine in OPERATORS.items():
        folded, treed = reduce(combine, whole), tree(combine, [each[name] for each in found])
        rows.append([name, folded, treed, folded == treed])
    return {"table": {"columns": ["operator", "from left to right", "in parts", "equal"], "rows": rows}}


def _showed(result: Json) -> Sequence[str]:
    return [
        f"`{name}` gives {treed:,} in parts, as it does from left to right."
        if equal
        else f"`{name}` gives {folded:,} from left to right, and {treed:,} in parts: it is not associative."
        for name, folded, treed, equal in result["table"]["rows"]
    ]


TREE_REDUCE = Workload(
    name="tree-reduce",
    family="models",
    title="Reduction in a tree",
    sentence="Each worker reduces a part, and parts are combined: another order, perhaps another result.",
    op="one part reduced",
    look_for=(
        "The workers need nothing of each other until the end: on processes each runs by itself.",
        "The table compares the result in parts with the one from left to right: equal for add and maximum, "
        "different for subtract and halfway.",
    ),
    why=(
        "To cut a reduction into parts is to move its brackets: (a + b) + (c + d) is a + b + c + d, and "
        "(a - b) - (c - d) is not a - b - c - d.",
        "Sums of floats are not associative either: their last digits depend on the order.",
    ),
    helps=(
        "Choose an associative operator; one with an identity besides allows parts to be empty.",
        "Rewrite: a - b - c is a - (b + c), and what is left is a sum.",
    ),
    subject="Reduction operators in processes (chapter 7).",
    mended=Variant("An associative operator", params={"operator": "add"}),
    roles=("reducer",),
    work=_work,
    executors=("threads", "processes", "sequential", "subinterpreters"),
    executor="processes",
    workers=4,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    params=(
        Param(
            "operator", "choice", "subtract", "What is reduced with over and over.", choices=tuple(OPERATORS)
        ),
        Param("items", "int", 20_000, "How many numbers are reduced.", min=1_000, max=500_000),
    ),
)
