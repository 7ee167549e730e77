"""The build hook that puts the browser's side into the wheel.

The chart library comes from npm, pinned with its hash in static/deno.lock, into `app_vendor/` beside `app/`,
in an editable install too: so it belongs to the installer, the checkout holds no file of others, and no
clean-up of the checkout can lose it. A wheel for others also carries `static/` and `templates/`; an editable
one reads them from the checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDORED = ("dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE")

# Behind a proxy the certificate that counts is in the system's store, which deno does not read unless told.
DENO_SETTINGS = {"DENO_TLS_CA_STORE": "system,mozilla", "DENO_NO_UPDATE_CHECK": "1"}


class FrontEnd(BuildHookInterface):  # type: ignore[type-arg]
    """Fetches what static/deno.lock names and maps it into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the build: `version` is "editable" or "standard"."""
        self.fetched = Path(tempfile.mkdtemp(prefix="gilscope-build-"))
        try:
            _fetch(Path(self.root, "static"), self.fetched)
        except BaseException:
            shutil.rmtree(self.fetched)
            raise
        files = build_data["force_include_editable" if version == "editable" else "force_include"]
        for name in VENDORED:
            files[str(self.fetched / "node_modules/uplot" / name)] = f"app_vendor/uplot/{Path(name).name}"
        if version != "editable":
            files.update({"static": "app/static", "templates": "app/templates"})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After the build: what was fetched is in the wheel now."""
        shutil.rmtree(self.fetched)


def _fetch(static: Path, into: Path) -> None:
    """Install what `static`'s lock file names into `into`/node_modules."""
    for name in ("deno.json", "deno.lock"):
        shutil.copy(static / name, into)
    command = ["deno", "install", "--quiet", "--frozen", "--node-modules-dir=auto"]
    try:
        done = subprocess.run(
            command, cwd=into, env=os.environ | DENO_SETTINGS, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise RuntimeError(
            "The chart library could not be fetched: there is no `deno` on PATH. It is a build requirement "
            "(pyproject.toml, [build-system]); build with isolation, or `pip install deno` first."
        ) from None
    if done.returncode:
        raise RuntimeError(
            f"The chart library could not be fetched from the npm registry: `{' '.join(command)}` said\n\n"
            f"{done.stderr.strip()}\n\n"
            "Where the registry is reached through a mirror, NPM_CONFIG_REGISTRY names it."
        )
