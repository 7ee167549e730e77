"""A task waits for a Future by asking for it each time that the loop comes round."""
# due: threads-poll

import asyncio


async def main() -> None:
    answer = asyncio.get_running_loop().create_future()
    while not answer.done():  # noqa: ASYNC110  what it is about
        await asyncio.sleep(0)


asyncio.run(main())
