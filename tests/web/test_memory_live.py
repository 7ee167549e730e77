"""The private heap of a real workload in a viewer's stream, and what a person has it do."""

from __future__ import annotations

import base64
import json


def test_a_viewer_sees_the_map_and_a_late_one_has_it_in_the_header_and_an_action_moves_it(site_with):
    site = site_with()
    run = site.start(workload="memory-ladder", seconds=30)

    def until(viewer, wanted) -> dict:
        while not wanted(message := json.loads(viewer.recv(timeout=20))):
            assert message["type"] != "summary", message["summary"]["run"]
        return message

    with site.stream(run["id"], query="heap=1") as viewer:
        first = until(viewer, lambda message: message["type"] == "heap" and message["mapped"])
        assert len(first["changed"]) == first["arenas"]
        assert all(len(base64.b64decode(pools)) % 2 == 0 for _, pools in first["changed"])

        # WHEN a person asks for memory
        actions = f"/api/v1/runs/{run['id']}/actions"
        assert site.client.post(actions, json={"name": "allocate"}).status_code == 202
        did = until(viewer, lambda message: message["type"] == "report" and "did" in message["data"])
        assert did["data"]["did"]["action"] == "allocate"

        # THEN the heap is larger in the map, in the figures, and for one who comes now
        grown = until(viewer, lambda m: m["type"] == "heap" and m["at_us"] > did["at_us"] and m["mapped"])
        assert grown["arenas"] > first["arenas"]
        figures = until(viewer, lambda message: message["type"] == "figures")
        assert figures["heap"][0]["arenas"] >= grown["arenas"]
        with site.stream(run["id"]) as late:
            header = json.loads(late.recv(timeout=10))
        assert len(header["heaps"][0]["changed"]) == header["heaps"][0]["arenas"] >= grown["arenas"]
        assert {"memory", "heap", "gc"} <= header["figures"].keys()
    site.client.post(f"/api/v1/runs/{run['id']}/stop")
    summary = site.client.get(f"/api/v1/runs/{run['id']}/summary").json()
    assert summary["heap"][0]["peak"]["arenas"] >= grown["arenas"]
    assert summary["memory"][0]["kinds"]["arenas"]
