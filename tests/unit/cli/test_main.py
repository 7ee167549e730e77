from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from app.cli import main
from app.model import errors


def test_an_error_says_what_happened_why_and_what_to_do() -> None:
    error = errors.BadRequest("workers must be 1 or more; it was 0", "Give --workers 1.")
    assert main.describe(error) == ("gilscope: workers must be 1 or more; it was 0.\n  Give --workers 1.")


def test_an_error_of_several_lines_stays_together() -> None:
    assert main.describe(errors.TargetFailed("It wrote:\nTraceback")) == ("gilscope: It wrote:\nTraceback.")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.TargetFailed("d"), 1),
        (errors.BadRequest("d"), 2),
        (errors.NotPermitted("d"), 3),
        (errors.NoSuchProcess("d"), 4),
        (errors.NotReadable("d"), 4),
    ],
)
def test_an_error_becomes_its_exit_status(
    error: errors.GilscopeError,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails() -> None:
        raise error

    monkeypatch.setattr(main, "app", fails)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == status
    assert capsys.readouterr().err == main.describe(error) + "\n"


def test_a_command_that_answers_at_once_imports_nothing_of_the_others() -> None:
    code = (
        "import sys\nimport app.cli.main as cli, app.cli.memory\n"
        "print(*[name for name in sys.modules if name.startswith(('app.analysis', 'app.exporters'))])\n"
        "print(*cli._Commands())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, commands = found.stdout.split("\n")[:2]
    assert imported == ""
    assert {"serve", "memory", "import"} < {*commands.split()}


@pytest.mark.parametrize("name", [*main._Commands()])
def test_each_command_is_there(name: str) -> None:
    assert CliRunner().invoke(main.app, [name, "--help"]).exit_code == 0
