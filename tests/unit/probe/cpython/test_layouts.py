"""The layouts that the observer has are those that the rest of GILScope offers, and bear no nonsense."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from app.model import versions
from app.probe.cpython import layouts
from app.probe.cpython.layouts import Layout, debug_offsets
from app.probe.kernel.machine import BY_UNAME

PUBLISHING = [layout for layout in layouts.known().values() if layout.debug_fields]


def published_by(layout: Layout) -> dict[str, int]:
    """What a process of that layout publishes; a structure ends with its last member."""
    told: dict[str, int] = {}
    for part in (
        "runtime_state",
        "interpreter_state",
        "thread_state",
        "interpreter_frame",
        "code_object",
        "gc",
    ):
        table = getattr(layout, part)
        told |= {f"{part}.{f.name}": at for f in fields(table) if (at := getattr(table, f.name)) is not None}
    told |= {key: getattr(layout.objects, name) for key, name in debug_offsets._OBJECTS.items()}
    for structure in {key.partition(".")[0] for key in told}:
        told[f"{structure}.size"] = 8 + max(at for key, at in told.items() if key.startswith(f"{structure}."))
    lock = told["interpreter_state.ceval_gil"] + 64
    told["interpreter_state.gil_runtime_state"] = lock
    told["interpreter_state.gil_runtime_state_holder"] = lock + layout.gil.last_holder
    return told


def test_every_version_offered_has_a_layout_and_every_layout_is_offered() -> None:
    assert set(layouts.known()) == set(versions.SUPPORTED)
    for machine in BY_UNAME:
        assert set(layouts.known(machine)) == set(versions.supported(machine))


def test_on_aarch64_only_what_was_run_there_is_offered_and_said() -> None:
    said = versions.spoken(versions.supported("aarch64"))
    assert said == "CPython 3.11 and 3.13 to 3.15"
    assert versions.spoken(versions.supported("x86_64")) == (
        "CPython 3.11 to 3.15 and free-threaded 3.13 to 3.15"
    )


def test_the_tables_of_the_machines_differ_by_two_mutexes_in_the_gil_alone() -> None:
    for key, here in layouts.tables("x86_64").items():
        there = layouts.tables("aarch64")[key]
        of = there.interpreter_state
        assert there.gil.end == here.gil.end + 16
        assert [of.obmalloc, of.obmalloc_pointer] == [
            place and place + 16
            for place in (here.interpreter_state.obmalloc, here.interpreter_state.obmalloc_pointer)
        ]
        same = replace(
            there,
            gil=here.gil,
            interpreter_state=replace(
                of,
                obmalloc=here.interpreter_state.obmalloc,
                obmalloc_pointer=here.interpreter_state.obmalloc_pointer,
            ),
        )
        assert same == here


@pytest.mark.parametrize("layout", PUBLISHING, ids=lambda layout: layout.name)
def test_what_a_process_publishes_of_its_structures_is_taken_if_it_can_be_so(layout: Layout) -> None:
    published = published_by(layout)
    assert debug_offsets.overlay(layout, published) == layout
    moved = {
        key: at + 8 if key.startswith("thread_state.") and at >= layout.thread_state.current_frame else at
        for key, at in published.items()
    }
    assert (
        debug_offsets.overlay(layout, moved).thread_state.current_frame
        == layout.thread_state.current_frame + 8
    )


@pytest.mark.parametrize("layout", PUBLISHING, ids=lambda layout: layout.name)
@pytest.mark.parametrize(
    ("member", "lie"),
    [
        ("interpreter_frame.owner", 0),  # as of a member that another build has
        ("interpreter_frame.owner", 2**63),
        ("code_object.qualname", 2**64 - 8),
        ("unicode_object.length", 72),  # behind the state, which follows it
        ("unicode_object.asciiobject_size", 2**32 - 1),
        ("thread_state.size", 8),
        ("interpreter_state.size", 2**47),
    ],
)
def test_what_it_publishes_is_refused_if_it_makes_no_sense(layout: Layout, member: str, lie: int) -> None:
    with pytest.raises(ValueError, match=f"of its {member.partition('.')[0]} make no sense"):
        debug_offsets.overlay(layout, {**published_by(layout), member: lie})
