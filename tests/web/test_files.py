"""The files of the pages: each as it is on disk, and told when it has not changed."""

from __future__ import annotations

import re

import pytest
from web.conftest import Site

from app import assets

PAGES = ("/", "/compare", "/history", "/memory", "/processes")


@pytest.mark.parametrize("path", ["js/pages/lab.js", "css/tokens.css", "icon.svg"])
def test_a_file_comes_once_and_then_that_it_is_the_same(site: Site, path: str):
    first = site.client.get(f"/static/{path}")
    assert first.status_code == 200
    assert first.content == (assets.STATIC / path).read_bytes()
    again = site.client.get(f"/static/{path}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = site.client.get(f"/static/{path}", headers={"If-None-Match": '"other"'})
    assert other.content == first.content


@pytest.mark.parametrize("path", ["js", "none.js", "../pyproject.toml", "%2e%2e/pyproject.toml", "x" * 5000])
def test_what_is_no_file_of_the_pages_is_not_there(site: Site, path: str):
    assert site.client.get(f"/static/{path}").status_code == 404


def test_a_file_is_not_to_be_written(site: Site):
    assert site.client.post("/static/icon.svg", content=b"x").status_code in (403, 405)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_every_module_that_it_loads(site: Site, page: str):
    html = site.client.get(page).text
    named = set(re.findall(r'rel="modulepreload" href="/static/js/([^"]+)"', html))
    assert named
    for name in named:
        text = (assets.STATIC / "js" / name).read_text()
        for target in re.findall(r'^(?:import|} from|export .* from).*"(\.[^"]+)";$', text, re.MULTILINE):
            reached = (assets.STATIC / "js" / name).parent / target
            assert reached.resolve().relative_to(assets.STATIC / "js").as_posix() in named
