"""What the file of an extension declares of the GIL, from files made for it and from Python's own."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest
from support import native

from app.probe.cpython.extension_slots import DECLARES, DOES_NOT, UNKNOWN, GilDeclaration, declared
from app.probe.kernel.machine import BY_UNAME

# A PyModuleDef as builds with and without a GIL have it, up to its slots, without Python's headers.
SOURCE = """
struct slot { int id; void *value; };
static int run(void *module) { return 0; }
%(slots)s
static struct {
    void *head[%(head)d]; const char *name; const char *doc; long size; void *methods; struct slot *slots;
} def = {{0}, "%(name)s", 0, 0, 0, %(used)s};
extern void *PyModuleDef_Init(void *);
void *PyInit_made(void) { return PyModuleDef_Init(&def); }
"""
SLOTS = "static struct slot slots[] = {{2, run}, %s{0, 0}};"
WITH_GIL, FREE_THREADED = 5, 7  # words before the name


def says(
    path: str | Path, called: str = "/x/made.so", machine: str = os.uname().machine
) -> GilDeclaration | None:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        return declared(called, data, BY_UNAME[machine])


def made(
    folder: Path,
    slots: str,
    head: int = WITH_GIL,
    name: str = "made",
    machine: str = os.uname().machine,
) -> GilDeclaration | None:
    values = {"slots": SLOTS % slots, "head": head, "name": name, "used": "slots"}
    return says(native.library(folder, SOURCE % values, machine), machine=machine)


@pytest.mark.parametrize("machine", BY_UNAME)
@pytest.mark.parametrize("head", [WITH_GIL, FREE_THREADED])
@pytest.mark.parametrize("name", ["made", "package.inner.made"])
@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        ("{3, (void *)2}, {4, (void *)1}, ", DECLARES),
        ("{4, (void *)0}, ", DOES_NOT),
        ("{3, (void *)2}, ", DOES_NOT),
    ],
)
def test_the_slot_is_read(
    tmp_path: Path, head: int, name: str, slots: str, expected: str, machine: str
) -> None:
    found = made(tmp_path, slots, head, name, machine)
    assert found is not None
    assert found.says == expected


def test_a_definition_that_is_not_found_is_unknown(tmp_path: Path) -> None:
    found = made(tmp_path, "{4, (void *)1}, ", name="another")
    assert found is not None
    assert found.says == UNKNOWN


@pytest.mark.parametrize(
    ("calls", "expected"),
    [("PyModule_Create2", DOES_NOT), ("PyUnstable_Module_SetGIL", DECLARES), ("PyList_New", UNKNOWN)],
)
def test_what_has_one_phase_declares_it_by_a_call(tmp_path: Path, calls: str, expected: str) -> None:
    source = f"extern void *{calls}(void *); void *PyInit_made(void) {{ return {calls}(0); }}"
    found = says(native.library(tmp_path, source))
    assert found is not None
    assert found.says == expected


def test_what_is_no_extension_says_nothing(tmp_path: Path) -> None:
    assert says(native.library(tmp_path, "int answer(void) { return 42; }")) is None
    text = tmp_path / "text.so"
    text.write_text("no program" * 20)
    assert says(text) is None


def test_the_stable_abi_and_pythons_own_are_told_by_their_names(tmp_path: Path) -> None:
    library = native.library(
        tmp_path, SOURCE % {"slots": SLOTS % "", "head": 5, "name": "made", "used": "slots"}
    )
    limited, own = says(library, "/x/made.abi3.so"), says(library, "/lib/python3.12/lib-dynload/made.so")
    assert limited is not None
    assert own is not None
    assert (limited.says, own.says) == (DOES_NOT, DECLARES)


def test_a_file_for_a_gil_says_nothing_of_another_build(tmp_path: Path) -> None:
    library = native.library(
        tmp_path, SOURCE % {"slots": SLOTS % "", "head": 5, "name": "made", "used": "slots"}
    )
    plain, free = says(library, "made.cpython-313-x86_64.so"), says(library, "made.cpython-313t-x86_64.so")
    assert plain is not None
    assert free is not None
    assert "may" in plain.why
    assert "may" not in free.why
