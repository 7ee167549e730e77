"""Whose the other end of a connection is."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Hashable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Of sock_diag(7): the kernel looks one connection up by its two ends. /proc/net/tcp tells the same, and takes
# milliseconds.
_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST = 1
_ESTABLISHED = 1
_EVERY_STATE = 0xFFFFFFFF
_ANY_COOKIE = (0xFFFFFFFF, 0xFFFFFFFF)
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ASKED = struct.Struct("=BBBBI")  # family, protocol, extensions, nothing, states
_ENDS = struct.Struct("!HH16s16s")  # ports and addresses
_WHICH = struct.Struct("=III")  # interface, cookie
_TOLD = struct.Struct("=BBBB48s5I")  # family, state, timer, repeats, which; expiry, two queues, user, inode


def owner(connection: socket.socket, client: tuple[str, int]) -> Hashable:
    """Whose the other end is: a user's of this machine, else an address's (of IPv6, its network's)."""
    here = connection.getsockname()
    there, mine = _address(client[0]), _address(here[0])
    try:
        return _user(there.packed, client[1], mine.packed, here[1])
    except OSError:  # it is another machine's, or this kernel has no such table
        return ip_network((there, 64), strict=False) if isinstance(there, IPv6Address) else there


def _user(local: bytes, port: int, remote: bytes, remote_port: int) -> Hashable:
    family = socket.AF_INET if len(local) == 4 else socket.AF_INET6
    asked = b"".join(
        (
            _ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, _EVERY_STATE),
            _ENDS.pack(port, remote_port, local, remote),
            _WHICH.pack(0, *_ANY_COOKIE),
        )
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.send(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST, 0, 0) + asked)
        answer = kernel.recv(4096)
    if _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    _, state, _, _, _, _, _, _, user, _ = _TOLD.unpack_from(answer, _HEADER.size)
    # One that its process has closed belongs to root in that table.
    return ("user", user) if state == _ESTABLISHED else "closed"


def _address(host: str) -> IPv4Address | IPv6Address:
    address = ip_address(host)
    return getattr(address, "ipv4_mapped", None) or address
