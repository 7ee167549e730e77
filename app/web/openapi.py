"""The interface's OpenAPI document: what FastAPI makes, with how a client gets in and every error.

What the guard and the server answer on any path is no route's own, and is added here to each operation.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.web.api.bodies import ProblemBody

Json = dict[str, Any]

OPEN = frozenset({"/api/v1/health"})
_SCHEME = "token"
_PROBLEM = "application/problem+json"
_EVERYWHERE = {
    403: "Another page made the request, or this token may only look",
    421: "The server is not known by that name",
    500: "A fault of the server's; its log tells more under the id in `detail`",
}
_EXAMPLES = {
    "run_id": "5f0c2ab9d1",
    "experiment_id": "9b1f44c0de",
    "a": "5f0c2ab9d1",
    "b": "c07d3e11aa",
    "name": "convoy",
    "format": "perfetto",
    "from_us": 1_000_000,
    "to_us": 2_000_000,
}
_EXAMPLE_ANSWERS = Path(__file__).with_name("api") / "examples.json"  # tools/examples.py writes it
_WITH_A_BODY = {400: "The body is no JSON", 413: "The body is too long"}


def operation_id(route: APIRoute) -> str:
    """The name of an operation: of the function that answers."""
    return route.name


def describe(app: FastAPI) -> None:
    """Have `app` give out the document with what this module adds."""
    made: list[Json] = []

    def document() -> Json:
        if not made:
            made.append(_document(app))
        return made[0]

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way of extending it


def _document(app: FastAPI) -> Json:
    document: Json = get_openapi(
        title=app.title, version=app.version, summary=app.summary, routes=app.routes, tags=app.openapi_tags
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(_problem_schemas())
    components["securitySchemes"] = {
        _SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": "GILSCOPE_TOKEN, or GILSCOPE_LOOK_TOKEN for what only shows runs. "
            "Browsers have the cookie of a session instead.",
        }
    }
    document["security"] = [{_SCHEME: []}]
    examples: Json = json.loads(_EXAMPLE_ANSWERS.read_text())
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in _EXAMPLES:
                    parameter["example"] = _EXAMPLES[parameter["name"]]
            answers = operation["responses"]
            further = _EVERYWHERE | (_WITH_A_BODY if "requestBody" in operation else {})
            for status, meaning in further.items():
                answers.setdefault(str(status), {"description": meaning})
            for status, answer in answers.items():
                if int(status) >= 400:
                    answer["content"] = {_PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
                _give_example(int(status), answer, examples)
            operation["responses"] = dict(sorted(answers.items()))
            if path in OPEN:
                operation["security"] = []
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    return document


def _give_example(status: int, answer: Json, examples: Json) -> None:
    """An example of the answer's kind, where it is JSON; of a problem, one with this status."""
    for media in answer.get("content", {}).values():
        name = media["schema"].get("$ref", "").rpartition("/")[2]
        if name == "ProblemBody" and status != examples[name]["status"]:
            of_status = {"type": f"urn:gilscope:problem:{status}", "status": status, "remedy": ""}
            said = {"title": HTTPStatus(status).phrase, "detail": answer["description"]}
            media["example"] = examples[name] | of_status | said
        elif name:
            media["example"] = examples[name]


def _problem_schemas() -> Json:
    schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    inner: Json = schema.pop("$defs")
    return {"ProblemBody": schema, **inner}
