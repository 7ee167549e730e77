"""Runs: start, list, look at, act upon, stop; name, tag, pin, remove, restore; import and take away."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.exporters import EXPORTERS, FORMATS
from app.lab import export as exports
from app.lab.forecast_trials import measurable_advice
from app.runs import archive
from app.runs.importing import ImportingRun
from app.runs.slices import stacks_in
from app.runs.timeline import FEWEST_BINS, MOST_BINS
from app.web.api.answers import AdviceView, StacksView, SummaryView, as_made
from app.web.api.bodies import ActionBody, RunBody, RunChange, RunPage, RunView, TimelineView
from app.web.api.context import TheManager, problems

_LINES_AT_A_TIME = 512
MOST_IMPORTED = 1 << 30  # bytes of a recording that is sent to be imported; see BodyLimit
AT_ONCE_S = 2.0  # an import that takes no longer is answered with its run

_FILE = {"schema": {"format": "binary"}}

router = APIRouter(prefix="/runs", tags=["runs"])

Limit = Annotated[int, Query(ge=1, le=200)]
Word = Annotated[str, Query(max_length=80)]
FromUs = Annotated[int, Query(ge=0)]
Number = Annotated[int, Query(ge=0)]
ToUs = Annotated[int | None, Query(ge=0)]
Format = Annotated[str, Query(description=f"One of {', '.join(FORMATS)}.")]
BinCount = Annotated[int, Query(ge=FEWEST_BINS, le=MOST_BINS)]


@router.post("", status_code=201, response_model=RunView, responses=problems(403, 404, 409))
async def start_run(body: RunBody, manager: TheManager, response: Response) -> dict[str, Any]:
    """Start a run. Its address is in `Location`."""
    run = await manager.start(body.to_request())
    response.headers["Location"] = f"/api/v1/runs/{run.id}"
    return run.to_json()


@router.get("", response_model=RunPage)
async def list_runs(
    manager: TheManager,
    limit: Limit = 50,
    cursor: str | None = None,
    text: Word = "",
    kind: Word = "",
    state: Word = "",
    finding: Word = "",
    tag: Word = "",
    since: float | None = None,
    until: float | None = None,
    pinned: bool = False,
    removed: bool = False,
) -> dict[str, Any]:
    """The runs there are, newest first: those that go on, and those in the archive.

    `text` is looked for in names, commands, tags and notes; `since` and `until` are in seconds since the
    epoch.
    """
    query = archive.Query(text, kind, state, finding, tag, since, until, pinned, removed)
    listed = await manager.page(limit, cursor, query)
    return {
        "runs": listed.runs,
        "next": listed.next,
        "archive": listed.archive,
        "error": listed.error.to_json() if listed.error else None,
    }


@router.post(
    "/import",
    status_code=201,
    response_model=RunView,
    responses={**problems(), 202: {"model": RunView, "description": "It is being read; see `progress`."}},
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}},
)
async def import_run(request: Request, manager: TheManager, response: Response) -> dict[str, Any]:
    """Take in a recording, the request's body: what `-o FILE` wrote, or `messages` of another server gave.

    Answers with the run, whose address is in `Location`; one that is here already gets the notes that
    it lacks, and stays as it is otherwise. While a long one is being read its state is `importing`, and the
    answer 202.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115  the manager closes it
    try:
        async for chunk in request.stream():
            file.write(chunk)
        file.flush()
    except BaseException:
        file.close()
        raise
    run = await manager.take_in(file, AT_ONCE_S)
    response.status_code = 202 if isinstance(run, ImportingRun) else 201
    response.headers["Location"] = f"/api/v1/runs/{run.id}"
    return run.to_json()


@router.get("/{run_id}", response_model=RunView, responses=problems(404))
async def get_run(run_id: str, manager: TheManager) -> dict[str, Any]:
    """One run."""
    return (await manager.get(run_id)).to_json()


@router.get("/{run_id}/request", response_model=RunBody, responses=problems(404, 409))
async def get_request(run_id: str, manager: TheManager) -> Response:
    """The body of a request that starts the same run again."""
    return as_made(await (await manager.get(run_id)).request())


@router.patch("/{run_id}", response_model=RunView, responses=problems(404, 409))
async def change_run(run_id: str, body: RunChange, manager: TheManager) -> dict[str, Any]:
    """Give a run another name or other tags, or pin it so that it stays when older runs make room."""
    return (await manager.archive.change(run_id, **body.model_dump())).to_json()


@router.get("/{run_id}/summary", response_model=SummaryView, responses=problems(404))
async def get_summary(run_id: str, manager: TheManager) -> Response:
    """The run's result; while it goes on, the result so far."""
    return as_made((await manager.get(run_id)).summary())


