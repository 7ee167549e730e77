"""Notes on the timeline of a run: added, changed, removed. `GET /runs/{run_id}` tells them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from app.runs import notes
from app.web.api.bodies import NoteBody, NoteChange, NoteView
from app.web.api.context import TheManager, problems

router = APIRouter(prefix="/runs/{run_id}/notes", tags=["runs"])


@router.post("", status_code=201, response_model=NoteView, responses=problems(404, 409))
async def add_note(run_id: str, body: NoteBody, manager: TheManager, response: Response) -> dict[str, Any]:
    """Put a note on the timeline, at most 50 a run; it is kept with the run, which need not have ended."""
    note = notes.note(body.at_us, body.text)
    await manager.change_notes(run_id, notes.added(note))
    response.headers["Location"] = f"/api/v1/runs/{run_id}/notes/{note['id']}"
    return note


@router.patch("/{note_id}", response_model=NoteView, responses=problems(404))
async def change_note(run_id: str, note_id: str, body: NoteChange, manager: TheManager) -> dict[str, Any]:
    """Have a note say something else, or stand at another time."""
    return notes.found(
        await manager.change_notes(run_id, notes.changed(note_id, **body.model_dump())), note_id
    )


@router.delete("/{note_id}", status_code=204, responses=problems(404))
async def remove_note(run_id: str, note_id: str, manager: TheManager) -> None:
    """Take a note off the timeline."""
    await manager.change_notes(run_id, notes.removed(note_id))
