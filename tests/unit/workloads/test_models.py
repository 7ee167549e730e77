"""What the models of concurrency come to: each mechanism in the result of a short run."""

from __future__ import annotations

import base64
import os
import struct
import subprocess
import sys
import zlib
from typing import Any

import pytest
from support.by_hand import run
from support.interpreters import PROMISED, name

from app.workloads.models import images
from app.workloads.models.amdahl import Part, Round, fitted_serial_share
from app.workloads.models.primes import is_prime
from app.workloads.models.tree_reduce import ASSOCIATIVE, OPERATORS, parts, tree

BRIEF = ("--seconds", "0.5")
on_each = pytest.mark.parametrize("python", [found.path for found in PROMISED], ids=[*map(name, PROMISED)])
ATTEMPTS = 5  # what else runs on the machine may take a core away


def test_primes_are_found_and_none_is_tried_twice() -> None:
    assert [number for number in range(30) if is_prime(number)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
    result = run("primes", "--executor", "processes", "--workers", "2", *BRIEF, numbers_from=1_000)
    tried = range(1_000, 1_000 + result["numbers_tried"])
    assert result["ops"] == result["numbers_tried"] / 100
    # Each worker stops where it is, so the last numbers may have gaps: as many primes there, at most.
    assert result["primes_found"] == pytest.approx(sum(map(is_prime, tried)), rel=0.2)


@pytest.mark.serial
@on_each
def test_the_speed_up_of_primes_is_none_on_threads(python: str) -> None:
    result = run("primes", "--workers", "4", "--seconds", "1", python=python)
    assert result["speed_up"] == pytest.approx(1.0, abs=0.5)
    assert f"{result['speed_up']:.2f} times" in result["showed"][0]


@pytest.mark.parametrize("executor", ["threads", "processes", "sequential"])
def test_a_chain_is_handed_on_by_every_worker(executor: str) -> None:
    result = run("sequential-chain", "--workers", "2", "--executor", executor, *BRIEF)
    assert min(result["ops_by_worker"]) > 0


def test_a_chain_is_not_faster_with_more_workers() -> None:
    speed_ups = [run("sequential-chain", "--seconds", "1")["speed_up"] for _ in range(ATTEMPTS - 2)]
    assert min(speed_ups) < 1.2


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_serial_share_that_was_put_in_is_fitted(share: float) -> None:
    times = {workers: 40 * (share + (1 - share) / workers) for workers in (1, 2, 4, 8)}
    assert fitted_serial_share(times) == pytest.approx(share)
    assert fitted_serial_share({1: 40.0}) is None
    assert fitted_serial_share({2: 40.0}) is None


def test_a_slower_core_makes_no_part_longer_and_a_wait_does() -> None:
    serial, half, slow_half = Part(60, 6_000, 6_000), Part(70, 7_000, 7_000), Part(70, 12_000, 12_000)
    assert Round(serial, [half, slow_half]).length_units == pytest.approx(130)
    assert Round(serial, [half, half._replace(length_ns=14_000)]).length_units == pytest.approx(200)
    assert Round(Part(0, 100, 100), [half]).length_units == pytest.approx(70)


@on_each
@pytest.mark.parametrize("share", [0.05, 0.2, 0.3, 0.5])
def test_amdahls_law_holds_on_processes(python: str, share: float) -> None:
    result = run("amdahl", "--seconds", "1", python=python, serial_share=share)
    assert result["fitted_serial_share"] == pytest.approx(share, abs=0.05)


@on_each
def test_amdahls_law_holds_on_a_busy_machine(python: str) -> None:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        result = run("amdahl", "--seconds", "2", python=python, serial_share=0.3)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert result["fitted_serial_share"] == pytest.approx(0.3, abs=0.05)


@on_each
def test_the_gil_makes_all_of_a_job_serial(python: str) -> None:
    result = run("amdahl", "--seconds", "2", "--executor", "threads", python=python, serial_share=0.3)
    assert result["fitted_serial_share"] > 2 * 0.3


@pytest.mark.parametrize("executor", ["threads", "processes", "asyncio"])
def test_slow_answers_are_given_up_and_all_others_come(executor: str) -> None:
    params = {"delay_ms": 5.0, "slow_ms": 2000.0, "slow_every": 3, "timeout_ms": 150.0}
    result = run("web-requests", "--executor", executor, "--seconds", "1", **params)
    assert result["timed_out"] > 0
    assert result["ops"] == result["latency_ms"]["count"] > result["timed_out"]
    assert result["latency_ms"]["p50"] >= 5.0
    assert result["latency_ms"]["max"] < 2000


def test_names_are_fewer_bytes_than_pixels() -> None:
    pixels, names = (run("image-filter", *BRIEF, send=sent, side=64) for sent in ("pixels", "names"))
    assert pixels["bytes_pickled"] / pixels["ops"] > 3 * 64 * 64
    assert names["bytes_pickled"] / names["ops"] < 200
    for result in (pixels, names):
        assert 0 < result["pickling_ms"] < 1000 * result["seconds"] * (result["workers"] + 1)
        before, after = (base64.b64decode(each["png_base64"]) for each in result["pictures"])
        assert before[:8] == after[:8] == b"\x89PNG\r\n\x1a\n"
        assert decoded(after) == images.adaptive(images.drawn(64, 0)).pixels
        assert decoded(before) == images.drawn(64, 0).pixels


def decoded(png: bytes) -> bytes:
    """The pixels of a PNG whose rows have no filter; every chunk's check sum is held to."""
    at, header, data = 8, b"", b""
    while at < len(png):
        [length] = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + body),)
        header, data = (body, data) if kind == b"IHDR" else (header, data + body)
        at += 12 + length
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    assert (depth, colour) in ((8, 0), (8, 2))
    rows, stride = zlib.decompress(data), width * (3 if colour == 2 else 1) + 1
    assert len(rows) == stride * height
    return b"".join(rows[at + 1 : at + stride] for at in range(0, len(rows), stride))


