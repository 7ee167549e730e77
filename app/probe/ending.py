"""How a run ends, and when."""

from __future__ import annotations

from app.model.errors import GilscopeError
from app.model.frames import End

from .subject import Subject

GRACE_US = 1_000_000  # between SIGTERM and SIGKILL


class Ending:
    """`state` is None for as long as nothing is known of the end."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.state: str | None = None
        self.failure: GilscopeError | None = None
        self._kill_at_us: int | None = None

    def fail(self, failure: GilscopeError) -> None:
        """The run has failed."""
        self.state, self.failure = "failed", failure

    def refuse(self, failure: GilscopeError, now_us: int) -> None:
        """The program did what it may not: it is ended, and has failed."""
        self.stop("failed", now_us)
        self.failure = failure

    def stop(self, state: str, now_us: int) -> None:
        """A stop was asked for."""
        self.state = state
        if self._subject.ask_to_end():
            self._kill_at_us = now_us + GRACE_US

    def is_due(self, now_us: int) -> bool:
        """Whether the program has ended, or a stop was asked for and nothing is left to wait for."""
        if self._subject.has_ended():
            return True
        if self.state is None:
            return False
        return self._subject.target is None or (self._kill_at_us is not None and now_us >= self._kill_at_us)

    def message(self, now_us: int) -> End:
        """The last message of the run."""
        code = self._subject.exit_code
        if self.state is None:
            self.state = "finished"
            if code:
                self.fail(self._subject.failure())
        failure = self.failure.to_json() if self.failure else None
        return End(now_us, self.state, failure, code, self._subject.cpu_us)
