"""Notes: in order of time, within their bounds, with the run whatever becomes of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from support import recorded

from app.model.errors import BadRequest, Conflict, NotFound, NotReadable
from app.runs import notes
from app.runs.archive import Archive, Query, of_file

HOSTILE = '<img src=x onerror="alert(1)"> 100 % "quoted" \\ @'


def one(name: str, at_us: int, text: str = "here") -> notes.Note:
    return {"id": name, "at_us": at_us, "text": text}


def test_they_stand_in_order_of_time_and_are_changed_and_removed_by_their_id() -> None:
    late, early = notes.note(2_000_000, "late"), notes.note(1_000_000, "  two\n words ")
    both = notes.added(early)(notes.added(late)([]))
    assert [each["text"] for each in both] == ["two words", "late"]
    moved = notes.changed(early["id"], at_us=3_000_000)(both)
    assert [(each["at_us"], each["text"]) for each in moved] == [
        (2_000_000, "late"),
        (3_000_000, "two words"),
    ]
    assert notes.changed(late["id"], text="later")(both)[1] == {**late, "text": "later"}
    assert notes.removed(early["id"])(both) == [late]
    with pytest.raises(NotFound):
        notes.removed("none")(both)


def test_there_are_at_most_fifty_of_at_most_two_hundred_characters() -> None:
    full = [one(str(number), number) for number in range(notes.MOST_NOTES)]
    assert len(notes.added(one("a", 1))(full[1:])) == 50
    with pytest.raises(Conflict):
        notes.added(one("a", 1))(full)
    assert len(notes.note(0, "x" * 200)["text"]) == 200
    for text in ("", " \n", "x" * 201):
        with pytest.raises(BadRequest):
            notes.note(0, text)


def test_a_line_of_them_is_read_back_and_one_that_is_none_is_refused() -> None:
    written = [one("a1", 5, HOSTILE), one("b2", 7, "ü")]
    assert notes.of_line(notes.line_of(written)) == written
    assert notes.of_line('{"type":"frame","seq":1}') is None
    for wrong in (
        "x",
        [1],
        [one("a", -1)],
        [one("a", True)],
        [one("../a", 1)],
        [one("a", 1, " ")],
        [one("a", 1, "x" * 201)],
        [one("a", 1), one("a", 2)],
        [one(str(number), 1) for number in range(51)],
    ):
        line = json.dumps({"type": "notes", "notes": wrong}, separators=(",", ":"))
        with pytest.raises(ValueError, match="note"):
            notes.of_line(line)


def test_a_recording_with_notes_is_imported_with_them_and_its_own_file_holds_messages_alone(
    tmp_path: Path,
) -> None:
    source = recorded.write(tmp_path / "sent.jsonl", seconds=1, run={"id": "noted"})
    source.write_text(source.read_text() + notes.line_of([one("a1", 500_000, HOSTILE)]) + "\n")

    async def scenario() -> None:
        archive = Archive(tmp_path / "home", 1 << 30)
        run = await archive.import_file(str(source))
        assert run.to_json()["notes"] == [one("a1", 500_000, HOSTILE)]
        assert all(not line.startswith('{"type":"notes"') for line in run.recorded().span())
        assert await archive.change_notes("noted", notes.removed("a1")) == []
        assert (await archive.get("noted")).to_json()["notes"] == []
        with pytest.raises(NotFound):
            await archive.change_notes("none", notes.removed("a1"))
        await archive.close()

    asyncio.run(scenario())
    assert of_file(str(source), tmp_path).to_json()["notes"] == [one("a1", 500_000, HOSTILE)]


def test_a_copy_of_a_run_that_is_there_brings_its_notes_and_loses_nobodys(tmp_path: Path) -> None:
    source = recorded.write(tmp_path / "sent.jsonl", seconds=1, run={"id": "both"})
    messages = source.read_text()

    def sent_back(*written: dict) -> str:
        source.write_text(messages + notes.line_of([*written]) + "\n")
        return str(source)

    async def scenario() -> None:
        archive = Archive(tmp_path / "home", 1 << 30)
        await archive.import_file(sent_back(one("a1", 500_000), one("b2", 700_000)))
        await archive.change_notes("both", notes.changed("a1", text="mine"))
        theirs = sent_back(one("a1", 500_000), one("b2", 700_000), one("c3", 1, "new"))
        run = await archive.import_file(theirs)
        told = [(each["at_us"], each["text"]) for each in run.to_json()["notes"]]
        assert told == [(1, "new"), (500_000, "mine"), (500_000, "here"), (700_000, "here")]
        assert len({each["id"] for each in run.to_json()["notes"]}) == 4
        with pytest.raises(BadRequest, match="already"):
            await archive.import_file(str(source))
        assert (await archive.import_file(str(source), known=True)).to_json() == run.to_json()
        with pytest.raises(Conflict, match="4 notes and the recording 47 others"):
            await archive.import_file(sent_back(*(one(f"d{at}", at) for at in range(47))))
        # Whoever only wants to see the run sees it as it is.
        assert (await archive.import_file(str(source), known=True)).to_json() == run.to_json()
        await archive.remove("both")
        again = await archive.import_file(sent_back(one("e5", 2, "later")))
        assert [each["text"] for each in again.to_json()["notes"]] == ["new", "later", "mine", "here", "here"]
        await archive.close()

    asyncio.run(scenario())


def test_a_recording_whose_notes_are_none_is_refused(tmp_path: Path) -> None:
    source = recorded.write(tmp_path / "sent.jsonl", seconds=1)
    source.write_text(source.read_text() + '{"type":"notes","notes":[{"id":"a"}]}\n')
    with pytest.raises(NotReadable, match="a note stands at a whole number of microseconds"):
        of_file(str(source), tmp_path)


def test_an_index_of_before_notes_were_kept_takes_them_and_finds_runs_by_them(tmp_path: Path) -> None:
    source = recorded.write(tmp_path / "sent.jsonl", seconds=1, run={"id": "old"})

    async def imported() -> None:
        archive = Archive(tmp_path / "home", 1 << 30)
        await archive.import_file(str(source))
        await archive.close()

    asyncio.run(imported())
    with sqlite3.connect(tmp_path / "home" / "index.db") as index:
        index.execute("ALTER TABLE runs DROP COLUMN notes")
    index.close()

    async def scenario() -> None:
        archive, other = (Archive(tmp_path / "home", 1 << 30) for _ in range(2))
        assert (await archive.get("old")).to_json()["notes"] == []
        await archive.change_notes("old", notes.added(one("a1", 1, "it stalls 100 % here")))
        await other.change_notes("old", notes.added(one("b2", 2, "and here")))
        assert [each["id"] for each in (await archive.get("old")).to_json()["notes"]] == ["a1", "b2"]
        assert [entry.id for entry in await archive.page(Query(text="STALLS 100 %"), 5)] == ["old"]
        assert await archive.page(Query(text="STALLS 1000"), 5) == []
        await archive.close()
        await other.close()

    asyncio.run(scenario())
