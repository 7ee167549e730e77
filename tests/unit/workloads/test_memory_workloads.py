"""What the memory family's workloads say of themselves is what the mechanism predicts; run by hand."""

from __future__ import annotations

from typing import Any

import pytest
from support.by_hand import run, until
from support.interpreters import FOUND, FREE_THREADED, WITH_GIL, name
from support.interpreters import interpreter as interpreter_at

from app.workloads import catalogue
from app.workloads.memory.allocation_ladder import PAYLOADS

MB = 1_000_000

# An old one with a GIL, a new one, and one without, where they are found.
_CHOSEN = {(found.version_info[:2], found.free_threaded): found for found in reversed(FOUND)}
PYTHONS = [
    _CHOSEN[key] for key in (((3, 11), False), ((3, 14), False), ((3, 13), True)) if key in _CHOSEN
] or FOUND[:1]


@pytest.fixture(params=[found.path for found in PYTHONS], ids=[name(found) for found in PYTHONS])
def python(request: pytest.FixtureRequest) -> str:
    """The path of each of them."""
    return str(request.param)


@pytest.fixture
def gil_python() -> str:
    """The newest of them with a GIL."""
    return WITH_GIL.found[0].path


def _run(python: str, workload: str, seconds: float = 0.8, **params: Any) -> dict[str, Any]:
    result = run(workload, "--seconds", str(seconds), python=python, **params)
    assert all(sentence.endswith(".") for sentence in result["showed"])
    return result


def _has_pymalloc(python: str) -> bool:
    return not interpreter_at(python).free_threaded


def test_pymalloc_serves_up_to_512_bytes_and_the_c_library_the_rest(python: str):
    result = until(
        lambda result: len(result["rungs"]) == len(PAYLOADS),
        lambda seconds: _run(python, "allocation-ladder", seconds, megabytes=4),
        0.8,
    )
    rungs = {rung["bytes"]: rung for rung in result["rungs"]}
    below, above = sorted(rungs.values(), key=lambda rung: abs(rung["block"] - 512.5))[:2]
    assert [below["block"], above["block"]] == [512, 513]
    for rung in (below, above):
        assert rung["blocks"] == pytest.approx(rung["objects"], rel=0.01)
    if _has_pymalloc(python):
        assert (below["allocator"], above["allocator"]) == ("pymalloc", "malloc")
        assert below["arenas"] >= below["objects"] * 512 // 2**20 - 1 > 0
        assert above["arenas"] == 0
    else:
        assert {rung["allocator"] for rung in rungs.values()} == {"mimalloc"}
        assert below["arenas"] is None
    assert rungs[2**20]["allocate_ns"] > rungs[8]["allocate_ns"] > 0
    assert len(result["table"]["rows"]) == len(rungs)


def test_types_keep_what_was_let_go_of(python: str):
    result = _run(python, "object-allocators", seconds=0.5, objects=64)
    kinds = {kind["kind"]: kind for kind in result["kinds"]}
    for reused in ("float", "tuple of 3", "list", "dict"):
        assert kinds[reused]["first"] == pytest.approx(64, abs=4), reused
        assert kinds[reused]["again"] == pytest.approx(0, abs=4), reused
    for made_anew in ("str", "bytes"):
        assert kinds[made_anew]["kept"] == pytest.approx(0, abs=4), made_anew
        assert kinds[made_anew]["again"] == pytest.approx(64, abs=4), made_anew
    assert kinds["list of 1"]["again"] == pytest.approx(64, abs=4)  # its items
    for never in ("int below 200", "str of one letter", "empty tuple"):
        assert kinds[never]["first"] <= 4, never
    assert result["small_ints"][0] == -5
    assert result["small_ints"][1] >= 256


def test_one_object_a_pool_keeps_every_arena(python: str):
    result = _run(python, "fragmentation", seconds=1.5, megabytes=30)
    empty, full, left, freed = result["phases"]
    assert [phase["phase"] for phase in result["phases"]] == ["empty", "full", "survivors", "freed"]
    assert left["objects"] < 0.05 * full["objects"]
    assert left["rss"] > 0.8 * full["rss"]
    if _has_pymalloc(python):
        assert left["arenas"] >= full["arenas"]
        assert result["pinned_bytes"] > 25 * MB
        assert result["pinned_arenas"] == left["arenas"] - empty["arenas"]
        assert freed["arenas"] <= empty["arenas"] + 3
        assert freed["rss"] < left["rss"] - 25 * MB
    else:
        assert result["pinned_arenas"] is None
    assert result["ops"] == 2 * full["objects"]


def test_what_the_c_library_kept_goes_back_by_malloc_trim(python: str):
    result = _run(python, "malloc-trim", seconds=0.6, megabytes=16)
    rss, told = result["rss"], result["trimmed"]
    assert result["freed_bytes"] > 13 * MB
    assert rss["full"] - rss["freed"] < 2 * MB, "it keeps nearly all of it"
    assert told["free_before"] > 12 * MB
    assert told["rss_before"] - told["rss_after"] > 12 * MB


def test_survivors_side_by_side_let_the_arenas_go(gil_python: str):
    result = _run(gil_python, "fragmentation", seconds=1.5, megabytes=30, survivors="together")
    empty, full, left, _ = result["phases"]
    assert left["objects"] > 1000
    assert left["arenas"] - empty["arenas"] < (full["arenas"] - empty["arenas"]) / 3
    assert left["rss"] < full["rss"] - 20 * MB


