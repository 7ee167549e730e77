"""`/metrics` of a server: who may read it, and what it tells."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families
from support.plain import NO_TLS

LOOK = "a-token-to-look-with"


def test_it_is_read_with_a_token_the_one_to_look_too(site_with, problem) -> None:
    site = site_with("steady", look_token=LOOK)
    run = site.start()["id"]
    problem(httpx.get(f"{site.url}/metrics", verify=NO_TLS), 401)
    answer = httpx.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {LOOK}"}, verify=NO_TLS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = {s.name: s for family in text_string_to_metric_families(answer.text) for s in family.samples}
    assert found["gilscope_run_up"].labels == {"run": run}
    assert found["gilscope_runs_started_total"].value == 1
    assert found["process_open_fds"].value > 5
    asked = {"Accept": "application/openmetrics-text"}
    assert site.client.get("/metrics", headers=asked).text.endswith("# EOF\n")
