"""The ring: every viewer gets the tail and then everything in order, or is told how much it missed."""

from __future__ import annotations

import asyncio
import zlib

from hypothesis import given
from hypothesis import strategies as st

from app.runs.hub import AT_ONCE, BEHIND_S, Follower, Hub
from app.runs.packet import MANY, WINDOW_BITS, WORTH, Packet, deflated, framed


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def everything(viewer: Follower) -> list[str | int]:
    """The messages that it is sent, and where it missed some, how many."""
    found: list[str | int] = []
    async for missed, packet in viewer:
        found += [missed] if missed else packet.texts
    return found


def test_a_viewer_reads_what_comes_in_order_until_the_hub_closes():
    async def scenario() -> list[str | int]:
        hub = Hub()
        viewer = asyncio.create_task(everything(hub.follow()))
        for number in range(100):
            hub.publish(str(number))
            if number % 7 == 0:
                await asyncio.sleep(0)
        hub.close()
        return await viewer

    assert asyncio.run(scenario()) == [str(number) for number in range(100)]


def test_a_late_viewer_gets_the_tail_without_what_no_longer_holds():
    async def scenario() -> list[str | int]:
        hub = Hub()
        hub.publish("frame 1")
        hub.publish("event 1", lasting=False)
        hub.publish("frame 2")
        viewer = hub.follow()
        hub.publish("event 2", lasting=False)
        hub.publish("frame 3")
        hub.close()
        return await everything(viewer)

    assert asyncio.run(scenario()) == ["frame 1", "frame 2", "event 2", "frame 3"]


def test_a_viewer_whose_header_is_older_is_told_what_came_since():
    async def scenario() -> list[str | int]:
        hub = Hub()
        hub.publish("event 1", lasting=False)
        header_at = hub.next
        hub.publish("event 2", lasting=False)
        viewer = hub.follow(header_at)
        hub.close()
        return await everything(viewer)

    assert asyncio.run(scenario()) == ["event 2"]


def test_what_came_goes_out_in_one_piece_that_viewers_share():
    async def scenario() -> list[Packet]:
        hub = Hub()
        viewers = [hub.follow() for _ in range(3)]
        for number in range(4):
            hub.publish(str(number))
        return [(await anext(viewer)).packet for viewer in viewers]

    first, *others = asyncio.run(scenario())
    assert first.texts == ["0", "1", "2", "3"]
    assert all(packet is first for packet in others)


def test_a_piece_is_bounded_but_holds_a_message_of_any_length():
    async def scenario() -> list[list[str]]:
        hub = Hub()
        viewer = hub.follow()
        for size in (AT_ONCE, 1, AT_ONCE - 100, 1):
            hub.publish("x" * size)
        hub.close()
        return [[len(text) for text in packet.texts] async for _, packet in viewer]

    assert asyncio.run(scenario()) == [[AT_ONCE], [1, AT_ONCE - 100, 1]]


def test_a_viewer_that_is_seconds_behind_skips_to_the_present():
    async def scenario() -> tuple[list[str | int], list[str | int]]:
        clock = Clock()
        hub = Hub(clock=clock)
        slow = hub.follow()
        for number in range(100):
            clock.now_s = number / 10  # up to 9.9 s
            hub.publish(str(number))
        hub.told = hub.next - 5
        found: list[str | int] = []
        for _ in range(2):
            missed, packet = await anext(slow)
            found += [missed] if missed else packet.texts
        late = hub.follow()  # one who comes now is no such viewer
        hub.close()
        return found, await everything(late)

    slow, late = asyncio.run(scenario())
    assert slow == [90, *map(str, range(90, 100))]
    assert late == [str(number) for number in range(100)]
    assert BEHIND_S < 9.9


def test_no_viewer_skips_what_a_header_would_not_tell():
    async def scenario() -> list[str | int]:
        clock = Clock()
        hub = Hub(clock=clock)
        slow = hub.follow()
        for number in range(100):
            clock.now_s = number / 10
            hub.publish(str(number))
        hub.told = 40
        return [(await anext(slow)).missed, *(await anext(slow)).packet.texts]

    missed, *texts = asyncio.run(scenario())
    assert (missed, texts[0], texts[-1]) == (40, "40", "99")


def test_the_tail_is_bounded_in_time():
    async def scenario() -> list[str | int]:
        clock = Clock()
        hub = Hub(keep_s=10, clock=clock)
        for second in range(30):
            clock.now_s = second
            hub.publish(str(second))
        hub.close()
        return await everything(hub.follow())

    assert asyncio.run(scenario()) == [str(second) for second in range(19, 30)]


