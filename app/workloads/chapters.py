"""The chapters of the book that the catalogue follows, and the question that a workload puts to a room.

The book is *Mastering Concurrency in Python* (Quan Nguyen, 2018). To which chapters a workload belongs, its
`subject` says: "Deadlocks: the dining philosophers (chapter 12)." or "(chapters 3, 6 and 15)".
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NAMED = re.compile(r"\(chapters? ([0-9]+(?:(?:, | and )[0-9]+)*)\)")


class Chapter(NamedTuple):
    """A chapter of the book."""

    number: int
    title: str


CHAPTERS = tuple(
    Chapter(number, title)
    for number, title in enumerate(
        (
            "Advanced introduction to concurrent and parallel programming",
            "Amdahl's law",
            "Working with threads in Python",
            "Using the with statement in threads",
            "Concurrent web requests",
            "Working with processes in Python",
            "Reduction operators in processes",
            "Concurrent image processing",
            "Introduction to asynchronous programming",
            "Implementing asynchronous programming in Python",
            "Building communication channels with asyncio",
            "Deadlocks",
            "Starvation",
            "Race conditions",
            "The global interpreter lock",
            "Designing lock-based and mutex-free concurrent data structures",
            "Memory models and operations on atomic types",
            "Building a server from scratch",
            "Testing, debugging and scheduling concurrent applications",
        ),
        start=1,
    )
)


def chapters_of(subject: str) -> tuple[int, ...]:
    """The numbers of the chapters that a subject names, in their order; none where it names none."""
    return tuple(sorted({int(number) for names in _NAMED.findall(subject) for number in _numbers(names)}))


def _numbers(names: str) -> list[str]:
    return re.findall("[0-9]+", names)


def asked(workload: str, question: str) -> str:
    """What a room is asked before it sees a workload's run; `question` is what that is looked at for."""
    return _OF_WORKLOAD.get(workload) or _OF_QUESTION[question]


_OF_QUESTION = {
    "gil": "Who holds the GIL, and for how long do the others wait for it?",
    "work": "How much gets done in a second, and how many threads run Python at the same time?",
    "locks": "Does every thread get on with its work, or does one wait for a lock?",
    "loop": "How late is the event loop, and what keeps it?",
    "memory": "Where does the memory go, and how much of it comes back?",
}

_OF_WORKLOAD = {
    "cpu-bound": "Four threads compute. How many of them run Python at the same time?",
    "io-bound": "Four threads wait for I/O nearly all the time. For how much of it is the GIL held?",
    "convoy": "One thread answers requests. How much later do they come once others compute?",
    "native-release": "Two threads compute hashes in C. Do they take turns, as threads of pure Python do?",
    "native-hold": "A call into C does not release the GIL. For how long do all other threads stand still?",
    "stalled-holder": "The thread that holds the GIL goes to sleep. What do the others do meanwhile?",
    "switch-interval": "A shorter switch interval: what is gained, and what is lost?",
    "primes": "Each number can be tested by itself. How much faster are four workers than one?",
    "sequential-chain": "Each step needs the one before it. How much faster are four workers than one?",
    "amdahl": "A part of the work cannot be shared. However many workers there are, how fast can it get?",
    "web-requests": "One answer in ten takes far too long. How many answers come in a second all the same?",
    "image-filter": "Pictures go to other processes. What does it cost to send pixels instead of names?",
    "tree-reduce": "An operator is applied in parts, then to the parts. When does that give the same?",
    "task-queue": "Producers are faster than consumers. How long does an urgent task wait in the queue?",
    "async-yield": "Five tasks take turns in one thread. How late is a timer that is due?",
    "async-blocking": "One task makes a call that blocks. How late do all the others get?",
    "echo-server": "A server serves one client after the other. How long does the next client wait?",
    "lost-update": "Four threads add to one number without a lock. How many updates are lost?",
    "deadlock": "Two threads take two locks, each in its own order. How long does that go well?",
    "philosophers": "Five philosophers each take the left fork first. How many meals are eaten?",
    "livelock": "Two polite people share one spoon. How often does it change hands, and who eats?",
    "starvation": "Readers share a lock that a writer needs alone. How often does the writer come in?",
    "lock-contention": "All workers need the same lock. How much of their time do they wait for it?",
    "lock-leak": "An exception is raised while a lock is held, and there was no with. What happens next?",
    "counters": "A number without a lock, with one, and one in parts: which counts fastest, which is right?",
    "shared-map": "A map is changed while another thread walks over it. What does the walk meet?",
    "queues": "Four queues pass items between threads. Which passes most, and why?",
    "atomic-matrix": "Which operations on a shared object lose something under threads?",
    "ordering": "Data is written, then a flag. Does a reader ever see the flag before the data?",
    "allocation-ladder": "From 8 bytes to a megabyte: at which size does another allocator take over?",
    "object-allocators": "Objects are freed, and made again. How much does the heap lend the second time?",
    "fragmentation": "Nearly every object is freed. How much memory does the operating system get back?",
    "malloc-trim": "Everything is freed, and RSS stays. How much can be given back?",
    "leak": "A cache only grows. How fast does RSS grow with it?",
    "reference-cycles": "Cycles are made all the time. For how long does everything stop to free them?",
    "reference-counts": "Four threads hold references to one object. How high does its count go?",
    "object-graph": "Two names, one object: what changes when it is changed through one of them?",
    "copy-on-write": "Children of a fork only read. How much of the parent's memory do they copy?",
    "shared-memory": "The same data, pickled or shared: how much crosses between the processes?",
    "memory-ladder": "Objects are made and freed. On which rungs of the memory manager does it show?",
    "process-lifecycle": "One pill too few, and one process too many. How do the consumers end?",
    "async-download": "Files are fetched at once and written to a slow disk. How many meet the deadline?",
    "calculator-server": "One server, four schedulers. Which answers most, and is every answer right?",
    "task-switches": "A turn goes round among tasks. What does a switch cost: of generators, of threads?",
    "descriptor-leak": "Some files are never closed. After how long can no file be opened any more?",
    "scheduler": "A job takes longer than its interval. How late do all the others get?",
    "concurrent-tests": "Tests that pass in order run side by side. How much quicker, and how many fail?",
    "allocate": "The same allocations in Python, Java and C++: who is faster, and who gives memory back?",
}
