"""An asyncio program hands fifty calls a second, of a fifth of a second each, to a pool of four threads."""
# due: pool-full

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor


def query() -> None:
    time.sleep(0.2)


async def main() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4, "database"))
    asked = set()
    while True:
        asked.add(asyncio.create_task(asyncio.to_thread(query)))
        asked = {each for each in asked if not each.done()}
        await asyncio.sleep(0.02)


asyncio.run(main())