@router.get(
    "/{run_id}/messages",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": _FILE}}, **problems(404, 409)},
)
async def get_messages(
    run_id: str, manager: TheManager, from_us: FromUs = 0, to_us: ToUs = None
) -> StreamingResponse:
    """The recording, or what of it tells of a span of time, with all names: JSON, a message a line.

    Where the whole run has notes they are the last line.
    """
    run = await manager.get(run_id)
    lines = exports.recording_of(run, from_us, to_us)
    name = f'attachment; filename="{run.id}.jsonl"'
    return StreamingResponse(
        _ended(lines), media_type="application/x-ndjson", headers={"Content-Disposition": name}
    )


@router.get("/{run_id}/timeline", response_model=TimelineView, responses=problems(404, 409))
async def get_timeline(
    run_id: str, manager: TheManager, from_us: FromUs = 0, to_us: ToUs = None, bins: BinCount = 1024
) -> dict[str, Any]:
    """How the time of each thread and each GIL was shared, in at most `bins` bins: the whole run unless told.

    Bins are 65.5 ms long, or the shortest power of two of which there are not too many; what is told in less
    is in `messages`.
    """
    return await (await manager.get(run_id)).timeline(from_us, to_us, bins)


@router.get("/{run_id}/figures", response_model=SummaryView, responses=problems(404, 409))
async def get_figures(run_id: str, manager: TheManager, from_us: FromUs, to_us: Number) -> Response:
    """The summary of a span of time alone: figures, waits, functions, threads and findings.

    It has the fields of `summary`; `workload` tells of operations counted, not of results.
    """
    return as_made(await (await manager.get(run_id)).figures(from_us, to_us))


@router.get("/{run_id}/advice", response_model=AdviceView, responses=problems(404, 409))
async def get_advice(run_id: str, manager: TheManager, from_us: FromUs = 0, to_us: ToUs = None) -> Response:
    """Would something help? The verdict, forecasts with their bands, and which function to make faster.

    `measuring` says of each forecast whether `POST /experiments/forecast` can measure it, and what was
    measured of it before.

    Of the whole run unless a span is given, and of one that goes on as far as it has come: see
    docs/forecasts.md.
    """
    return as_made(await measurable_advice(manager, await manager.get(run_id), from_us, to_us))


@router.get(
    "/{run_id}/export",
    response_class=StreamingResponse,
    responses={
        200: {"content": {each.media_type: _FILE for each in EXPORTERS}},
        **problems(404, 409),
    },
)
async def export_run(
    run_id: str, manager: TheManager, format: Format, from_us: ToUs = None, to_us: ToUs = None
) -> StreamingResponse:
    """The run in a format of another tool; of one that goes on, as far as it has come.

    `html` opens at the span of time from `from_us` to `to_us`, and has the figures of that.
    """
    exporter = exports.exporter_of(format)
    run = await manager.get(run_id)
    pieces = exports.in_pieces(exports.export(run, exporter, exports.span_of(from_us, to_us)))
    name = exports.file_name(run.to_json(), exporter)
    return StreamingResponse(
        pieces,
        media_type=exporter.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/{run_id}/stacks", response_model=StacksView, responses=problems(404, 409))
async def get_stacks(
    run_id: str, manager: TheManager, lane: Number, from_us: FromUs, to_us: Number
) -> Response:
    """What a thread was executing in a slice of the timeline: {"looks", "stacks"}."""
    return as_made(await stacks_in(await manager.get(run_id), lane, from_us, to_us))


@router.post("/{run_id}/actions", status_code=202, response_model=RunView, responses=problems(404, 409))
async def act_on_run(run_id: str, body: ActionBody, manager: TheManager) -> dict[str, Any]:
    """Have a running workload do one of its actions.

    Answers as soon as it is passed on; what it did the workload reports in the stream.
    """
    run = await manager.live(run_id)
    run.act(body.name)
    return run.to_json()


@router.post("/{run_id}/stop", response_model=RunView, responses=problems(404))
async def stop_run(run_id: str, manager: TheManager) -> dict[str, Any]:
    """End the run and its target; answers when that is done. A run that has ended stays as it is."""
    return (await manager.stop(run_id)).to_json()


@router.post("/{run_id}/restore", response_model=RunView, responses=problems(404))
async def restore_run(run_id: str, manager: TheManager) -> dict[str, Any]:
    """Put a run back that was removed a short while ago."""
    return (await manager.archive.restore(run_id)).to_json()


@router.delete("/{run_id}", status_code=204, responses=problems(404, 409))
async def remove_run(run_id: str, manager: TheManager) -> None:
    """End the run, and remove it and its recording; `restore` brings it back for ten minutes."""
    await manager.forget(run_id)


async def _ended(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The lines, many in one piece: each piece is a turn of the loop, and a system call."""
    piece: list[str] = []
    async for line in lines:
        piece += (line, "\n")
        if len(piece) >= _LINES_AT_A_TIME:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)
