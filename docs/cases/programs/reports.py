"""A FastAPI service that answers with reports of some megabytes of JSON, made in the thread pool.

python -m uvicorn reports:app --port 0
"""

from __future__ import annotations

import json
import random

import account
from fastapi import FastAPI, Response

ROWS = 25_000

account.install()
app = FastAPI()


@app.get("/report")
def report() -> Response:
    """Rows as a database gives them, as one body."""
    dice = random.Random()
    rows = [
        {
            "id": number,
            "customer": f"c{dice.randrange(10**9)}",
            "price": dice.random(),
            "tags": ["new", "paid"],
        }
        for number in range(ROWS)
    ]
    return Response(json.dumps(rows), media_type="application/json")


@app.get("/")
async def hello() -> dict[str, str]:
    """What a load balancer asks for."""
    return {"hello": "world"}
