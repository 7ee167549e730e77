"""What a file tells others: no text of a script, nothing that looks secret in what was printed or given."""

from __future__ import annotations

import base64
import gzip
import re
from dataclasses import replace

import pytest

from app.exporters import EXPORTERS
from app.lab.export import export, span_of
from app.model.errors import BadRequest
from app.model.frames import Hello, Report, encode
from app.runs.archive import of_file
from app.runs.archive.stored import StoredRun
from tests.support.made import observation

TEXT = "print('only in the text of the script')"
PRINTED = "begins\nwith password=only-what-was-printed and more\nends"
GIVEN = "connect(token='only-what-was-given')"
SECRETS = (b"only in the text", b"only-what-was-printed", b"only-what-was-given")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    folder = tmp_path_factory.mktemp("recording")
    hello, *told = observation().told
    assert isinstance(hello, Hello)
    asked = {**hello.run, "kind": "script", "script": TEXT, "params": {"lines": GIVEN, "size": 7}}
    told = [replace(hello, run=asked), *told[:-2], Report(1_000_000, {"output": PRINTED}), *told[-2:]]
    path = folder / "run.jsonl"
    path.write_text("".join(encode(message, number) + "\n" for number, message in enumerate(told)))
    return of_file(str(path), folder)


def read(file: bytes) -> bytes:
    """A file with what is packed in it."""
    packed = re.search(rb'id="data">([\w+/=]+)', file)
    return file + (gzip.decompress(base64.b64decode(packed[1])) if packed else b"")


@pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda exporter: exporter.name)
def test_no_format_tells_it(run: StoredRun, exporter) -> None:
    file = read(b"".join(export(run, exporter)))
    assert not [secret for secret in SECRETS if secret in file]


@pytest.mark.parametrize("name", ["html", "json"])
def test_the_rest_of_what_was_printed_and_given_stays(run: StoredRun, name: str) -> None:
    exporter = next(each for each in EXPORTERS if each.name == name)
    file = read(b"".join(export(run, exporter)))
    assert rb"begins\nwith password=*** and more\nends" in file
    assert b'"size": 7' in file or b'"size":7' in file


def test_the_recording_itself_has_all_of_it_to_run_it_again(run: StoredRun) -> None:
    lines = "".join(run.recorded().span()).encode()
    assert all(secret in lines for secret in SECRETS)


def test_nor_does_a_page_of_a_time_and_other_formats_have_none(run: StoredRun) -> None:
    html, csv = (next(each for each in EXPORTERS if each.name == name) for name in ("html", "csv"))
    file = read(b"".join(export(run, html, (100_000, 900_000))))
    assert b'"span":{"from_us":100000,"to_us":900000,"summary":{' in file
    assert not [secret for secret in SECRETS if secret in file]
    for exporter, span, field in ((csv, (1, 2), "from_us"), (html, (2, 2), "to_us")):
        with pytest.raises(BadRequest) as caught:
            export(run, exporter, span)
        assert caught.value.field == field
    with pytest.raises(BadRequest, match="together"):
        span_of(None, 1)
    assert span_of(None, None) is None
