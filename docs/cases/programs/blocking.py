"""A FastAPI service with one call that blocks: a library that was written for threads, used in `async def`.

python -m uvicorn blocking:app --port 0
"""

from __future__ import annotations

import asyncio
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/price")
async def price() -> dict[str, int]:
    """Awaits its answer for 2 ms, as it should."""
    await asyncio.sleep(0.002)
    return {"price": 42}


@app.get("/report")
async def report() -> dict[str, int]:
    """Waits 120 ms for a backend without giving the loop back."""
    time.sleep(0.12)  # noqa: ASYNC251 - what the case is about
    return {"rows": 7}
