"""The packets of a Perfetto trace. What differs between two of one kind is appended to what does not.

Fields of a protobuf message may come in any order, so a packet is its constant part, encoded once by the
`perfetto` package's protos, and its timestamp. The sequence has a clock of its own in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SEQUENCE = 1
_CLOCK = 64  # the first that is a sequence's own
_BOOTTIME = 6
_TIMESTAMP = b"\x40"  # field 8 of TracePacket, a varint
_PACKET = b"\x0a"  # field 1 of Trace, a message
_LOW_BITS = 14
_LOW_MASK = (1 << _LOW_BITS) - 1
_LOW = [bytes((0x80 | n & 0x7F, 0x80 | n >> 7)) for n in range(1 << _LOW_BITS)]
_KEPT_HIGH = 1 << 12

_Prefixes = dict[int, bytes]


class Packets:
    """Packets of one sequence, in memory until they are taken."""

    def __init__(self, protos: Any) -> None:
        self._protos = protos
        self._parts: list[bytes] = []
        self._begins: dict[tuple[int, str], _Prefixes] = {}
        self._ends: dict[int, _Prefixes] = {}
        self._high: dict[int, bytes] = {}
        self._start()

    def take(self) -> bytes:
        """The packets since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken

    def __len__(self) -> int:
        """How many pieces of packets are to be taken, about."""
        return len(self._parts)

    def slice(self, track: int, name: str, start_us: int, end_us: int) -> None:
        """A slice from then to then; the one way here that is made for millions."""
        begin = self._begins.get((track, name)) or self._slice_begins(track, name)
        end = self._ends.get(track) or self._slice_ends(track)
        start_high = self._high.get(start_us >> _LOW_BITS) or self._rest(start_us >> _LOW_BITS)
        end_high = self._high.get(end_us >> _LOW_BITS) or self._rest(end_us >> _LOW_BITS)
        self._parts += (
            begin[len(start_high)],
            _LOW[start_us & _LOW_MASK],
            start_high,
            end[len(end_high)],
            _LOW[end_us & _LOW_MASK],
            end_high,
        )

    def slice_with_flows(
        self, track: int, name: str, start_us: int, end_us: int, given: list[int], taken: list[int]
    ) -> None:
        """A slice that `taken` flows lead to, and from which `given` ones lead."""
        packet = self._event(track, self._protos.TrackEvent.TYPE_SLICE_BEGIN)
        packet.track_event.name = name
        packet.track_event.flow_ids.extend(given)
        packet.track_event.terminating_flow_ids.extend(taken)
        self._add(packet, start_us)
        self._add(self._event(track, self._protos.TrackEvent.TYPE_SLICE_END), end_us)

    def instant(self, track: int, name: str, at_us: int, told: dict[str, str]) -> None:
        """Something happened."""
        packet = self._event(track, self._protos.TrackEvent.TYPE_INSTANT)
        packet.track_event.name = name
        for key, text in told.items():
            if text:
                packet.track_event.debug_annotations.add(name=key, string_value=text)
        self._add(packet, at_us)

    def count(self, track: int, at_us: int, value: float) -> None:
        """A counter's value."""
        packet = self._event(track, self._protos.TrackEvent.TYPE_COUNTER)
        if isinstance(value, int):
            packet.track_event.counter_value = value
        else:
            packet.track_event.double_counter_value = value
        self._add(packet, at_us)

    @contextmanager
    def described(self, track: int) -> Iterator[Any]:
        """A track's TrackDescriptor, to be filled."""
        packet = self._packet()
        packet.track_descriptor.uuid = track
        yield packet.track_descriptor
        self._add(packet, 0)

    def _start(self) -> None:
        packet = self._packet()
        packet.sequence_flags = 1  # SEQ_INCREMENTAL_STATE_CLEARED
        packet.trace_packet_defaults.timestamp_clock_id = _CLOCK
        packet.clock_snapshot.clocks.add(clock_id=_BOOTTIME, timestamp=0)
        packet.clock_snapshot.clocks.add(clock_id=_CLOCK, timestamp=0, unit_multiplier_ns=1000)
        self._parts.append(_framed(packet.SerializeToString()))

    def _packet(self) -> Any:
        packet = self._protos.TracePacket()
        packet.trusted_packet_sequence_id = SEQUENCE
        return packet

    def _event(self, track: int, kind: int) -> Any:
        packet = self._packet()
        packet.sequence_flags = 2  # SEQ_NEEDS_INCREMENTAL_STATE: the clock
        packet.track_event.type = kind
        packet.track_event.track_uuid = track
        return packet

    def _add(self, packet: Any, at_us: int) -> None:
        stamp = _TIMESTAMP + _LOW[at_us & _LOW_MASK] + self._rest(at_us >> _LOW_BITS)
        self._parts.append(_framed(packet.SerializeToString() + stamp))

    def _slice_begins(self, track: int, name: str) -> _Prefixes:
        packet = self._event(track, self._protos.TrackEvent.TYPE_SLICE_BEGIN)
        packet.track_event.name = name
        prefixes = self._begins[track, name] = _prefixes(packet.SerializeToString())
        return prefixes

    def _slice_ends(self, track: int) -> _Prefixes:
        packet = self._event(track, self._protos.TrackEvent.TYPE_SLICE_END)
        prefixes = self._ends[track] = _prefixes(packet.SerializeToString())
        return prefixes

    def _rest(self, high: int) -> bytes:
        """The end of the varint of a timestamp."""
        if len(self._high) > _KEPT_HIGH:
            self._high.clear()
        rest = self._high[high] = varint(high)
        return rest


def _framed(packet: bytes) -> bytes:
    """A packet as a field of Trace."""
    return _PACKET + varint(len(packet)) + packet


def _prefixes(constant: bytes) -> _Prefixes:
    """What comes before the low bytes of a timestamp, by the number of bytes that come after those."""
    return {
        rest: _PACKET + varint(len(constant) + len(_TIMESTAMP) + 2 + rest) + constant + _TIMESTAMP
        for rest in range(1, 9)
    }


def varint(number: int) -> bytes:
    """An unsigned number as protobuf encodes it."""
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(0x80 | number & 0x7F)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
