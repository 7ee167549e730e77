"""The stacks of a slice of a run's timeline, of a recording that is imported."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from web.conftest import Site

from app.model.frames import Blocked, End, Frame, Hello, Names, Process, Stacks, encode
from app.model.states import RUNNING, SLEEP, WAITING

MS = 1000
FUNCTIONS = [[0, "spin", "/srv/app.py", 10], [1, "fetch", "/srv/app.py", 20], [2, "main", "/srv/app.py", 1]]
STACKS = [[0, [0, 12, 2, 5]], [1, [1, 22, 2, 6]], [2, [2, 7]]]


def recording() -> bytes:
    """A second: `cpu` spins, `feed` sleeps in fetch for half of it and then waits in main for the GIL."""
    threads = [[0, 100, 101, "cpu", 0], [1, 100, 102, "feed", 0]]
    messages = [
        Hello(0, 1e9, {"id": "slices", "kind": "command", "name": "app", "params": {}}, {"gil_hz": 1000.0}),
        Process(0, 100, None, ["python3", "app.py"], "3.13.0", False, True, 5000),
        Names(0, threads, [[0, 100, 0]], functions=FUNCTIONS, stacks=STACKS),
    ]
    for at_us in range(0, 1000 * MS, 50 * MS):
        late = at_us >= 500 * MS
        lanes = [[0, [RUNNING, 50 * MS]], [1, [WAITING if late else SLEEP, 50 * MS]]]
        gils = [[0, 0, [0, int(late), 50 * MS]]]
        messages.append(Frame(at_us, at_us + 50 * MS, 50, 0, 0, gils, lanes))
        waiter = [1, 2, 1] if late else [-1, None, 0]
        messages.append(Stacks([[at_us + 20 * MS, 0, 0, 0, *waiter], [at_us + 30 * MS, 0, 0, None, *waiter]]))
    messages.insert(6, Blocked([[52 * MS, 1, SLEEP, 0, 1, "price-feed"]]))
    messages.append(End(1000 * MS, "finished", exit_code=0))
    return "".join(encode(message, seq) + "\n" for seq, message in enumerate(messages)).encode()


@pytest.fixture
def ask(site_with: Callable[..., Site]) -> Callable[..., dict]:
    """What the server says of a slice of the recording."""
    site = site_with("brief")
    assert site.client.post("/api/v1/runs/import", content=recording()).status_code == 201

    def ask(lane: int, from_ms: int, to_ms: int) -> dict:
        query = {"lane": lane, "from_us": from_ms * MS, "to_us": to_ms * MS}
        response = site.client.get("/api/v1/runs/slices/stacks", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    return ask


def test_of_a_blocked_thread_there_is_one_look_with_its_task(ask):
    assert ask(1, 0, 500) == {
        "looks": 1,
        "stacks": [
            {
                "looks": 1,
                "task": "price-feed",
                "frames": [
                    {"function": "fetch", "file": "/srv/app.py", "line": 22},
                    {"function": "main", "file": "/srv/app.py", "line": 6},
                ],
            }
        ],
    }


def test_of_one_that_runs_or_waits_all_looks_count_and_the_stacks_that_were_read_are_shown(ask):
    spins = ask(0, 100, 300)
    assert spins["looks"] == 8
    assert [(stack["looks"], stack["frames"][0]["function"]) for stack in spins["stacks"]] == [(4, "spin")]
    waits = ask(1, 500, 700)
    assert [(stack["looks"], stack["frames"][0]["line"]) for stack in waits["stacks"]] == [(8, 7)]


def test_beside_the_slice_or_of_no_thread_nothing_is_told(ask):
    assert ask(1, 60, 500) == ask(7, 0, 1000) == {"looks": 0, "stacks": []}


def test_what_is_asked_wrongly_is_refused(site, problem):
    query = {"lane": 0, "from_us": 0, "to_us": 1}
    problem(site.client.get("/api/v1/runs/none/stacks", params=query), 404)
    problem(site.client.get("/api/v1/runs/none/stacks", params=query | {"lane": "x"}), 422, "lane")
