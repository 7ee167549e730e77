"""The build hook that puts the browser's side into the wheel.

The chart library comes from npm, pinned with its hash in static/deno.lock, into `app_vendor/` beside `app/`,
in an editable install too: so it belongs to the installer, the checkout holds no file of others, and no
clean-up of the checkout can lose it. A wheel for others also carries `static/` and `templates/`; an editable
one reads them from the checkout.

Beside it, in `app_vendor/bundle/`, lies what a page loads: one script for each of static/js/pages, and one
sheet of styles for all of them, minified by esbuild, compressed, and named by a hash of the content. Its
`manifest.json` says which is which, and of which sources they were made: see app/assets.py.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDORED = ("dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE")

# What is bundled: each is served under the name of the source, with a hash in it.
ENTRIES = ("js/pages/*.js", "js/theme.js", "js/early.js", "css/pages.css", "icon.svg")

# Behind a proxy the certificate that counts is in the system's store, which deno does not read unless told.
DENO_SETTINGS = {"DENO_TLS_CA_STORE": "system,mozilla", "DENO_NO_UPDATE_CHECK": "1"}


class FrontEnd(BuildHookInterface):  # type: ignore[type-arg]
    """Fetches what static/deno.lock names and maps it into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the build: `version` is "editable" or "standard"."""
        self.fetched = Path(tempfile.mkdtemp(prefix="gilscope-build-"))
        try:
            static = self.fetched / "static"
            shutil.copytree(Path(self.root, "static"), static, ignore=shutil.ignore_patterns("node_modules"))
            sources = _digests(static)
            _deno(static, "install", "--quiet", "--frozen", "--node-modules-dir=auto")
            _bundle(static, self.fetched / "bundle", sources)
        except BaseException:
            shutil.rmtree(self.fetched)
            raise
        files = build_data["force_include_editable" if version == "editable" else "force_include"]
        for name in VENDORED:
            files[str(static / "node_modules/uplot" / name)] = f"app_vendor/uplot/{Path(name).name}"
        files[str(self.fetched / "bundle")] = "app_vendor/bundle"
        files["app/testing/pytest_gilscope.py"] = "pytest_gilscope.py"
        if version != "editable":
            files.update({"static": "app/static", "templates": "app/templates"})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After the build: what was fetched and made is in the wheel now."""
        shutil.rmtree(self.fetched)


def _digests(static: Path) -> dict[str, str]:
    """The SHA-256 of each file below `static`, in hexadecimal, by its path."""
    return {
        path.relative_to(static).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(static.rglob("*"))
        if path.is_file()
    }


def _bundle(static: Path, into: Path, sources: dict[str, str]) -> None:
    """Bundle ENTRIES of `static`, where packages are installed, into a new folder."""
    esbuild = json.loads((static / "deno.json").read_text())["imports"]["esbuild"]
    made = static.parent / "made"
    entries = [
        path.relative_to(static).as_posix() for entry in ENTRIES for path in sorted(static.glob(entry))
    ]
    options = ("--bundle", "--minify", "--format=esm", "--loader:.svg=copy", "--log-level=warning")
    names = ("--outbase=.", f"--outdir={made}", "--entry-names=[dir]/[name]-[hash]")
    _deno(static, "run", "--quiet", "--frozen", "--allow-all", esbuild, *options, *names, *entries)
    into.mkdir()
    files = {}
    for path in sorted(made.rglob("*")):
        if path.is_file():
            stem, _, _hash = path.stem.rpartition("-")
            source = path.with_stem(stem).relative_to(made).as_posix()
            files[source] = path.name
            (into / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    (into / "manifest.json").write_text(json.dumps({"files": files, "sources": sources}, indent=1))


def _deno(folder: Path, *arguments: str) -> None:
    """Run deno in `folder`; RuntimeError with what it said where it fails."""
    command = ["deno", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, env=os.environ | DENO_SETTINGS, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise RuntimeError(
            "The pages' scripts could not be built: there is no `deno` on PATH. It is a build requirement "
            "(pyproject.toml, [build-system]); build with isolation, or `pip install deno` first."
        ) from None
    if done.returncode:
        raise RuntimeError(
            f"The pages' scripts could not be built: `{' '.join(command)}` said\n\n"
            f"{done.stderr.strip()}\n\n"
            "They need packages of the npm registry. Where it is reached through a mirror, "
            "NPM_CONFIG_REGISTRY names it."
        )
