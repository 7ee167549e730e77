"""A recording in a file: the messages of one observation, a line each, as the observer wrote them."""

from __future__ import annotations

import gzip
from typing import IO

from app.model.errors import BadRequest, GilscopeError


class Recording:
    """A file that is being written; compressed where its name ends in .gz.

    A disk that is full ends the recording, not the run: `close` then says so.
    """

    def __init__(self, path: str) -> None:
        """Opens the file; BadRequest where that cannot be."""
        self._path = path
        self._failure: OSError | None = None
        try:
            self._file = _opened(path)
        except OSError as error:
            raise BadRequest(
                f"{path} cannot be written: {error.strerror}", "Name another file with -o.", field="output"
            ) from error

    def write(self, line: str) -> None:
        """Add one message."""
        if self._failure is None:
            try:
                self._file.write(line + "\n")
            except OSError as error:
                self._failure = error

    def close(self) -> None:
        """Finish the file; GilscopeError where a part of it could not be written."""
        try:
            self._file.close()
        except OSError as error:
            self._failure = self._failure or error
        if self._failure is not None:
            raise GilscopeError(
                f"The recording {self._path} is not whole: {self._failure.strerror}",
                "Free some space, or name a file on another disk with -o.",
            )


def _opened(path: str) -> IO[str]:
    if path.endswith(".gz"):
        return gzip.open(path, "wt", compresslevel=3, encoding="utf-8")
    return open(path, "w", encoding="utf-8")
