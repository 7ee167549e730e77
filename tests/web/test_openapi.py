"""The OpenAPI document says what the server answers: hundreds of requests made of it get no other answer."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import TOKEN

CASES = int(os.environ.get("OPENAPI_CASES", "500"))  # at least so many in all: .ci/run asks for more
EACH = CASES * 32 // 1000  # of an operation; of some there are no more to make
SLOW = {"list_processes": 2, "examine": 4, "list_interpreters": 2}  # they ask other programs
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def documented(site) -> dict:
    return site.client.get("/api/v1/openapi.json").json()


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def operations(document: dict) -> Iterator[tuple[str, dict]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def test_every_reference_leads_somewhere_and_every_operation_has_a_name(site):
    document = documented(site)
    for reference in set(references(document)):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_how_to_get_in_is_said_of_every_operation_but_the_one_that_is_open(site):
    document = documented(site)
    [scheme] = document["security"][0]
    assert document["components"]["securitySchemes"][scheme]["scheme"] == "bearer"
    opened = [path for path, operation in operations(document) if operation.get("security") == []]
    assert opened == ["/api/v1/health"]


def test_every_answer_has_a_schema_and_every_error_is_a_problem(site):
    for path, operation in operations(documented(site)):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (path, status)
            elif status != "204":
                for media in answer["content"].values():
                    assert media["schema"].keys() & {"$ref", "type", "format"}, path


def test_every_answer_has_an_example_which_its_schema_allows(site):
    document = documented(site)
    examples = 0
    for path, operation in operations(document):
        for status, answer in operation["responses"].items():
            for kind, media in answer.get("content", {}).items():
                if "$ref" not in media["schema"]:
                    continue  # a file
                schema = {**media["schema"], "components": document["components"]}
                jsonschema_rs.Draft202012Validator(schema).validate(media["example"])
                examples += 1
                assert kind.endswith("json"), (path, status)
    assert examples > 100


@pytest.fixture
def runs(site_with):
    """A server with a run that has ended and one that goes on; it starts no third."""
    site = site_with("steady", max_runs=1)
    ended = site.start()["id"]
    assert site.client.post(f"/api/v1/runs/{ended}/stop").json()["state"] == "stopped"
    return site, [ended, site.start()["id"]]


def made_of(operation: schemathesis.APIOperation, ids: list[str]) -> st.SearchStrategy[schemathesis.Case]:
    """Requests for an operation: as it is described, and otherwise; of a run that is there, and of none."""
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    made = [operation.as_strategy(mode) for mode in modes]
    if "{run_id}" in operation.path and operation.method in ("get", "patch"):
        made += [operation.as_strategy(path_parameters={"run_id": run}) for run in ids]
    return st.one_of(made)


def put_to_test(
    operation: schemathesis.APIOperation, ids: list[str], session: requests.Session
) -> list[tuple[str, int]]:
    """Ask what can be asked of an operation; its name and the status of each answer."""
    name = operation.definition.raw["operationId"]
    answered = []

    @settings(
        max_examples=SLOW.get(name, EACH),
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=made_of(operation, ids))
    def ask(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(headers=HEADERS, session=session, checks=PROMISES, timeout=120)
        answered.append((name, answer.status_code))

    ask()
    return answered


def test_no_answer_to_any_request_is_undocumented(runs):
    site, ids = runs
    schema = schemathesis.openapi.from_url(f"{site.url}/api/v1/openapi.json", headers=HEADERS)
    with requests.Session() as session:
        answered = [
            answer
            for operation in schema.get_all_operations()
            for answer in put_to_test(operation.ok(), ids, session)
        ]
    assert len(answered) >= CASES, Counter(name for name, _ in answered)
    assert {status for _, status in answered} >= {200, 201, 204, 400, 404, 409, 422}
