"""The stream: header, tail, then everything in order; one viewer never slows another."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import PerMessageDeflate

from app.runs.packet import MANY
from app.web.sockets import SocketProtocol

SERVERS_OWN = {"header", "figures", "missed", "run", "summary"}


def messages(viewer, count: int) -> list[dict]:
    return [json.loads(viewer.recv(timeout=10)) for _ in range(count)]


def until_the_end(viewer) -> list[dict]:
    return [json.loads(text) for text in viewer]


def test_a_stream_begins_with_a_header_and_ends_with_a_summary(site_with):
    site = site_with("brief")
    run = site.start(command=["target"])
    with site.stream(run["id"]) as viewer:
        received = until_the_end(viewer)
        assert viewer.close_code == 1000
    assert received[0]["type"] == "header"
    assert {"run", "hello", "processes", "threads", "gils", "figures", "series"} <= received[0].keys()
    assert received[0]["run"]["id"] == run["id"]
    assert received[-1]["type"] == "summary"
    assert received[-1]["summary"]["run"]["state"] == "finished"
    observed = [message["seq"] for message in received if message["type"] not in SERVERS_OWN]
    assert observed == list(range(len(observed)))
    assert {"hello", "process", "names", "frame", "counters", "end"} <= {m["type"] for m in received}


def test_a_viewer_who_comes_back_gets_a_header_and_the_last_seconds_again(site):
    run = site.start()
    with site.stream(run["id"]) as viewer:
        first = messages(viewer, 12)
    with site.stream(run["id"]) as viewer:
        again = messages(viewer, 12)
    assert first[0]["type"] == again[0]["type"] == "header"
    assert again[0]["hello"]["run"]["id"] == run["id"]
    # What the server has not decoded yet comes after the header.
    named = [message["threads"] for message in again if message["type"] in ("header", "names")]
    assert {lane for threads in named for lane, *_ in threads} == {0}
    seqs = [message["seq"] for message in again if "seq" in message]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_what_is_new_comes_while_the_run_goes_on_and_a_stop_ends_the_stream(site):
    run = site.start()
    with site.stream(run["id"]) as viewer:
        while json.loads(viewer.recv(timeout=10))["type"] != "figures":
            pass
        site.client.post(f"/api/v1/runs/{run['id']}/stop")
        rest = until_the_end(viewer)
    states = [message["run"]["state"] for message in rest if message["type"] == "run"]
    assert states == ["stopped"]
    assert [message["type"] for message in rest][-3:] == ["end", "run", "summary"]


def test_a_run_that_does_not_exist_has_no_stream(site):
    with pytest.raises(InvalidStatus) as caught, site.stream("none"):
        pass
    assert caught.value.response.status_code == 404
    assert json.loads(caught.value.response.body)["title"] == "There is no such thing"


def test_what_a_viewer_sends_is_dropped(site):
    run = site.start()
    with site.stream(run["id"]) as viewer:
        viewer.send("{}")
        viewer.send(b"\0")
        assert messages(viewer, 20)[0]["type"] == "header"


def test_a_viewer_that_goes_is_let_go(site):
    run = site.start()
    for _ in range(3):
        with site.stream(run["id"]) as viewer:
            messages(viewer, 3)
            viewer.socket.shutdown(socket.SHUT_RDWR)
    with site.stream(run["id"]) as viewer:
        assert messages(viewer, 20)[0]["type"] == "header"


def test_the_observer_reads_the_map_while_somebody_looks_at_the_heap(site):
    run = site.start()

    def told(viewer) -> dict:
        while True:
            message = json.loads(viewer.recv(timeout=10))
            if message["type"] == "report":
                return message["data"]["told"]

    with site.stream(run["id"]) as viewer:
        with site.stream(run["id"], query="heap=1") as one, site.stream(run["id"], query="heap=1") as other:
            assert told(viewer) == {"command": "heap", "look": True}
            messages(one, 1), messages(other, 1)
        assert told(viewer) == {"command": "heap", "look": False}
        with site.stream(run["id"], query="heap=true"):
            assert told(viewer) == {"command": "heap", "look": True}
        assert told(viewer) == {"command": "heap", "look": False}


def never_reads(site, run_id: str) -> socket.socket:
    """A viewer that shakes hands, and then takes nothing."""
    viewer = socket.create_connection(("127.0.0.1", site.port))
    request = (
        f"GET /api/v1/runs/{run_id}/stream HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Authorization: {site.client.headers['authorization']}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n\r\n"
    )
    viewer.sendall(request.encode())
    assert viewer.recv(12) == b"HTTP/1.1 101"
    return viewer


def test_a_viewer_that_never_reads_holds_up_nobody_and_is_let_go(site_with, monkeypatch):
    """10 MB a second: what is kept for the stuck viewer beyond ring and socket buffers would show."""
    monkeypatch.setattr("app.web.sockets.SEND_LIMIT_S", 0.5)
    site = site_with("heavy")
    run = site.start()
    with (
        never_reads(site, run["id"]) as stuck,
        site.stream(run["id"]) as one,
        site.stream(run["id"]) as other,
    ):
        reports = 0
        memory = []
        while reports < 200:
            for viewer in (one, other):
                text = viewer.recv(timeout=10)
                assert not text.startswith('{"type":"missed"')
            reports += text.startswith('{"type":"report"')
            if reports in (80, 200):
                memory.append(psutil.Process().memory_info().rss)
        assert max(memory) - min(memory) < 16 << 20
        stuck.settimeout(10)
        left = 0
        while data := stuck.recv(1 << 20):  # a viewer that was not let go would get more for ever
            left += len(data)
            assert left < 32 << 20


def test_two_hundred_viewers_that_come_and_go_leave_nothing(site):
    run = site.start()
    process = psutil.Process()
    live = asyncio.run(site.manager.get(run["id"]))

    def come_and_go(count: int) -> tuple[int, int]:
        for _ in range(count):
            never_reads(site, run["id"]).close()
        until_s = time.monotonic() + 20
        while live.hub.viewers or protocols():
            assert time.monotonic() < until_s, (live.hub.viewers, protocols())
            time.sleep(0.05)
        return process.num_fds(), threading.active_count()

    def protocols() -> int:
        gc.collect()
        return sum(isinstance(each, SocketProtocol) for each in gc.get_objects())

    descriptors, before = come_and_go(20)
    after, threads = come_and_go(200)
    assert after <= descriptors
    assert threads <= before + min(32, (os.cpu_count() or 1) + 4), "the loop's own, for files"


def test_many_who_can_inflate_get_large_messages_deflated_and_others_as_they_are(site_with, monkeypatch):
    deflated: list[str] = []
    decode = PerMessageDeflate.decode

    def noting(self, frame, **options):
        found = decode(self, frame, **options)
        if frame.rsv1:
            deflated.append(bytes(found.data).decode())
        return found

    monkeypatch.setattr(PerMessageDeflate, "decode", noting)
    site = site_with("heavy")
    run = site.start()
    with ExitStack() as stack:
        ways = ["deflate"] * MANY + [None]
        viewers = [stack.enter_context(site.stream(run["id"], compression=way)) for way in ways]
        pool = stack.enter_context(ThreadPoolExecutor(len(viewers)))
        numbers = [*pool.map(until_the_twentieth_report, viewers)]
    assert min(numbers) > 0
    assert [len(viewer.protocol.extensions) for viewer in viewers] == [1] * MANY + [0]
    assert any(text.startswith('{"type":"report"') for text in deflated)
    assert not any(text.startswith('{"type":"frame"') for text in deflated), "small ones are sent as they are"


def until_the_twentieth_report(viewer) -> int:
    """Reads so far: what was before all viewers had come is past. Returns the report's number."""
    found = 0
    while found < 20:
        message = json.loads(viewer.recv(timeout=10))
        found += message["type"] == "report"
    return message["seq"]


def test_a_viewer_that_fell_behind_is_told_how_far_and_begins_again(site_with, monkeypatch):
    monkeypatch.setattr("app.web.sockets.SEND_LIMIT_S", 60)
    site = site_with("heavy")
    run = site.start()
    # What it does not read is in the way of the server's farewell, which it need not wait for.
    slowly = {"max_queue": 1, "close_timeout": 0.1}
    with site.stream(run["id"], **slowly) as slow, site.stream(run["id"]) as quick:
        reports = 0
        while reports < 120:  # 24 MB: more than ring and socket buffers hold
            reports += quick.recv(timeout=10).startswith('{"type":"report"')
        seq = -1
        while (message := json.loads(slow.recv(timeout=10)))["type"] != "missed":
            seq = message.get("seq", seq)
        assert message["count"] > 0
        assert json.loads(slow.recv(timeout=10))["type"] == "header"
        following = json.loads(slow.recv(timeout=10))["seq"]
        assert seq + 1 < following <= seq + 1 + message["count"]
