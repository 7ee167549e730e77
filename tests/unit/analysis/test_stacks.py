"""Hot functions and the flame graph, from looks written by hand."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.analysis.figures import figures_of
from app.analysis.flame import MAX_DEPTH, MAX_NODES, Flame
from app.analysis.functions import Functions
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.frames import Frame, Names, Process, Report, Stacks

MS = 1000
MAIN, WORK, PARSE = range(3)
FUNCTIONS = [
    [MAIN, "main", "/srv/app.py", 1],
    [WORK, "Job.work", "/srv/job.py", 10],
    [PARSE, "parse", "p.py", 5],
]
IN_WORK, IN_WORK_LATER, IN_PARSE, IN_MAIN = range(4)
STACKS = [
    [IN_WORK, [WORK, 12, MAIN, 3]],
    [IN_WORK_LATER, [WORK, 14, MAIN, 3]],
    [IN_PARSE, [PARSE, 6, WORK, 13, MAIN, 3]],
    [IN_MAIN, [MAIN, 4]],
]


@pytest.fixture
def named(begin):
    ledger = begin()
    ledger.feed(Names(0, functions=FUNCTIONS, stacks=STACKS))
    return ledger


def look(at_ms, stack, waiters=0, holder=0):
    return [at_ms * MS, 0, holder, stack, 1 if waiters else -1, None, waiters]


def test_a_function_has_the_share_of_looks_and_of_the_waiters_that_it_was_seen_with(named):
    named.feed(
        Stacks([look(5, IN_WORK, 3), look(15, IN_WORK_LATER, 1), look(25, IN_WORK_LATER), look(35, IN_MAIN)])
    )
    work, main = summarise(named)["hot"]
    assert work.pop("callers") == [["main", "/srv/app.py", 3]]
    assert main.pop("callers") == []
    assert [work, main] == [
        {"function": "Job.work", "file": "/srv/job.py", "line": 14, "held_share": 0.75, "waited_share": 1.0},
        {"function": "main", "file": "/srv/app.py", "line": 4, "held_share": 0.25, "waited_share": 0.0},
    ]
    assert figures_of(named)["hot"] == summarise(named)["hot"]


def test_a_look_without_a_stack_has_a_row_so_that_no_share_is_too_large(named):
    named.feed(Stacks([look(5, IN_MAIN), look(15, None, 2), look(25, None), look(35, None, holder=-1)]))
    unread, known = summarise(named)["hot"]
    assert unread == {
        "function": "stack unknown",
        "file": None,
        "line": None,
        "callers": [],
        "held_share": 2 / 3,
        "waited_share": 1.0,
    }
    assert (known["function"], known["held_share"]) == ("main", 1 / 3)


def test_where_nobody_waited_there_is_no_share_of_the_waiting(named):
    named.feed(Stacks([look(5, IN_MAIN)]))
    assert summarise(named)["hot"][0]["waited_share"] is None


def test_without_a_look_nothing_is_hot_and_there_is_no_flame_graph(named):
    named.feed(Process(0, 100, None, [], "3.12.1", capabilities={"stacks": "exact"}))
    named.feed(Stacks([look(5, None, 1, holder=-1)]))
    assert (summarise(named)["hot"], summarise(named)["flame"]) == ([], None)


def test_looks_after_the_result_are_not_the_workloads(named):
    named.feed(Frame(0, 50 * MS, 50, 0, 0, [[0, 0, [0, 0, 50 * MS]]]))
    named.feed(Report(40 * MS, {"result": {}}))
    named.feed(Stacks([look(39, IN_WORK), look(41, IN_PARSE)]))
    assert [row["function"] for row in summarise(named)["hot"]] == ["Job.work"]


def test_figures_show_the_twelve_hottest_and_the_summary_fifty(begin):
    ledger = begin()
    ledger.feed(
        Names(
            0,
            functions=[[n, f"f{n}", "f.py", n] for n in range(60)],
            stacks=[[n, [n, n]] for n in range(60)],
        )
    )
    ledger.feed(Stacks([look(n, n) for n in range(60) for _ in range(n + 1)]))
    assert [row["function"] for row in figures_of(ledger)["hot"]] == [f"f{n}" for n in range(59, 47, -1)]
    assert len(summarise(ledger)["hot"]) == 50


# ---- flame graph


def node(name, file, line, samples, own, *children):
    return {
        "name": name,
        "file": file,
        "line": line,
        "samples": samples,
        "self": own,
        "children": [*children],
    }


def test_the_flame_graph_goes_from_the_root_to_the_leaves(named):
    named.feed(
        Stacks([look(1, IN_WORK), look(2, IN_PARSE), look(3, IN_PARSE), look(4, IN_MAIN), look(5, None)])
    )
    parse = node("parse", "p.py", 5, 2, 2)
    main = node("main", "/srv/app.py", 1, 4, 1, node("Job.work", "/srv/job.py", 10, 3, 1, parse))
    assert summarise(named)["flame"] == node(
        "held", None, None, 5, 0, main, node("stack unknown", None, None, 1, 1)
    )


def test_what_is_seen_in_less_than_a_thousandth_is_left_out_and_counted_in_its_parents(named):
    named.feed(Stacks([look(1, IN_PARSE), *[look(2, IN_WORK)] * 1_001]))
    (main,) = summarise(named)["flame"]["children"]
    (work,) = main["children"]
    assert (work["samples"], work["self"], work["children"]) == (1_002, 1_001, [])


def test_a_deep_recursion_is_folded_where_json_could_not_hold_it(begin):
    ledger = begin()
    ledger.feed(Names(0, functions=[[0, "fib", "f.py", 1]], stacks=[[0, [0, 2] * 500]]))
    ledger.feed(Stacks([look(1, 0)]))
    level, names = summarise(ledger)["flame"], []
    while level["children"]:
        (level,) = level["children"]
        names.append(level["name"])
    assert names == ["fib"] * MAX_DEPTH + ["deeper"]
    assert b"deeper" in TypeAdapter(dict[str, Any]).dump_json(summarise(ledger))
    assert summarise(ledger)["hot"][0]["function"] == "fib"


def test_a_program_with_stacks_without_end_does_not_fill_the_flame_graph():
    flame = Flame()
    for number in range(2 * MAX_NODES):
        flame.add(flame.node([number, 1, number % 300, 1]))
    functions = Functions()
    functions.names(Names(0, functions=[[n, f"f{n}", "f.py", 1] for n in range(2 * MAX_NODES)]))
    tree = flame.to_json(functions)
    assert len(flame._parents) <= 2 * MAX_NODES
    assert tree["samples"] == 2 * MAX_NODES
    assert {"deeper"} < {child["name"] for child in _all_nodes(tree)}


def test_a_full_flame_graph_is_thinned_of_what_is_too_small_to_be_shown(begin, monkeypatch):
    # GIVEN a program with one hot path, and as many cold ones below it as the tree holds
    monkeypatch.setattr("app.analysis.flame.MAX_NODES", 3_000)
    ledger = begin()
    cold = range(2, 3_000)
    names = [[MAIN, "main", "m.py", 1], [WORK, "hot", "m.py", 9], *([n, f"f{n}", "m.py", n] for n in cold)]
    stacks = [[0, [WORK, 1, MAIN, 1]], *([n - 1, [n, 1, MAIN, 1]] for n in cold)]
    ledger.feed(Names(0, functions=names, stacks=stacks))
    ledger.feed(Stacks([look(1, 0)] * 100 + [look(1, n - 1) for n in cold]))
    # WHEN another stack is named, and the hot one and a cold one are seen again
    ledger.feed(Names(0, functions=[[3_000, "new", "m.py", 1]], stacks=[[2_999, [3_000, 1, MAIN, 1]]]))
    ledger.feed(Stacks([look(2, 0), look(2, 7), *[look(2, 2_999)] * 50]))
    # THEN all looks are there, the hot ones by name and the cold ones as what is deeper
    (main,) = summarise(ledger)["flame"]["children"]
    assert main["samples"] == 100 + len(cold) + 52
    assert {child["name"]: child["samples"] for child in main["children"]} == {
        "deeper": len(cold) + 1,
        "hot": 101,
        "new": 50,
    }


PATHS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6), min_size=1, max_size=60)


@given(PATHS)
def test_every_look_is_counted_once_in_each_of_its_callers(paths):
    ledger = Ledger()
    ledger.feed(
        Names(0, [[0, 1, 1, "", 0]], [[0, 1, 0]], functions=[[n, str(n), "f.py", 1] for n in range(4)])
    )
    numbers = {}
    for path in paths:
        numbers.setdefault(tuple(path), len(numbers))
    stacks = [[number, [n for function in path for n in (function, 1)]] for path, number in numbers.items()]
    ledger.feed(Names(0, stacks=stacks))
    ledger.feed(Stacks([look(at, numbers[tuple(path)]) for at, path in enumerate(paths)]))
    tree = summarise(ledger)["flame"]
    assert tree["samples"] == len(paths)
    expected = Counter(tuple(path[at:]) for path in paths for at in range(len(path)))
    found = {}
    pending = [(tree, ())]
    while pending:
        level, path = pending.pop()
        assert level["samples"] == level["self"] + sum(child["samples"] for child in level["children"])
        for child in level["children"]:
            below = (int(child["name"]), *path)
            found[below] = child["samples"]
            pending.append((child, below))
    assert found == expected
    assert sum(row["held_share"] for row in summarise(ledger)["hot"]) == pytest.approx(1)


def _all_nodes(level):
    yield level
    for child in level["children"]:
        yield from _all_nodes(child)


# ---- names


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Stacks([look(1, 77)]), "stack 77 was never named"),
        (Stacks([[1, 0, 0, None, 1, 78, 1]]), "stack 78 was never named"),
        (Names(0, stacks=[[9, [WORK, 12, 5, 3]]]), "function 5 was never named"),
    ],
    ids=["holder", "waiter", "caller"],
)
def test_what_was_never_named_is_refused(named, message, why):
    with pytest.raises(ValueError, match=why):
        named.feed(message)


def test_the_summary_of_stacks_is_json(named):
    named.feed(Stacks([look(1, IN_PARSE, 2), look(2, None)]))
    summary = summarise(named)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
