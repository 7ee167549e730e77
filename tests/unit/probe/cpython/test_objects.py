"""The reader of objects, on the objects of this very process: what lies at an `id` is known."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from app.probe.cpython.objects import MAX_TEXT, ObjectReader
from app.probe.cpython.runtime import locate
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import Unmapped


@pytest.fixture(scope="module")
def reader() -> Iterator[ObjectReader]:
    runtime = locate(os.getpid())
    yield ObjectReader(runtime.memory, runtime.layout)
    runtime.memory.close()


class Named:
    def __init__(self, name: str) -> None:
        self.other = 1
        self._name = name


@pytest.mark.parametrize("text", ["", "plain", "Größe", "日本語", "a 😀 b", "\x7f\x80", "x" * 33])
def test_a_str_is_read_whatever_its_kind(reader: ObjectReader, text: str) -> None:
    assert reader.text(id(text)) == text


def test_a_long_str_is_cut(reader: ObjectReader) -> None:
    text = "é" * (MAX_TEXT + 5)
    assert reader.text(id(text)) == "é" * MAX_TEXT


def test_what_is_no_str_is_refused(reader: ObjectReader) -> None:
    for other in (1.5, ["x"], b"bytes", object(), Named("x")):
        with pytest.raises((Inconsistent, Unmapped)):
            reader.text(id(other))


def test_bytes_are_read_up_to_a_limit(reader: ObjectReader) -> None:
    data = bytes(range(200))
    assert reader.data(id(data), 200) == data
    assert reader.data(id(b""), 200) == b""
    with pytest.raises(Inconsistent):
        reader.data(id(data), 199)


def test_a_dict_is_searched_for_a_str(reader: ObjectReader) -> None:
    names = {f"key{n}": f"value{n}" for n in range(300)}
    del names["key7"]
    value = reader.item(id(names), b"key299")
    assert value == id(names["key299"])
    assert reader.item(id(names), b"key7") is None
    assert reader.item(id(names), b"other") is None
    assert reader.item(id({}), b"other") is None


def test_a_dict_whose_keys_are_numbers_tells_them_by_their_hashes(reader: ObjectReader) -> None:
    values = [object() for _ in range(20)]
    threads = {140_000_000_000_000 + n: value for n, value in enumerate(values)}
    del threads[140_000_000_000_003]
    assert {key: value for key, _, value in reader.entries(id(threads))} == {
        key: id(value) for key, value in threads.items()
    }


def test_what_is_no_dict_is_refused(reader: ObjectReader) -> None:
    for other in ("text", 1.5, (1, 2, 3)):
        with pytest.raises((Inconsistent, Unmapped)):
            reader.item(id(other), b"name")


def test_an_attribute_is_found_where_the_class_keeps_it(reader: ObjectReader) -> None:
    named = Named("kept")
    assert reader.attribute(id(named), b"_name") == id(named._name)
    assert reader.attribute(id(named), b"missing") is None


def test_an_attribute_is_found_in_a_dict_that_was_asked_for(reader: ObjectReader) -> None:
    named = Named("asked")
    named.__dict__["more"] = 1
    assert reader.attribute(id(named), b"_name") == id(named._name)
    replaced = Named("first")
    replaced.__dict__ = {1: 2, "_name": "second"}
    assert reader.attribute(id(replaced), b"_name") == id(replaced._name)


def test_a_module_has_its_globals(reader: ObjectReader) -> None:
    assert reader.module_attribute(id(os), b"sep") == id(os.sep)


def test_memory_that_is_not_there_is_unmapped(reader: ObjectReader) -> None:
    for read in (reader.text, reader.entries):
        with pytest.raises(Unmapped):
            read(0x10)
