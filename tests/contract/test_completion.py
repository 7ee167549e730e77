"""What the shells complete, by the scripts that `gilscope --install-completion` installs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ENVIRONMENT = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": "/", "PYTHONPATH": str(ROOT)}


def gilscope(*words: str, **variables: str) -> str:
    command = [str(BIN / "gilscope"), *words]
    done = subprocess.run(command, env=ENVIRONMENT | variables, capture_output=True, text=True, timeout=60)
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gilscope exp", {"export", "exporter"}),
        ("gilscope attach --fail", {"--fail-on"}),
        ("gilscope run conv", {"convoy"}),
        ("gilscope export last -f sp", {"speedscope"}),
    ],
)
def test_bash_completes_commands_options_and_values(line: str, expected: set[str]) -> None:
    words = " ".join(line.split())
    ask = f"""
        eval "$(_GILSCOPE_COMPLETE=source_bash gilscope)"
        COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _gilscope_completion gilscope
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", ask], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert (set(done.stdout.split()), done.stderr) == (expected, "")


def test_zsh_and_fish_have_scripts_that_ask_the_same() -> None:
    assert gilscope(_GILSCOPE_COMPLETE="source_zsh").lstrip().startswith("#compdef gilscope")
    said = gilscope(_GILSCOPE_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="gilscope exp")
    assert all(f'"{name}"' in said for name in ("export", "exporter"))
    assert "complete --command gilscope" in gilscope(_GILSCOPE_COMPLETE="source_fish")
    asked = {"_TYPER_COMPLETE_ARGS": "gilscope exp", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    said = gilscope(_GILSCOPE_COMPLETE="complete_fish", **asked)
    assert [line.split("\t")[0] for line in said.splitlines() if line.startswith("exp")] == [
        "export",
        "exporter",
    ]
