"""Write docs/commands (a page for each command) and docs/api.md, of what the program itself declares.

    python tools/reference_doc.py [--check]

With --check it says which page is not as it should be, and ends with status 1.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from typer.models import OptionInfo, ParameterInfo

from app.cli.main import COMMANDS
from app.runs.settings import Settings
from app.web.application import create_app
from app.web.docs import operations

DOCS = Path(__file__).parents[1] / "docs"
_Declared = tuple[inspect.Parameter, Any, Any]  # with its type, and what Typer is told of it

MADE = "<!-- written by tools/reference_doc.py: do not edit -->\n"


def pages() -> dict[Path, str]:
    """The text of every page, by its path."""
    functions = {
        name: getattr(import_module(f"app.cli.{module}"), function)
        for name, (module, function) in COMMANDS.items()
    }
    made = {
        DOCS / "commands" / f"{name}.md": _command(name, function) for name, function in functions.items()
    }
    made[DOCS / "commands" / "README.md"] = _commands(functions)
    made[DOCS / "api.md"] = _api()
    return {path: MADE + text for path, text in made.items()}


def _commands(functions: Mapping[str, Callable[..., object]]) -> str:
    rows = [
        f"| [`gilscope {name}`]({name}.md) | {_cell((function.__doc__ or '').strip().split(chr(10))[0])} |"
        for name, function in functions.items()
    ]
    return "\n".join(
        [
            "# The commands",
            "",
            "| command | what it does |",
            "| --- | --- |",
            *rows,
            "",
            "Progress goes to standard error, the result to standard output. Exit statuses and settings:",
            "[command-line.md](../command-line.md).",
            "",
        ]
    )


def _command(name: str, function: Callable[..., object]) -> str:
    hints = get_type_hints(function, include_extras=True)
    arguments: list[_Declared] = []
    options: list[_Declared] = []
    for parameter in inspect.signature(function).parameters.values():
        kind, info = get_args(hints[parameter.name])[:2]
        (options if isinstance(info, OptionInfo) else arguments).append((parameter, kind, info))
    words = [_argument(*each) for each in arguments]
    usage = " ".join(["gilscope", name, *(["[OPTIONS]"] if options else []), *words])
    lines = [f"# gilscope {name}", "", _text(function.__doc__), "", "```text", usage, "```", ""]
    rows = [f"| `{_argument(*each)}` | {_cell(each[2].help)} |" for each in arguments]
    rows += [f"| {_option(*each)} | {_cell(each[2].help)}{_default(*each)} |" for each in options]
    if rows:
        lines += ["| | |", "| --- | --- |", *rows, ""]
    return "\n".join(
        [*lines, "[All commands](README.md), [exit statuses and settings](../command-line.md)", ""]
    )


def _argument(parameter: inspect.Parameter, kind: Any, info: ParameterInfo) -> str:
    several = "..." if get_origin(kind) is list and info.metavar is None else ""
    name = (info.metavar or parameter.name.upper()) + several
    return name if parameter.default is parameter.empty else f"[{name}]"


def _option(parameter: inspect.Parameter, kind: Any, info: ParameterInfo) -> str:
    # In an Annotated, Typer finds the first of the names where a default would be.
    first = [info.default] if isinstance(info.default, str) and info.default.startswith("-") else []
    given = [*first, *(info.param_decls or ())] or [f"--{parameter.name.replace('_', '-')}"]
    names = ", ".join(f"`{name}`" for both in given for name in both.split("/"))
    kinds = {kind, *get_args(kind)}
    if bool in kinds:
        return names
    word = info.metavar or ("N" if int in kinds else "NUMBER" if float in kinds else "TEXT")
    return f"{names} `{word}`"


def _default(parameter: inspect.Parameter, kind: Any, info: ParameterInfo) -> str:
    if parameter.default in (None, False, parameter.empty):
        return ""
    return f" [default: {parameter.default}]"


def _api() -> str:
    document = create_app(Settings()).openapi()
    lines = [
        "# The API",
        "",
        "Every path needs `Authorization: Bearer TOKEN` or the cookie of a session, but for `health`. Errors",
        "follow RFC 9457. A server describes itself at `/docs`, and for generators of clients at",
        "`/api/v1/openapi.json`. Two WebSockets, `runs/{id}/stream` and `runs/{id}/replay`, are in",
        "[architecture.md](architecture.md); metrics in [metrics.md](metrics.md).",
        "",
    ]
    for each in operations(document):
        lines += [f"## {each.method} {each.path}", "", _text(each.text) or each.title, ""]
        rows = [
            f"| `{one.name}` | {one.where} | {one.type} | {'yes' * one.required} | {_cell(one.text)} |"
            for one in each.fields
        ]
        if rows:
            lines += ["| field | in | type | needed | |", "| --- | --- | --- | --- | --- |", *rows, ""]
        answers = [f"| {status} | {_cell(meaning)} |" for status, meaning in each.answers]
        lines += ["| answer | |", "| --- | --- |", *answers, ""]
    return "\n".join(lines)


def _text(text: str | None) -> str:
    return "\n".join(line.strip() for line in (text or "").strip().splitlines())


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def differing(made: dict[Path, str]) -> Iterator[Path]:
    """The pages that are not as they should be, those that should not be there too."""
    yield from (path for path, text in made.items() if not path.exists() or path.read_text() != text)
    yield from (path for path in (DOCS / "commands").glob("*.md") if path not in made)


def main() -> None:
    """Write, or check."""
    made = pages()
    if "--check" in sys.argv[1:]:
        if wrong := list(differing(made)):
            sys.exit(f"not as the program says; run tools/reference_doc.py: {', '.join(map(str, wrong))}")
        return
    (DOCS / "commands").mkdir(exist_ok=True)
    for path, text in made.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
