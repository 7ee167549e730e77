"""The ring: every viewer gets the tail and then everything in order, or is told how much it missed."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from app.runs.hub import Delivery, Hub


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def everything(hub: Hub) -> list[Delivery]:
    return [delivery async for delivery in hub.follow()]


def texts(deliveries: list[Delivery]) -> list[str]:
    return [text for _, text in deliveries]


def test_a_viewer_reads_what_comes_in_order_until_the_hub_closes():
    async def scenario() -> list[Delivery]:
        hub = Hub()
        viewer = asyncio.create_task(everything(hub))
        for number in range(100):
            hub.publish(str(number))
            if number % 7 == 0:
                await asyncio.sleep(0)
        hub.close()
        return await viewer

    assert asyncio.run(scenario()) == [(0, str(number)) for number in range(100)]


def test_a_late_viewer_gets_the_tail_without_what_no_longer_holds():
    async def scenario() -> list[Delivery]:
        hub = Hub()
        hub.publish("frame 1")
        hub.publish("figures 1", lasting=False)
        hub.publish("frame 2")
        viewer = hub.follow()
        hub.publish("figures 2", lasting=False)
        hub.publish("frame 3")
        hub.close()
        return [delivery async for delivery in viewer]

    assert texts(asyncio.run(scenario())) == ["frame 1", "frame 2", "figures 2", "frame 3"]


def test_the_tail_is_bounded_in_time():
    async def scenario() -> list[Delivery]:
        clock = Clock()
        hub = Hub(keep_s=10, clock=clock)
        for second in range(30):
            clock.now_s = second
            hub.publish(str(second))
        hub.close()
        return await everything(hub)

    assert texts(asyncio.run(scenario())) == [str(second) for second in range(19, 30)]


def test_the_tail_is_bounded_in_bytes_but_holds_the_newest_message():
    async def scenario() -> tuple[list[str], list[str]]:
        hub = Hub(keep_bytes=10)
        for letter in "abcdef":
            hub.publish(letter * 4)
        before = hub.follow()
        hub.publish("g" * 40)
        hub.close()
        late = texts(await everything(hub))
        return texts([delivery async for delivery in before]), late

    early, late = asyncio.run(scenario())
    assert early == late == ["g" * 40]


def test_a_viewer_that_fell_behind_is_told_how_many_it_missed():
    async def scenario() -> list[Delivery]:
        hub = Hub(keep_bytes=3)
        viewer = hub.follow()
        hub.publish("a")
        first = await anext(viewer)
        for letter in "bcdefg":
            hub.publish(letter)
        hub.close()
        return [first, *[delivery async for delivery in viewer]]

    assert asyncio.run(scenario()) == [(0, "a"), (3, "e"), (0, "f"), (0, "g")]


def test_a_viewer_that_fell_behind_goes_on_with_room_to_spare():
    async def scenario() -> Delivery:
        hub = Hub(keep_bytes=4)
        viewer = hub.follow()
        for letter in "abcdefgh":
            hub.publish(letter)
        return await anext(viewer)

    assert asyncio.run(scenario()) == (6, "g")


def test_closing_ends_viewers_that_wait():
    async def scenario() -> list[list[Delivery]]:
        hub = Hub()
        viewers = [asyncio.create_task(everything(hub)) for _ in range(3)]
        await asyncio.sleep(0)
        hub.close()
        return await asyncio.wait_for(asyncio.gather(*viewers), 5)

    assert asyncio.run(scenario()) == [[], [], []]


@given(st.lists(st.one_of(st.integers(1, 9), st.none()), max_size=60), st.integers(1, 12))
def test_read_and_missed_add_up_to_what_was_published(steps: list[int | None], keep_bytes: int):
    """A step is a number of messages published, or None: the viewer reads one."""

    async def scenario() -> None:
        hub = Hub(keep_bytes=keep_bytes)
        viewer = hub.follow()
        published = accounted = 0
        for step in steps:
            if step is not None:
                for _ in range(step):
                    hub.publish("x")
                published += step
            elif accounted < published:
                delivery = await anext(viewer)
                accounted += delivery.missed + 1
        hub.close()
        async for missed, _ in viewer:
            accounted += missed + 1
        assert accounted == published

    asyncio.run(scenario())
