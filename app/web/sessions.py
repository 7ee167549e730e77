"""How a browser gets in and stays in: entrance codes, and the sessions that they open.

A code works once, and for `CODE_S`: it is what an address holds, and addresses stay in a browser's history.
What it opens is a session, a random name that the cookie holds and that says nothing of the token. A session
can be ended, and ends by itself after `SESSION_S`.

A code for an audience is passed on by hand, to many: it lets in who comes, to look alone, for `AUDIENCE_S`,
and what it opened ends with it. `close_all` ends both before.

Sessions outlive the server only where its token does: then their hashes are in a file of mode 0600.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

logger = logging.getLogger(__name__)

CODE_S = 60
SESSION_S = 30 * 24 * 3600
AUDIENCE_S = 4 * 3600
# The oldest of the same role make room: whoever may make codes could fill the memory else, and whoever may
# only look could throw others out.
_MOST_CODES = 100
_MOST_SESSIONS = 1000
_MOST_AUDIENCES = 20

# What a client may do: everything, or look at runs alone.
Role = Literal["all", "look"]
Entries = dict[str, tuple[float, Role]]  # by a hash: when it ends, and what it is good for


class Admission(NamedTuple):
    """What somebody may do, and for how long."""

    role: Role
    for_s: float


class Sessions:
    """Codes and sessions. `path` is the file in which sessions outlive the server; its folder is made."""

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._codes: Entries = {}  # in the order in which they were made, as are the sessions
        self._sessions: Entries = {}
        self._audiences: Entries = {}
        self._load()

    def code(self, role: Role = "all") -> str:
        """A new entrance code."""
        code = secrets.token_urlsafe(24)
        self._codes[_hash(code)] = (self._clock() + CODE_S, role)
        _keep(self._codes, role, _MOST_CODES)
        return code

    def code_for_audience(self) -> str:
        """A new code that lets many in, to look."""
        code = secrets.token_urlsafe(24)
        self._audiences[_hash(code)] = (self._clock() + AUDIENCE_S, "look")
        _keep(self._audiences, "look", _MOST_AUDIENCES)
        return code

    def works(self, code: str) -> bool:
        """Whether the code would let somebody in now."""
        name = _hash(code)
        return self._good_for(self._codes.get(name) or self._audiences.get(name)) is not None

    def redeem(self, code: str) -> Admission | None:
        """What the code is still good for, if anything; it is no more, unless it is an audience's."""
        name = _hash(code)
        single = self._good_for(self._codes.pop(name, None))
        if single is not None:
            return Admission(single, SESSION_S)
        shared = self._audiences.get(name)
        role = self._good_for(shared)
        return None if role is None or shared is None else Admission(role, shared[0] - self._clock())

    def open(self, role: Role = "all", for_s: float = SESSION_S) -> str:
        """The name of a new session, which ends by itself after `for_s`."""
        session = secrets.token_urlsafe(32)
        self._sessions[_hash(session)] = (self._clock() + for_s, role)
        _keep(self._sessions, role, _MOST_SESSIONS)
        self._store()
        return session

    def role(self, session: str) -> Role | None:
        """What a session of that name is good for; None where none goes on."""
        return self._good_for(self._sessions.get(_hash(session)))

    def close(self, session: str) -> None:
        """End one session."""
        if self._sessions.pop(_hash(session), None) is not None:
            self._store()

    def close_all(self) -> None:
        """End every session, and forget every code."""
        self._codes.clear()
        self._audiences.clear()
        self._sessions.clear()
        self._store()

    def _good_for(self, entry: tuple[float, Role] | None) -> Role | None:
        return entry[1] if entry is not None and entry[0] > self._clock() else None

    def _load(self) -> None:
        if self._path is None:
            return
        try:
            stored = json.loads(self._path.read_bytes())
            self._sessions = {
                str(name): (float(ends), "all" if role == "all" else "look")
                for name, (ends, role) in stored.items()
                if ends > self._clock()
            }
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError) as error:
            logger.warning("%s cannot be read (%s): browsers have to come in anew", self._path, error)

    def _store(self) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            with open(new, "w", encoding="utf-8", opener=_private) as file:
                json.dump(self._sessions, file)
            new.replace(self._path)
        except OSError as error:
            logger.warning("%s cannot be written (%s): its sessions end with the server", self._path, error)


def path_for(home: Path, token: str) -> Path:
    """The file of the sessions of a token that outlives the server; so short a hash does not give it away."""
    return (
        home / "sessions" / f"{hashlib.sha256(b'gilscope sessions ' + token.encode()).hexdigest()[:8]}.json"
    )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _keep(entries: Entries, role: Role, most: int) -> None:
    of_role = [name for name, entry in entries.items() if entry[1] == role]
    for name in of_role[:-most]:
        del entries[name]
