"""A task of an event loop calls something that does a compute of a quarter of a second."""
# due: event-loop-blocked

import asyncio
import time


def legacy_client() -> None:
    end = time.monotonic() + 0.25
    while time.monotonic() < end:
        sum(range(1000))


async def fetch_prices() -> None:
    while True:
        await asyncio.sleep(0.05)
        legacy_client()


async def heartbeat() -> None:
    while True:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def main() -> None:
    await asyncio.gather(asyncio.create_task(heartbeat()), asyncio.create_task(fetch_prices()))


asyncio.run(main())
