"""`python -m app.workloads`: `list` prints the catalogue, `run` runs one workload in this process.

Exit status: 0; 1 a worker failed, or the observer went away before it said go; 2 it cannot be run so.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence

from app.workloads import catalogue
from app.workloads.context import Json
from app.workloads.line import LineSocket, ObserverGone, SharedWords


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the result is the exit status."""
    arguments = _parser().parse_args(argv)
    if arguments.command == "list":
        _print(_catalogue())
        return 0
    return _run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app.workloads", description="The catalogue of workloads."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print the catalogue as JSON")
    run = commands.add_parser("run", help="run one workload in this process, and print its result as JSON")
    run.add_argument("name")
    run.add_argument("--params", default="{}", metavar="JSON", help="an object of parameters")
    run.add_argument("--executor", help="the workload's own unless given")
    run.add_argument("--workers", type=int, help="the workload's own unless given")
    run.add_argument(
        "--seconds", type=float, default=catalogue.DEFAULT_SECONDS, help="longest life of the run"
    )
    return parser


def _catalogue() -> Json:
    from app.workloads.chapters import CHAPTERS
    from app.workloads.executors import EXECUTORS

    return {
        "schema": catalogue.SCHEMA,
        "chapters": [chapter._asdict() for chapter in CHAPTERS],
        "workloads": [workload.to_json() for workload in catalogue.workloads()],
        "executors": [
            {"name": each.name, "sentence": each.sentence, "min_python": list(each.min_python)}
            for each in EXECUTORS
        ],
    }


def _run(arguments: argparse.Namespace) -> int:
    # Imported here, since the executors bring in multiprocessing and ctypes.
    from app.workloads import runner

    channel = LineSocket.from_environment(os.environ)
    try:
        result = runner.run(_setting(arguments), SharedWords.from_environment(os.environ), channel)
        if channel:
            channel.send({"result": result})
        else:
            _print(result)
    except catalogue.InvalidRequest as error:
        body = {"code": "bad-request", "title": "That cannot be run", "detail": str(error)}
        _fail(channel, {**body, "remedy": error.remedy, "field": error.field}, f"{error}. {error.remedy}")
        return 2
    except ObserverGone:
        print("The observer closed the channel, so nobody waits for a result.", file=sys.stderr)  # noqa: T201
        return 1
    except runner.WorkerFailed as error:
        story = "\n".join(f"{outcome.name}: {outcome.error}" for outcome in error.outcomes)
        _fail(channel, _failure(str(error)), story)
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: the observer must hear of it as well
        _fail(channel, _failure(f"{type(error).__name__}: {error}"), traceback.format_exc())
        return 1
    return 0


def _setting(arguments: argparse.Namespace) -> catalogue.Setting:
    try:
        params = json.loads(arguments.params)
    except ValueError as error:
        raise catalogue.InvalidRequest("params", f"not JSON: {error}") from None
    if not isinstance(params, dict):
        raise catalogue.InvalidRequest("params", f"not a JSON object: {arguments.params:.80}")
    given = arguments.name, params, arguments.executor, arguments.workers, arguments.seconds
    return catalogue.setting(*given)


def _failure(detail: str) -> Json:
    remedy = "Its traceback is on standard error."
    return {"code": "target-failed", "title": "The target failed", "detail": detail, "remedy": remedy}


def _fail(channel: LineSocket | None, body: Json, story: str) -> None:
    print(story, file=sys.stderr)  # noqa: T201
    if channel:
        channel.send({"error": body})


def _print(body: Json) -> None:
    print(json.dumps(body))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
