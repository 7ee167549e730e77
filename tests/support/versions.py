"""Interpreters that say they are of another version than they are."""

from __future__ import annotations

import struct
from pathlib import Path

from app.probe.cpython.layouts import debug_offsets
from app.probe.kernel.elf import read_image


def with_version(image: Path, hexversion: int) -> bytearray:
    """The file with that version in the place of its own."""
    data = bytearray(image.read_bytes())
    cookie = data.find(debug_offsets.COOKIE)
    if cookie >= 0:
        while data[cookie + 8 : cookie + 16][4:] != bytes(4):  # the text of the cookie stands elsewhere too
            cookie = data.find(debug_offsets.COOKIE, cookie + 1)
        struct.pack_into("=Q", data, cookie + len(debug_offsets.COOKIE), hexversion)
        return data
    with image.open("rb") as file:
        found = read_image(file.fileno())
    assert found.version is not None
    struct.pack_into("=I", data, found.version - found.first_load, hexversion)
    return data