def test_the_tail_is_bounded_in_bytes_but_holds_the_newest_message():
    async def scenario() -> list[str | int]:
        hub = Hub(keep_bytes=10)
        for letter in "abcdef":
            hub.publish(letter * 4)
        hub.publish("g" * 40)
        hub.close()
        return await everything(hub.follow())

    assert asyncio.run(scenario()) == ["g" * 40]


def test_a_viewer_that_fell_behind_is_told_how_many_it_missed():
    async def scenario() -> list[str | int]:
        hub = Hub(keep_bytes=9)  # three messages
        viewer = hub.follow()
        hub.publish("a")
        first = (await anext(viewer)).packet.texts
        for letter in "bcdefg":
            hub.publish(letter)
        hub.close()
        return [*first, *await everything(viewer)]

    assert asyncio.run(scenario()) == ["a", 3, "e", "f", "g"]


def test_a_viewer_that_fell_behind_goes_on_with_room_to_spare():
    async def scenario() -> list[object]:
        hub = Hub(keep_bytes=12)
        viewer = hub.follow()
        for letter in "abcdefgh":
            hub.publish(letter)
        return [(await anext(viewer)).missed, (await anext(viewer)).packet.texts]

    assert asyncio.run(scenario()) == [6, ["g", "h"]]


class Line:
    """A viewer's connection: what was written to it, by the hub or by the viewer's own task."""

    def __init__(self) -> None:
        self.writable = asyncio.Event()
        self.writable.set()
        self.told: list[str] = []
        self.writes = 0  # by the hub
        self.wrote = asyncio.Event()

    def write(self, packet: Packet) -> bool:
        if self.writable.is_set():
            self.told += packet.texts
            self.writes += 1
            self.wrote.set()
        return self.writable.is_set()

    async def read(self, viewer: Follower) -> None:
        async for missed, packet in viewer:
            assert not missed
            await self.writable.wait()
            self.told += packet.texts


def test_the_hub_itself_writes_to_those_who_have_all_there_is():
    async def scenario() -> tuple[list[Line], list[str]]:
        hub = Hub()
        lines = [Line() for _ in range(3)]
        readers = [asyncio.create_task(line.read(hub.follow(write=line.write))) for line in lines]
        await asyncio.sleep(0)
        for letter in "abc":
            hub.publish(letter)
        before = [*lines[0].told]
        await asyncio.sleep(0)
        hub.close()
        await asyncio.gather(*readers)
        return lines, before

    lines, before = asyncio.run(scenario())
    assert before == []
    assert [(line.told, line.writes) for line in lines] == [(["a", "b", "c"], 1)] * 3


def test_what_is_more_than_a_packet_is_written_by_the_hub_too():
    async def scenario() -> list[Line]:
        hub = Hub()
        lines = [Line() for _ in range(3)]
        readers = [asyncio.create_task(line.read(hub.follow(write=line.write))) for line in lines]
        await asyncio.sleep(0)
        for size in (1, AT_ONCE, 2):
            hub.publish("x" * size)
        await asyncio.sleep(0)
        assert [line.writes for line in lines] == [3, 3, 3], "by no task of a viewer"
        hub.close()
        await asyncio.gather(*readers)
        return lines

    for line in asyncio.run(scenario()):
        assert [len(text) for text in line.told] == [1, AT_ONCE, 2]


@given(st.lists(st.sampled_from(["publish", "busy", "free", "turn"]), max_size=80))
def test_whoever_writes_nothing_is_lost_nor_told_twice(steps: list[str]):
    async def scenario() -> None:
        hub = Hub()
        line = Line()
        reader = asyncio.create_task(line.read(hub.follow(write=line.write)))
        published = []
        for step in steps:
            if step == "publish":
                published.append(str(len(published)))
                hub.publish(published[-1])
            elif step == "turn":
                await asyncio.sleep(0)
            elif step == "busy":
                line.writable.clear()
            else:
                line.writable.set()
        line.writable.set()
        hub.close()
        await asyncio.wait_for(reader, 5)
        assert line.told == published

    asyncio.run(scenario())


def test_what_may_wait_goes_out_with_the_next_or_after_its_time():
    async def scenario() -> tuple[Line, int]:
        hub = Hub()
        line = Line()
        reader = asyncio.create_task(line.read(hub.follow(write=line.write)))
        await asyncio.sleep(0)
        hub.publish("counters", within_s=60.0)
        await asyncio.sleep(0)
        hub.publish("slice")
        await asyncio.sleep(0)
        together = line.writes
        line.wrote.clear()
        hub.publish("figures", within_s=0.01)
        await asyncio.wait_for(line.wrote.wait(), 5)
        hub.close()
        await reader
        return line, together

    line, together = asyncio.run(scenario())
    assert together == 1
    assert (line.told, line.writes) == (["counters", "slice", "figures"], 2)


