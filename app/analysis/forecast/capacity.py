"""How much of a demand CPUs and a lock can serve: plain queueing theory, numbers in and numbers out."""

from __future__ import annotations

from collections.abc import Sequence


def shared_cpus(needs: Sequence[tuple[float, float]], cpus: float) -> list[float]:
    """The throughput of each thread where no lock is in the way, as (CPU, blocked) seconds a unit of work.

    A thread alone does 1 / (CPU + blocked) units a second. Where all of them together want more than there
    are CPUs, those that want little get it, and the rest share evenly what is left: as the kernel does.
    """
    wanted = [cpu / (cpu + blocked) if cpu + blocked > 0 else 0.0 for cpu, blocked in needs]
    granted = [0.0] * len(wanted)
    left, order = cpus, sorted(range(len(wanted)), key=wanted.__getitem__)
    for place, index in enumerate(order):
        granted[index] = min(wanted[index], left / (len(order) - place))
        left -= granted[index]
    return [share / cpu if cpu > 0 else 0.0 for share, (cpu, _) in zip(granted, needs, strict=True)]


def lock_throughput(threads: int, held: float, outside: float) -> tuple[float, float]:
    """What `threads` alike do together that hold one lock for `held` and are elsewhere for `outside` seconds.

    (with chance, without): with lengths that vary as chance has it, by exact Mean Value Analysis of one
    queueing station and a delay; and with all lengths alike, where nobody waits before the lock is full:
    min(n / (held + outside), 1 / held). What is real lies mostly between the two.
    """
    if threads <= 0 or held + outside <= 0:
        return 0.0, 0.0
    queue = throughput = 0.0
    for count in range(1, threads + 1):
        response = held * (1 + queue)
        throughput = count / (outside + response)
        queue = throughput * response
    bound = threads / (held + outside)
    return throughput, min(bound, 1 / held) if held > 0 else bound
