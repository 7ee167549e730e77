"""The description of the interface: whole, and without a request to another host."""

from __future__ import annotations

import re


def test_the_page_describes_every_operation_and_field(site):
    page = site.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    document = site.client.get("/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page.text
    for name in document["components"]["schemas"]["RunBody"]["properties"]:
        assert f"<code>{name}</code>" in page.text
    assert "<code>sampling.gil_hz</code>" in page.text
    assert "integer, 1 to 200" in page.text
    assert "/stream" in page.text


def test_the_page_loads_nothing_from_another_host(site):
    page = site.client.get("/docs").text
    assert re.findall(r"(?:src|href)=\"((?:https?:)?//[^\"]*)\"", page) == []


def test_every_error_of_an_operation_is_described_as_a_problem(site):
    paths = site.client.get("/api/v1/openapi.json").json()["paths"]
    assert {"201", "401", "404", "409", "422"} <= paths["/api/v1/runs"]["post"]["responses"].keys()
    for path, methods in paths.items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