def test_a_leak_grows_and_a_limit_ends_it(python: str):
    leaking = _run(python, "leak", seconds=1.2, mb_per_s=20)
    assert leaking["entries"] == leaking["ops"] > 0
    assert leaking["rss_end"] - leaking["rss_start"] > 0.5 * leaking["ops"] * leaking["answer_bytes"]
    assert leaking["growth_bytes_per_s"] > 0
    assert not leaking["full"]
    bounded = _run(python, "leak", seconds=0.6, mb_per_s=20, limit=200)
    assert bounded["entries"] == 200
    assert bounded["evicted"] == bounded["ops"] - 200


def test_a_leak_has_an_end(gil_python: str):
    result = _run(gil_python, "leak", seconds=1.0, mb_per_s=100, most_mb=10)
    assert result["full"]
    assert result["rss_end"] - result["rss_start"] < 20 * MB


def test_the_collector_finds_cycles_and_everybody_waits(python: str):
    result = _run(python, "reference-cycles", seconds=2.0, live_objects=200_000)
    assert result["collections"] == sum(pauses["count"] for pauses in result["pauses_ms"].values())
    assert result["collected"] == sum(pauses["collected"] for pauses in result["pauses_ms"].values())
    assert result["collected"] > result["ops"] / 2  # two of a cycle, and some not yet collected
    assert result["longest_pause_ms"] == max(pause["length_ns"] for pause in result["longest_pauses"]) / 1e6
    starts = [pause["start_ns"] for pause in result["longest_pauses"]]
    assert starts == sorted(starts)
    if _has_pymalloc(python):  # with a GIL
        assert result["longest_gap_ms"] > result["longest_pause_ms"] / 2


def test_weak_references_leave_the_collector_nothing(gil_python: str):
    result = _run(gil_python, "reference-cycles", live_objects=50_000, back="weak")
    assert result["ops"] > 0
    assert result["collected"] < result["ops"] / 100


def test_frozen_objects_are_counted_and_a_threshold_is_set(gil_python: str):
    result = _run(gil_python, "reference-cycles", live_objects=50_000, collector="frozen", threshold=5_000)
    assert result["frozen"] >= result["long_lived"] == 50_000
    assert result["threshold"][0] == 5_000


def test_a_collector_that_is_off_runs_by_hand_alone(gil_python: str):
    result = _run(gil_python, "reference-cycles", seconds=1.5, live_objects=0, collector="disabled")
    assert set(result["pauses_ms"]) <= {"2"}


@pytest.mark.parametrize(("data", "low", "high"), [("objects", 0.6, 1.2), ("buffer", -0.1, 0.15)])
def test_what_is_read_is_copied_but_for_a_buffer(python: str, data: str, low: float, high: float):
    result = _run(python, "copy-on-write", seconds=1.0, megabytes=10, data=data)
    assert result["touched"] > 0
    assert low < result["copied_share"] < high


@pytest.mark.parametrize(
    ("data", "child", "low", "high"),
    [
        ("objects", "collects", 0.3, 1.2),
        ("frozen", "collects", -0.1, 0.15),
        ("frozen", "reads", 0.6, 1.2),
    ],
)
def test_frozen_objects_are_safe_from_the_collector_alone(
    gil_python: str, data: str, child: str, low: float, high: float
):
    result = _run(gil_python, "copy-on-write", seconds=1.0, megabytes=20, data=data, child=child)
    assert result["touched"] > 0
    assert low < result["copied_share"] < high


def test_shared_memory_sends_eight_bytes(python: str):
    result = _run(python, "shared-memory", megabytes=2)
    pickled, shared = result["pickled"], result["shared"]
    assert pickled["count"] > 0
    assert pickled["bytes_sent"] > pickled["count"] * result["data_bytes"]
    assert shared["count"] > 0
    assert shared["bytes_sent"] == 8 * shared["count"]
    assert result["ops"] == pickled["count"] + shared["count"]


def test_references_are_counted(python: str):
    result = _run(python, "reference-counts")
    assert [step["references"] for step in result["aliasing"]] == [1, 2, 4, 6, 7, 4, 1]
    assert result["references_shared"] >= 1_000
    by_object = {each["object"]: each for each in result["immortal"]}
    assert by_object["Thing()"]["after"] - by_object["Thing()"]["before"] == 1_000
    immortal = interpreter_at(python).version_info >= (3, 12)
    assert [by_object[each]["immortal"] for each in ("None", "True", "()")] == [immortal] * 3


@pytest.mark.serial
@pytest.mark.parametrize("free_threaded", FREE_THREADED.each())
def test_sharing_an_object_costs_where_there_is_no_gil(free_threaded: str):
    result = _run(free_threaded, "reference-counts", seconds=2.0)
    assert result["own_per_s"] > 1.2 * result["shared_per_s"]


@pytest.mark.parametrize("workload", [each for each in catalogue.workloads() if each.family == "memory"])
def test_each_is_explained(workload: catalogue.Workload):
    assert workload.why
    assert workload.helps
    assert workload.subject
    assert all(sentence.endswith(".") for sentence in (*workload.why, *workload.helps))
    assert (workload.mended is not None) or workload.finding is None
