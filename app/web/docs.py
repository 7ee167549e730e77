"""The interface described for people, from its own OpenAPI document and without another host's scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.web.pages import page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a request may hold: in its path, its query or its body."""

    name: str
    where: str
    type: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """A method of a path."""

    method: str
    path: str
    title: str
    text: str
    fields: tuple[Field, ...]
    answers: tuple[tuple[str, str], ...]  # (status, what it means)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """What the interface offers."""
    document = request.app.openapi()
    context = {
        "operations": list(operations(document)),
        "openapi_url": request.app.openapi_url,
    }
    return page(request, "docs.html", context)


def operations(document: Json) -> Iterator[ApiOperation]:
    """Every operation of an OpenAPI document, in its order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield ApiOperation(
                method=method.upper(),
                path=path,
                title=operation["summary"],
                text=operation.get("description", ""),
                fields=tuple(_fields(operation, document)),
                answers=tuple(
                    (status, answer["description"]) for status, answer in operation["responses"].items()
                ),
            )


def _fields(operation: Json, document: Json) -> Iterator[Field]:
    for parameter in operation.get("parameters", ()):
        yield Field(
            parameter["name"],
            parameter["in"],
            _type(parameter["schema"], document),
            parameter.get("required", False),
            parameter.get("description", ""),
        )
    for media in operation.get("requestBody", {}).get("content", {}).values():
        yield from _properties(_resolved(media["schema"], document), document, "")


def _properties(schema: Json, document: Json, prefix: str) -> Iterator[Field]:
    for name, inner in schema.get("properties", {}).items():
        inner = _resolved(inner, document)
        required = name in schema.get("required", ())
        text = inner.get("description", "")
        yield Field(prefix + name, "body", _type(inner, document), required, text)
        yield from _properties(inner, document, f"{prefix}{name}.")


def _type(schema: Json, document: Json) -> str:
    schema = _resolved(schema, document)
    if "anyOf" in schema:
        return " or ".join(_type(choice, document) for choice in schema["anyOf"])
    name = str(schema.get("type", "anything"))
    if name == "array":
        name += f" of {_type(schema.get('items', {}), document)}"
    bounds = [schema[bound] for bound in ("minimum", "maximum") if bound in schema]
    return f"{name}, {bounds[0]} to {bounds[1]}" if len(bounds) == 2 else name


def _resolved(schema: Json, document: Json) -> Json:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Json = document["components"]["schemas"][reference.rpartition("/")[2]]
    return found