def test_filters_do_what_they_say() -> None:
    image = images.Image(2, 3, bytes((255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0)))
    assert images.grey(image).pixels == bytes((255, 0, 76, 149))
    assert images.threshold(image).pixels == bytes((255, 0, 0, 255))
    assert images.adaptive(image).pixels == bytes((255, 0, 0, 255))  # the mean is 120


@pytest.mark.parametrize("executor", ["threads", "processes", "sequential"])
def test_only_associative_operators_may_be_cut_into_parts(executor: str) -> None:
    result = run("tree-reduce", "--executor", executor, *BRIEF, items=1000)
    equal = {row[0]: row[3] for row in result["table"]["rows"]}
    assert equal == {operator: operator in ASSOCIATIVE for operator in OPERATORS}


def test_parts_are_the_whole_and_a_tree_takes_any_number() -> None:
    assert [number for part in parts(10, 3) for number in part] == list(range(1, 11))
    assert [tree(OPERATORS["add"], range(1, n + 1)) for n in (1, 2, 3, 7)] == [1, 3, 6, 28]
    assert tree(OPERATORS["subtract"], [1, 2, 3, 4]) == (1 - 2) - (3 - 4)


def waits(result: dict[str, Any]) -> tuple[float, float]:
    """Of urgent and of ordinary tasks, in the middle."""
    return result["urgent_wait_ms"]["p50"], result["ordinary_wait_ms"]["p50"]


def test_urgent_tasks_overtake_and_every_consumer_takes_a_pill() -> None:
    first = run("task-queue", "--seconds", "1")
    urgent, ordinary = waits(first)
    assert urgent < ordinary / 2
    assert first["pills_taken"] == first["workers"] - 1
    urgent, ordinary = waits(run("task-queue", "--seconds", "1", priorities=False))
    assert urgent > ordinary / 2
