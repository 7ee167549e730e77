"""The wheel and the sdist, built once, and installed by pip, pipx and uv, each with what it depends on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    # uv, which pipx uses too, trusts what the machine does, as pip does: a mirror may need it.
    own = {"PATH": f"{BIN}:{os.environ['PATH']}", "UV_SYSTEM_CERTS": "true"}
    environment = os.environ | own | variables
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The sdist of this checkout, and the wheel that is built of that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        # Debian's 3.11.2 knows no filters yet; what was packed here needs none.
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        folder,
        cwd=folder / sdist.name[: -len(".tar.gz")],
    )
    (wheel,) = folder.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


def test_sdist_and_wheel_have_what_they_should_and_nothing_else(built: Mapping[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "pyproject.toml", "hatch_build.py", "docs/metrics.md"} <= names
    with ZipFile(built["wheel"]) as archive:
        names = set(archive.namelist())
    assert {"app/static/grafana-dashboard.json", "app/templates/base.html"} <= names
    assert not [
        name for name in names if name.startswith(("tests/", "tools/", "docs/")) or name.endswith(".pyc")
    ]


@pytest.mark.parametrize("tool", ["pip", "pipx", "uv"])
def test_it_installs_and_runs(tool: str, built: Mapping[str, Path], tmp_path: Path) -> None:
    wheel, place = str(built["wheel"]), tmp_path / "bin"
    if tool == "pip":
        # Of its time a pip of its own takes a quarter, and byte code that nobody runs another.
        run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
        pip = (sys.executable, "-m", "pip", "--python", tmp_path / "venv")
        run(*pip, "install", "--quiet", "--no-compile", wheel, cwd=tmp_path)
        place = tmp_path / "venv" / "bin"
    elif tool == "pipx":
        homes = {
            "PIPX_HOME": str(tmp_path / "pipx"),
            "PIPX_BIN_DIR": str(place),
            "PIPX_MAN_DIR": str(tmp_path),
        }
        run("pipx", "install", "--python", sys.executable, wheel, cwd=tmp_path, **homes)
    else:
        homes = {"UV_TOOL_DIR": str(tmp_path / "uv"), "UV_TOOL_BIN_DIR": str(place)}
        run("uv", "tool", "install", "--python", sys.executable, wheel, cwd=tmp_path, **homes)
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    assert run(place / "gilscope", "--version", cwd=tmp_path, **home) == f"gilscope {VERSION}\n"
    told = run(place / "gilscope", "run", "cpu-bound", "--seconds", "1", "--json", cwd=tmp_path, **home)
    assert json.loads(told)["run"]["state"] == "finished"
