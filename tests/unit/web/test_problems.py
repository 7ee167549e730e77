"""An error shows what was sent, but never grows with it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from app.runs.settings import Settings
from app.web.application import create_app
from app.web.problems import shown


@pytest.mark.parametrize(("sent", "said"), [("abc", "'abc'"), (7, "7"), (True, "True")])
def test_what_was_sent_is_shown(sent: str | int, said: str) -> None:
    assert shown(sent) == said


def test_of_long_text_the_beginning_is_shown_and_how_much_is_not() -> None:
    said = shown("x" * 1_000_100)
    assert said == f"{'x' * 100!r}… and 1,000,000 characters more"


@pytest.mark.parametrize("name", ["host", "origin"])
def test_a_long_header_is_not_echoed(name: str) -> None:
    async def ask() -> httpx.Response:
        app = create_app(Settings(token="a-token-of-the-tests"))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/", headers={name: "x." * 20_000})

    answer = asyncio.run(ask())
    assert answer.status_code in (421, 403)
    assert len(answer.content) < 1000
