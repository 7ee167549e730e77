"""Pictures as arrays of bytes: one to begin with, filters, and the PNG that a page can show."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from typing import NamedTuple

_BLOCK = 8  # half the side of the square whose mean the adaptive filter compares with
_RED, _GREEN, _BLUE = 77, 150, 29  # of 256: how bright each appears


class Image(NamedTuple):
    """A square, row by row; one byte a pixel is grey, three are red, green and blue."""

    side: int
    channels: int
    pixels: bytes


def drawn(side: int, number: int) -> Image:
    """A picture with a light and a dark end, and rings around a point that depends on its number."""
    pixels = bytearray()
    centre_x, centre_y = (number * 37 % 100) * side // 100, (number * 61 % 100) * side // 100
    for y in range(side):
        for x in range(side):
            light = 255 * x // side
            ring = ((x - centre_x) ** 2 + (y - centre_y) ** 2) * 40 // (side * side) % 2 * 48
            pixels += bytes((min(light + ring, 255), min(255 * y // side + ring, 255), max(light - ring, 0)))
    return Image(side, 3, bytes(pixels))


def grey(image: Image) -> Image:
    """How bright each pixel is."""
    reds, greens, blues = (image.pixels[at::3] for at in range(3))
    return Image(
        image.side,
        1,
        bytes(
            (_RED * red + _GREEN * green + _BLUE * blue) >> 8 for red, green, blue in zip(reds, greens, blues)
        ),
    )


def threshold(image: Image) -> Image:
    """White where a pixel is brighter than the middle, else black."""
    table = bytes(255 if value > 127 else 0 for value in range(256))
    return Image(image.side, 1, grey(image).pixels.translate(table))


def adaptive(image: Image) -> Image:
    """White where a pixel is brighter than the mean of the square around it: shades do not matter."""
    side, light = image.side, grey(image).pixels
    sums = _sums(side, light)
    out = bytearray()
    for y in range(side):
        top, bottom = max(y - _BLOCK, 0), min(y + _BLOCK, side)
        for x in range(side):
            left, right = max(x - _BLOCK, 0), min(x + _BLOCK, side)
            total = sums[bottom][right] - sums[top][right] - sums[bottom][left] + sums[top][left]
            out.append(255 if light[y * side + x] * (bottom - top) * (right - left) > total else 0)
    return Image(side, 1, bytes(out))


FILTERS = {"grey": grey, "threshold": threshold, "adaptive": adaptive}


def png_base64(image: Image) -> str:
    """The picture as PNG, in letters."""
    width = image.side * image.channels
    rows = b"".join(b"\0" + image.pixels[at : at + width] for at in range(0, len(image.pixels), width))
    kind = 2 if image.channels == 3 else 0
    header = struct.pack(">IIBBBBB", image.side, image.side, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)).decode()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _sums(side: int, light: bytes) -> list[list[int]]:
    """At [y][x] the sum of all pixels above and to the left, so that any rectangle's is four readings."""
    sums = [[0] * (side + 1)]
    for y in range(side):
        line, total = [0], 0
        for x in range(side):
            total += light[y * side + x]
            line.append(sums[y][x + 1] + total)
        sums.append(line)
    return sums
