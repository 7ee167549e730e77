"""Settings: flags first, then the environment, then defaults. Every one is declared once, here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from app.model.errors import BadRequest
from app.model.spec import Limits

TOKEN_LENGTH = 16
_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("may hold only letters, digits and the signs . _ ~ -")
    if len(text) < TOKEN_LENGTH:
        raise ValueError(f"must have at least {TOKEN_LENGTH} characters: whoever guesses it runs programs")
    return text


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= 1000:
        raise ValueError("must be a whole number from 1 to 1000")
    return number


def _many(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= 10_000_000:
        raise ValueError("must be a whole number from 1 to 10000000")
    return number


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d{1,15})([KMGT]?)", text)
    if match is None:
        raise ValueError("must be a number of bytes, such as 500M or 2G")
    return int(match[1]) << 10 * " KMGT".index(match[2] or " ")


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError("must be on or off")
    return text == "on"


def _paths(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(os.pathsep) if part)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _setting(default: Any, env: str, parse: Callable[[str], Any], help: str) -> Any:
    return field(default=default, metadata={"env": env, "parse": parse, "help": help})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may set for a server or a command."""

    token: str | None = _setting(
        None,
        "GILSCOPE_TOKEN",
        _token,
        "The secret that lets a client in; a new one at each start if not set.",
    )
    look_token: str | None = _setting(
        None,
        "GILSCOPE_LOOK_TOKEN",
        _token,
        "A second secret, with which a client may look at runs, and start, stop or change nothing.",
    )
    commands: bool = _setting(
        True,
        "GILSCOPE_COMMANDS",
        _switch,
        "off: the server runs workloads of its catalogue alone; no commands, no scripts, no attaching.",
    )
    tls_cert: str = _setting("", "GILSCOPE_TLS_CERT", str, "For HTTPS: a file with the certificate.")
    tls_key: str = _setting("", "GILSCOPE_TLS_KEY", str, "A file with its key, if not the same.")
    insecure_http: bool = _setting(
        False,
        "GILSCOPE_INSECURE_HTTP",
        _switch,
        "on: HTTP even where other machines reach the server; who is in between reads tokens.",
    )
    target_memory: int = _setting(
        0,
        "GILSCOPE_TARGET_MEMORY",
        _bytes,
        "Private memory of each process of a program that is started; as much as the machine has if not set.",
    )
    target_processes: int = _setting(
        4096,
        "GILSCOPE_TARGET_PROCESSES",
        _many,
        "Processes and threads of a program, beside those that its user has; root's are not limited.",
    )
    target_file: int = _setting(
        64 << 30, "GILSCOPE_TARGET_FILE", _bytes, "The size of each file that such a program writes."
    )
    target_output: int = _setting(
        64 << 30,
        "GILSCOPE_TARGET_OUTPUT",
        _bytes,
        "What such a program may write on its standard streams; one that writes more is ended.",
    )
    target_seconds: int = _setting(
        24 * 3600,
        "GILSCOPE_TARGET_SECONDS",
        _many,
        "How long a command or a script may take that was given no time of its own.",
    )
    pythons: tuple[str, ...] = _setting(
        (), "GILSCOPE_PYTHONS", _paths, "Further interpreters: executables or folders, separated by colons."
    )
    max_runs: int = _setting(4, "GILSCOPE_MAX_RUNS", _count, "Runs at once; a further one is refused.")
    data_dir: str = _setting(
        "",
        "GILSCOPE_DATA_DIR",
        str,
        "Where runs are recorded; $XDG_STATE_HOME/gilscope or ~/.local/state/gilscope if not set.",
    )
    keep_bytes: int = _setting(
        2 << 30,
        "GILSCOPE_KEEP_BYTES",
        _bytes,
        "What recorded runs may take together; the oldest that are not pinned make room.",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        (),
        "GILSCOPE_ALLOWED_HOSTS",
        _names,
        "Names beside localhost under which the server may be reached, separated by commas.",
    )

    @property
    def limits(self) -> Limits:
        """What a program that is started may use."""
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        memory = self.target_memory or machine
        return Limits(memory, self.target_processes, self.target_file, self.target_output)

    @property
    def home(self) -> Path:
        """The data directory."""
        return Path(self.data_dir) if self.data_dir else _of_user("XDG_STATE_HOME", ".local/state")

    @property
    def interpreters_file(self) -> Path:
        """What interpreters have said of themselves; it can be thrown away."""
        return _of_user("XDG_CACHE_HOME", ".cache") / "interpreters.json"

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, **flags: Any) -> Settings:
        """The settings from `flags` (None: not given) and the environment (empty: not set)."""
        values = {name: value for name, value in flags.items() if value is not None}
        for setting in fields(cls):
            text = environ.get(setting.metadata["env"], "")
            if text and setting.name not in values:
                values[setting.name] = _parsed(setting.metadata["env"], setting.metadata["parse"], text)
        return cls(**values)


def _of_user(variable: str, else_in_home: str) -> Path:
    """This program's folder in one of the user's (XDG Base Directory Specification)."""
    folder = os.environ.get(variable, "")
    return (Path(folder) if os.path.isabs(folder) else Path.home() / else_in_home) / "gilscope"


@dataclass(frozen=True, slots=True)
class Documented:
    """A setting as it is shown to a person."""

    name: str
    env: str
    default: Any
    help: str


def documented() -> list[Documented]:
    """Every setting, in the order of its declaration."""
    return [Documented(s.name, s.metadata["env"], s.default, s.metadata["help"]) for s in fields(Settings)]


def _parsed(env: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        # A token is a secret even when it is a bad one.
        shown = "" if env.endswith("_TOKEN") else f"; it was {text!r}"
        raise BadRequest(f"{env} {error}{shown}", f"Set {env} anew, or unset it.", field=env) from None
