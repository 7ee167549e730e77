"""Notes that people put on a run's timeline: kept in the index, and at the end of a recording taken away.

A note is {"id", "at_us", "text"}: `id` is its own within the run, `at_us` is on the run's clock.
A Change takes the notes that there are, and gives those that there are then, in order of time.

In a recording that was taken away they are its last line, which no observer said:

    {"type":"notes","notes":[...]}
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any, cast

from app.model.errors import BadRequest, Conflict, NotFound

MOST_NOTES = 50
LONGEST_NOTE = 200  # characters
LATEST_US = 1 << 53  # what JSON's numbers hold exactly: 285 years

Note = dict[str, Any]
Notes = list[Note]
Change = Callable[[Notes], Notes]

_BEGINNING = '{"type":"notes",'


def note(at_us: int, text: str) -> Note:
    """A new one; BadRequest where it says nothing, or too much."""
    return {"id": secrets.token_hex(4), "at_us": at_us, "text": _checked(text)}


def added(new: Note) -> Change:
    """One more; Conflict where there are as many as there may be."""

    def change(notes: Notes) -> Notes:
        if len(notes) >= MOST_NOTES:
            raise Conflict(f"The run has {MOST_NOTES} notes, which is the most", "Remove one first.")
        return _in_order([*notes, new])

    return change


def changed(note_id: str, at_us: int | None = None, text: str | None = None) -> Change:
    """One that says something else, or stands at another time; None stays as it is. NotFound, BadRequest."""
    given: Note = {} if at_us is None else {"at_us": at_us}
    if text is not None:
        given["text"] = _checked(text)

    def change(notes: Notes) -> Notes:
        known = found(notes, note_id)
        return _in_order([{**each, **given} if each is known else each for each in notes])

    return change


def removed(note_id: str) -> Change:
    """One less; NotFound."""

    def change(notes: Notes) -> Notes:
        known = found(notes, note_id)
        return [each for each in notes if each is not known]

    return change


def joined(written: Notes) -> Change:
    """Those of another copy of the run beside its own, so that nothing that anybody wrote is lost.

    A note that says the same at the same time is the same. One of an id that is there, which was changed in
    one of the copies, is one more. Conflict where they would be more than there may be.
    """

    def change(notes: Notes) -> Notes:
        said, ids = {(each["at_us"], each["text"]) for each in notes}, {each["id"] for each in notes}
        new = [each for each in written if (each["at_us"], each["text"]) not in said]
        if len(notes) + len(new) > MOST_NOTES:
            raise Conflict(
                f"The run has {len(notes)} notes and the recording {len(new)} others: a run has at most "
                f"{MOST_NOTES}",
                "Remove some of the run first.",
            )
        others = [{**each, "id": secrets.token_hex(4)} if each["id"] in ids else each for each in new]
        return _in_order([*notes, *others])

    return change


def found(notes: Notes, note_id: str) -> Note:
    """The note of that id; NotFound."""
    for each in notes:
        if each["id"] == note_id:
            return each
    raise NotFound(f"The run has no note {note_id!r}", "`notes` of the run lists those there are.")


def line_of(notes: Notes) -> str:
    """The last line of a recording that is taken away."""
    return json.dumps({"type": "notes", "notes": notes}, separators=(",", ":"), ensure_ascii=False)


def of_line(line: str) -> Notes | None:
    """The notes in a line of a recording that came from elsewhere; None where it is another line.

    ValueError says what is wrong with it.
    """
    if not line.startswith(_BEGINNING):
        return None
    rows = json.loads(line).get("notes")
    if not isinstance(rows, list) or len(rows) > MOST_NOTES:
        raise ValueError(f"a recording has up to {MOST_NOTES} notes")
    notes = [_read(row) for row in rows]
    if len({each["id"] for each in notes}) < len(notes):
        raise ValueError("two notes have the same id")
    return _in_order(notes)


def _read(row: Any) -> Note:
    if not isinstance(row, dict):
        raise ValueError("a note has an id, a time and a text")
    note_id, at_us, text = row.get("id"), row.get("at_us"), row.get("text")
    if not isinstance(note_id, str) or not (note_id.isascii() and note_id.isalnum() and len(note_id) <= 40):
        raise ValueError("the id of a note is letters and digits")
    if not isinstance(at_us, int) or isinstance(at_us, bool) or not 0 <= at_us <= LATEST_US:
        raise ValueError("a note stands at a whole number of microseconds")
    if not isinstance(text, str):
        raise ValueError("a note has a text")
    try:
        return {"id": note_id, "at_us": at_us, "text": _checked(text)}
    except BadRequest as error:
        raise ValueError(error.detail) from None


def _checked(text: str) -> str:
    """In one line."""
    text = " ".join(text.split())
    if not 1 <= len(text) <= LONGEST_NOTE:
        raise BadRequest(f"A note has 1 to {LONGEST_NOTE} characters; it had {len(text)}", field="text")
    return text


def _in_order(notes: Sequence[Note]) -> Notes:
    return sorted(notes, key=lambda each: cast(int, each["at_us"]))
