"""`_Py_DebugOffsets`: the offsets that a CPython from 3.13 on publishes, at the start of its _PyRuntime.

The structure is 64-bit words behind an eight-byte cookie. Which words, differs by minor version and not by
patch; each FIELDS lists them in order, structure by structure.
"""

from __future__ import annotations

import struct
from dataclasses import fields, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.probe.kernel.memory import ProcessMemory

    from . import Layout

COOKIE = b"xdebugpy"
HEAD = struct.Struct("=8sQQ")  # cookie, PY_VERSION_HEX, free-threaded

FIELDS_3_13 = """
runtime_state: size finalizing interpreters_head
interpreter_state: size id next threads_head gc imports_modules sysdict builtins ceval_gil gil_runtime_state \
gil_runtime_state_enabled gil_runtime_state_locked gil_runtime_state_holder
thread_state: size prev next interp current_frame thread_id native_thread_id datastack_chunk status
interpreter_frame: size previous executable instr_ptr localsplus owner
code_object: size filename name qualname linetable firstlineno argcount localsplusnames localspluskinds \
co_code_adaptive
pyobject: size ob_type
type_object: size tp_name tp_repr tp_flags
tuple_object: size ob_item ob_size
list_object: size ob_item ob_size
dict_object: size ma_keys ma_values
float_object: size ob_fval
long_object: size lv_tag ob_digit
bytes_object: size ob_size ob_sval
unicode_object: size state length asciiobject_size
gc: size collecting
"""

FIELDS_3_14 = """
runtime_state: size finalizing interpreters_head
interpreter_state: size id next threads_head threads_main gc imports_modules sysdict builtins ceval_gil \
gil_runtime_state gil_runtime_state_enabled gil_runtime_state_locked gil_runtime_state_holder \
code_object_generation tlbc_generation
thread_state: size prev next interp current_frame thread_id native_thread_id datastack_chunk status
interpreter_frame: size previous executable instr_ptr localsplus owner stackpointer tlbc_index
code_object: size filename name qualname linetable firstlineno argcount localsplusnames localspluskinds \
co_code_adaptive co_tlbc
pyobject: size ob_type
type_object: size tp_name tp_repr tp_flags
tuple_object: size ob_item ob_size
list_object: size ob_item ob_size
set_object: size used table mask
dict_object: size ma_keys ma_values
float_object: size ob_fval
long_object: size lv_tag ob_digit
bytes_object: size ob_size ob_sval
unicode_object: size state length asciiobject_size
gc: size collecting
"""

FIELDS_3_15 = """
runtime_state: size finalizing interpreters_head
interpreter_state: size id next threads_head threads_main gc imports_modules sysdict builtins ceval_gil \
gil_runtime_state gil_runtime_state_enabled gil_runtime_state_locked gil_runtime_state_holder \
code_object_generation tlbc_generation
thread_state: size prev next interp current_frame base_frame last_profiled_frame last_profiled_frame_seq \
thread_id native_thread_id datastack_chunk status holds_gil gil_requested current_exception exc_state
err_stackitem: exc_value
interpreter_frame: size previous executable instr_ptr localsplus owner stackpointer tlbc_index
code_object: size filename name qualname linetable firstlineno argcount localsplusnames localspluskinds \
co_code_adaptive co_tlbc
pyobject: size ob_type
type_object: size tp_name tp_repr tp_flags tp_basicsize tp_dictoffset
heap_type_object: size ht_cached_keys
tuple_object: size ob_item ob_size
list_object: size ob_item ob_size
set_object: size used table mask
dict_object: size ma_keys ma_values
float_object: size ob_fval
long_object: size lv_tag ob_digit
bytes_object: size ob_size ob_sval
unicode_object: size state length asciiobject_size compactunicodeobject_size
gc: size collecting frame generation_stats_size generation_stats
"""

_PARTS = ("runtime_state", "interpreter_state", "thread_state", "interpreter_frame", "code_object", "gc")

_LARGEST = 1 << 24  # bytes of a structure; an interpreter's takes a few hundred kB

# Where Layout gathers or names things otherwise than the debug offsets do.
_OBJECTS = {
    "pyobject.ob_type": "ob_type",
    "dict_object.ma_keys": "ma_keys",
    "dict_object.ma_values": "ma_values",
    "unicode_object.length": "length",
    "unicode_object.state": "state",
    "unicode_object.asciiobject_size": "ascii_size",
    "unicode_object.compactunicodeobject_size": "compact_size",
    "type_object.tp_basicsize": "tp_basicsize",
    "heap_type_object.ht_cached_keys": "ht_cached_keys",
    "bytes_object.ob_sval": "ob_sval",
    "bytes_object.ob_size": "ob_size",
    "tuple_object.ob_item": "ob_item",
}


def read(memory: ProcessMemory, runtime: int, listed: str) -> dict[str, int]:
    """{structure.field: offset} as the target at `runtime` publishes them."""
    names = [
        f"{structure}.{name}"
        for structure, _, members in (line.partition(": ") for line in listed.strip().splitlines())
        for name in members.split()
    ]
    words = struct.unpack(f"={len(names)}Q", memory.read(runtime + HEAD.size, 8 * len(names)))
    return dict(zip(names, words))


def overlay(layout: Layout, published: dict[str, int]) -> Layout:
    """The layout with every number that the target publishes in the place of the table's.

    Raises ValueError where they cannot be those of that version and build.
    """
    parts: dict[str, Any] = {}
    for part in _PARTS:
        table = getattr(layout, part)
        wanted = {f.name for f in fields(table) if getattr(table, f.name) is not None}
        told = {name: published[f"{part}.{name}"] for name in wanted if f"{part}.{name}" in published}
        _check(part, table, told, published[f"{part}.size"])
        parts[part] = replace(table, **told)
    objects: dict[str, int] = {}
    for structure, listed in groupby(_OBJECTS.items(), lambda item: item[0].partition(".")[0]):
        told = {name: published[key] for key, name in listed if key in published}
        _check(structure, layout.objects, told, published.get(f"{structure}.size", 0))
        objects |= told
    return replace(layout, objects=replace(layout.objects, **objects), gil=_gil(layout, published), **parts)


def _check(structure: str, table: Any, told: dict[str, int], size: int) -> None:
    """Members move from build to build, but not past each other, and none lies outside of its structure."""
    in_order = sorted(told, key=lambda name: getattr(table, name))
    places = [told[name] for name in in_order if not name.endswith("_size")]
    if places != sorted(set(places)) or not all(at <= size <= _LARGEST for at in told.values()):
        raise ValueError(f"the offsets that it publishes of its {structure} make no sense")


def _gil(layout: Layout, published: dict[str, int]) -> Any:
    """The GIL's fields, shifted by where the target says that its holder lies.

    The target publishes the structure, its holder and its lock, counted from the interpreter's own copy; what
    lies between and behind them has kept its distance from the holder since 3.11.
    """
    holder = (
        published["interpreter_state.gil_runtime_state_holder"]
        - published["interpreter_state.gil_runtime_state"]
    )
    shift = holder - layout.gil.last_holder
    gil = layout.gil
    return replace(
        gil,
        interval=gil.interval + shift,
        last_holder=gil.last_holder + shift,
        locked=gil.locked + shift,
        switch_number=gil.switch_number + shift,
        cond=gil.cond + shift,
        end=gil.end + shift,
    )
