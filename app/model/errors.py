"""Every error that GILScope raises on purpose.

    GilscopeError              exit 1, HTTP 500
    ├── TargetFailed           exit 1, 500   the target ended with an error of its own
    ├── Interrupted            exit 1, 500   what recorded a run was killed
    ├── ArchiveFailed          exit 1, 500   the archive of runs cannot be used
    ├── BadRequest             exit 2, 422   a name, a parameter, a combination that cannot be
    ├── NotFound               exit 2, 404   no such run, workload, interpreter
    ├── Conflict               exit 2, 409   not now: too many runs, a run that has ended
    ├── SwitchedOff            exit 2, 403   this server does not do that
    ├── NotPermitted           exit 3, 403   the kernel refuses to show the process
    ├── NoSuchProcess          exit 4, 404   it ended, or never was
    └── NotReadable            exit 4, 422   not a CPython, or none that can be read

An error says what happened (`title`, `detail`) and what to do (`remedy`, a sentence or a command). `field`
names the part of the request that is at fault, dotted (`params.seconds`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class GilscopeError(Exception):
    """The base: what happened, why, and what to do."""

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong inside GILScope"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, detail: str, remedy: str = "", field: str | None = None, **data: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.field = field
        self.data = data

    def __str__(self) -> str:
        return f"{self.detail.rstrip('.')}. {self.remedy}" if self.remedy else self.detail

    def to_json(self) -> dict[str, Any]:
        """The error as it stands in an end message and in a summary."""
        return {"code": self.code, "title": self.title, "detail": self.detail, "remedy": self.remedy}


class TargetFailed(GilscopeError):
    """The target ended with an error of its own."""

    code = "target-failed"
    title = "The target failed"


class Interrupted(GilscopeError):
    """What recorded a run was killed: the recording ends there."""

    code = "interrupted"
    title = "The recording was cut off"


class ArchiveFailed(GilscopeError):
    """The archive of runs cannot be used: a full disk, a locked, foreign or damaged database."""

    code = "archive-failed"
    title = "The archive of runs cannot be used"


class BadRequest(GilscopeError):
    """A name, a parameter or a combination that cannot be."""

    code = "bad-request"
    title = "That cannot be run"
    exit_status = 2
    http_status = 422


class NotFound(GilscopeError):
    """No run, workload or interpreter of that name."""

    code = "not-found"
    title = "There is no such thing"
    exit_status = 2
    http_status = 404


class Conflict(GilscopeError):
    """It cannot be done now."""

    code = "conflict"
    title = "Conflict"
    exit_status = 2
    http_status = 409


class SwitchedOff(GilscopeError):
    """What this server was started without."""

    code = "switched-off"
    title = "This server does not do that"
    exit_status = 2
    http_status = 403


class NotPermitted(GilscopeError):
    """The kernel refuses to show the process."""

    code = "not-permitted"
    title = "The kernel does not let this user read that process"
    exit_status = 3
    http_status = 403


class NoSuchProcess(GilscopeError):
    """The process ended, or never was."""

    code = "no-such-process"
    title = "There is no such process"
    exit_status = 4
    http_status = 404


class NotReadable(GilscopeError):
    """Not a CPython, or none whose layout is known."""

    code = "not-readable"
    title = "That process is not a CPython that can be read"
    exit_status = 4
    http_status = 422


def from_json(body: Mapping[str, str]) -> GilscopeError:
    """The error that `to_json` wrote, of the class that has its code; a GilscopeError for an unknown code."""
    pending = [GilscopeError]
    while pending:
        cls = pending.pop()
        if cls.code == body["code"]:
            return cls(body["detail"], body["remedy"])
        pending += cls.__subclasses__()
    return GilscopeError(body["detail"], body["remedy"])
