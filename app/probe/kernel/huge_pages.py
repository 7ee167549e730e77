"""How much of a process's huge pages is wasted: pages of zeros within them, in a sample.

A huge page is what one table of pages covers, which the kernel gives at once: 2 MiB with pages of 4 KiB, 32
MiB with 16, 512 MiB with 64. A part of it that was never written to is all zeros, as the kernel itself takes
it to be when it splits huge pages that are underused. No more than 2 MiB are read in a step.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from .memory import ProcessMemory, Range, Unmapped
from .pagemap import PAGE, pages_present

HUGE = PAGE // 8 * PAGE  # an entry of a table takes 8 bytes
_PIECE = 2 << 20
_SAMPLE = 8
_ZEROS = bytes(PAGE)


def waste(
    memory: ProcessMemory, pagemap: int, parts: Iterable[Range], most: int
) -> Generator[None, None, int]:
    """Bytes of those parts of mappings that are huge and zeros; `most` bytes of them are huge pages."""
    whole: list[int] = []
    for first, beyond in parts:
        start = -(-first // HUGE) * HUGE
        count = (beyond - start) // HUGE
        if count > 0:
            pages = pages_present(pagemap, start, count * HUGE // PAGE)
            a_page = HUGE // PAGE
            whole += [
                start + place * HUGE
                for place in range(count)
                if all(pages[place * a_page : (place + 1) * a_page])
            ]
            yield
    if not whole:
        return 0
    a_huge = HUGE // _PIECE
    step = max(len(whole) * a_huge // _SAMPLE, 1)
    zeros = seen = 0
    for number in range(0, len(whole) * a_huge, step)[:_SAMPLE]:
        try:
            data = memory.read(whole[number // a_huge] + number % a_huge * _PIECE, _PIECE)
        except Unmapped:
            continue
        zeros += sum(data[at : at + PAGE] == _ZEROS for at in range(0, _PIECE, PAGE))
        seen += _PIECE // PAGE
        yield
    return min(len(whole) * HUGE, most) * zeros // seen if seen else 0
