"""A FastAPI hello, as its documentation begins: one endpoint on the event loop, one in the thread pool.

python -m uvicorn hello:app --port 0
"""

from __future__ import annotations

import hashlib

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    """Answers from the event loop."""
    return {"hello": "world"}


@app.get("/work")
def work(rounds: int = 20_000) -> dict[str, str]:
    """Computes in a thread of the pool."""
    digest = b""
    for _ in range(rounds):
        digest = hashlib.md5(digest).digest()
    return {"digest": digest.hex()}
