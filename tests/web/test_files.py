"""The files of the pages: bundled and kept for good, or as they are on disk, and told to be the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from web.conftest import Site

from app import assets
from app.web import serve

PAGES = ("/", "/compare", "/history", "/memory", "/processes")


@pytest.mark.asks
@pytest.mark.parametrize("path", ["js/pages/lab.js", "css/tokens.css", "icon.svg"])
def test_a_file_comes_once_and_then_that_it_is_the_same(site: Site, path: str):
    first = site.client.get(f"/static/{path}")
    assert first.status_code == 200
    assert first.content == (assets.STATIC / path).read_bytes()
    again = site.client.get(f"/static/{path}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = site.client.get(f"/static/{path}", headers={"If-None-Match": '"other"'})
    assert other.content == first.content


@pytest.mark.asks
@pytest.mark.parametrize("path", ["js", "none.js", "../pyproject.toml", "%2e%2e/pyproject.toml", "x" * 5000])
def test_what_is_no_file_of_the_pages_is_not_there(site: Site, path: str):
    assert site.client.get(f"/static/{path}").status_code == 404


@pytest.mark.asks
def test_a_file_is_not_to_be_written(site: Site):
    assert site.client.post("/static/icon.svg", content=b"x").status_code in (403, 405)


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that is not as it was when the bundle was made."""
    files, sources = assets._manifest()
    monkeypatch.setattr(assets, "_manifest", lambda: (files, {**sources, "js/theme.js": "0"}))


@pytest.mark.asks
@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_changed_sources_names_every_module_that_it_loads(site: Site, page: str):
    html = site.client.get(page).text
    assert "/bundle/" not in html
    named = set(re.findall(r'rel="modulepreload" href="/static/js/([^"]+)"', html))
    assert named
    for name in named:
        text = (assets.STATIC / "js" / name).read_text()
        for target in re.findall(r'^(?:import|} from|export .* from).*"(\.[^"]+)";$', text, re.MULTILINE):
            reached = (assets.STATIC / "js" / name).parent / target
            assert reached.resolve().relative_to(assets.STATIC / "js").as_posix() in named


@pytest.mark.asks
@pytest.mark.usefixtures("changed")
def test_a_page_of_changed_sources_names_every_sheet(site: Site):
    html = site.client.get("/").text
    named = set(re.findall(r'href="/static/css/([^"]+)"', html))
    alone = {"pages.css", "entrance.css"}  # the list of them, and the sheet of another page
    assert named == {path.name for path in (assets.STATIC / "css").iterdir()} - alone


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle, whatever the sources in this checkout have become since it was made."""
    files, _ = assets._manifest()
    monkeypatch.setattr(assets, "_manifest", lambda: (files, assets._digests(assets._state())))


@pytest.mark.asks
@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_a_handful_of_files_that_are_kept_for_good(site: Site, page: str):
    html = site.client.get(page).text
    named = set(re.findall(r'(?:href|src)="(/(?:bundle|static|vendor)/[^"]+)"', html))
    assert 3 < len(named) < 8
    assert "nonce" not in html  # so it is the same each time
    for path in named:
        got = site.client.get(path)
        assert (got.status_code, got.headers["content-encoding"]) == (200, "gzip")
        assert got.headers["cache-control"] == "private, max-age=31536000, immutable"
        plain = site.client.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == got.content
    assert sum(len(site.client.get(path).content) for path in named if path.endswith(".css")) > 10_000


@pytest.mark.asks
@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_compressed_and_told_to_be_the_same(site: Site, page: str):
    first = site.client.get(page)
    assert (first.headers["content-encoding"], first.headers["cache-control"]) == ("gzip", "no-cache")
    again = site.client.get(page, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-security-policy" in again.headers
    plain = site.client.get(page, headers={"Accept-Encoding": "identity"})
    assert plain.text == first.text


def test_only_a_page_of_a_run_opens_its_stream_and_before_anything_else(site: Site):
    run_id = site.start(workload="cpu-bound", seconds=0.5)["id"]
    html = site.client.get(f"/runs/{run_id}").text
    assert html.index("/bundle/early-") < html.index("/bundle/pages-")
    for page in PAGES:
        assert "/bundle/early-" not in site.client.get(page).text


@pytest.mark.asks
def test_the_interpreters_stand_once_in_a_page(site: Site):
    html = site.client.get("/").text
    for interpreter in site.client.get("/api/v1/interpreters").json()["interpreters"]:
        assert html.count(f'<option value="{interpreter["path"]}"') == 1


@pytest.mark.asks
@pytest.mark.parametrize("name", ["none.js", "manifest.json", "manifest", "..%2fmanifest.json"])
def test_what_is_no_file_of_the_bundle_is_not_there(site: Site, name: str):
    assert site.client.get(f"/bundle/{name}").status_code == 404


def test_the_bundle_was_made_of_every_page_and_no_map_of_its_sources():
    files, _ = assets._manifest()
    pages = {f"js/pages/{path.name}" for path in (assets.STATIC / "js/pages").iterdir()}
    assert set(files) == pages | {"js/theme.js", "js/early.js", "css/pages.css", "icon.svg"}
    made = {path.name for path in (assets.vendor() / "bundle").iterdir()}
    assert made == {f"{name}.gz" for name in files.values()} | {"manifest.json"}
    assert all(re.fullmatch(r"\w+-[0-9A-Z]{8}\.\w+", name) for name in files.values())


def test_a_server_of_changed_sources_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(assets, "bundle", lambda: {})
    serve._tell_of_changed_sources()
    assert not caplog.records
    monkeypatch.setattr(assets, "bundle", lambda: None)
    serve._tell_of_changed_sources()
    assert "make serve" in caplog.text


def test_an_installation_without_a_bundle_has_pages_of_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(assets, "vendor", lambda: tmp_path)
    monkeypatch.setattr(assets, "_manifest", assets._manifest.__wrapped__)
    assert assets.bundle() is None


def test_a_source_that_changes_is_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    static, vendor = tmp_path / "static", tmp_path / "vendor"
    for folder in (static / "js", vendor / "bundle"):
        folder.mkdir(parents=True)
    (static / "js/page.js").write_text("1;\n")
    monkeypatch.setattr(assets, "STATIC", static)
    monkeypatch.setattr(assets, "vendor", lambda: vendor)
    monkeypatch.setattr(assets, "_manifest", assets._manifest.__wrapped__)
    manifest = {"files": {"js/page.js": "page-0.js"}, "sources": assets._digests(assets._state())}
    (vendor / "bundle/manifest.json").write_text(json.dumps(manifest))
    assert assets.bundle() == {"js/page.js": "page-0.js"}
    (static / "js/page.js").write_text("12;\n")
    assert assets.bundle() is None
    (static / "js/page.js").write_text("1;\n")
    assert assets.bundle() is not None
    (static / "js/other.js").write_text("")
    assert assets.bundle() is None