def test_large_messages_are_deflated_once_where_many_look():
    async def scenario() -> list[Packet]:
        hub = Hub()
        viewers = [hub.follow() for _ in range(MANY - 1)]
        hub.publish("few" * (WORTH // 8))
        few = [(await anext(viewer)).packet for viewer in viewers]
        viewers.append(hub.follow())
        hub.publish("many" * (WORTH // 8))
        hub.publish("small")
        return [few[0], (await anext(viewers[0])).packet, (await anext(viewers[1])).packet]

    few, many, other = asyncio.run(scenario())
    assert few.deflated == few.framed
    assert many is other
    assert many.texts == ["many" * (WORTH // 8), "small"]
    assert many.deflated[0] == 0xC1
    assert len(many.deflated) < WORTH / 10
    inflate = zlib.decompressobj(wbits=-WINDOW_BITS)
    end = len(many.deflated) - len(framed("small"))
    assert many.deflated[end:] == framed("small")
    assert inflate.decompress(many.deflated[4:end]).decode() == "many" * (WORTH // 8)


def test_the_more_look_the_smaller_a_message_is_deflated():
    slice_, noise = framed("[1,0,0,1]," * 150), framed(bytes(range(32, 127)).decode() * 3)
    for_few, for_many = deflated(slice_, MANY), deflated(slice_, 500)
    assert for_few is slice_
    assert inflated(for_many) == "[1,0,0,1]," * 150
    assert deflated(framed("x" * 200), 10_000) == framed("x" * 200)
    figures = framed(",".join(str(number * 7919 % 65_537) for number in range(20_000)))
    quickly, well = deflated(figures, MANY), deflated(figures, 500)
    assert len(well) < len(quickly) < len(figures)
    assert inflated(quickly) == inflated(well) == Packet(figures).texts[0]
    assert all(len(deflated(noise, viewers)) <= len(noise) for viewers in (1, MANY, 500))


def inflated(frame: bytes) -> str:
    head = {126: 4, 127: 10}.get(frame[1], 2)
    assert frame[0] == 0xC1
    return zlib.decompressobj(wbits=-WINDOW_BITS).decompress(frame[head:]).decode()


def test_what_nobody_waits_for_is_let_go_and_nothing_else_is_lost():
    async def scenario() -> tuple[list[str], list[str | int], list[str | int]]:
        hub = Hub(keep_bytes=1000)
        quick, slow = hub.follow(), hub.follow()
        hub.publish("slice 1")
        old = hub.next
        hub.publish("figures" * 100, lasting=False)
        hub.publish("slice 2")
        had = (await anext(quick)).packet.texts
        assert hub.had_by_all == 0
        slow_had = (await anext(slow)).packet.texts
        assert hub.had_by_all == hub.next
        hub.let_go(old)
        hub.publish("figures" * 100, lasting=False)  # there is room again: no slice had to go
        late = hub.follow()
        hub.close()
        assert had == slow_had
        return had, await everything(quick), await everything(late)

    had, rest, late = asyncio.run(scenario())
    assert had == ["slice 1", "figures" * 100, "slice 2"]
    assert rest == ["figures" * 100]
    assert late == ["slice 1", "slice 2"]


def test_closing_ends_viewers_that_wait():
    async def scenario() -> list[list[str | int]]:
        hub = Hub()
        viewers = [asyncio.create_task(everything(hub.follow())) for _ in range(3)]
        await asyncio.sleep(0)
        hub.close()
        return await asyncio.wait_for(asyncio.gather(*viewers), 5)

    assert asyncio.run(scenario()) == [[], [], []]


@given(st.lists(st.one_of(st.integers(1, 9), st.none()), max_size=60), st.integers(1, 36))
def test_read_and_missed_add_up_to_what_was_published(steps: list[int | None], keep_bytes: int):
    """A step is a number of messages published, or None: the viewer reads what there is."""

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
                missed, packet = await anext(viewer)
                accounted += missed + len(packet.texts)
        hub.close()
        async for missed, packet in viewer:
            accounted += missed + len(packet.texts)
        assert accounted == published

    asyncio.run(scenario())


@given(st.lists(st.text(max_size=70_000), max_size=3))
def test_a_piece_is_read_back(texts: list[str]):
    assert Packet.of(*texts).texts == texts
