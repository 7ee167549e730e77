"""The page for a browser that the server does not know: how to get in, and a form for the token.

Its styles stand in it, since nothing else is given out to strangers.
"""

from __future__ import annotations

from functools import cache

from markupsafe import Markup
from starlette.responses import HTMLResponse

from app import assets

ENTER = "/enter"  # where its form is sent

_template = assets.templates().get_template("entrance.html")


def page(nonce: str, to: str, again: bool = False, refused: bool = False) -> HTMLResponse:
    """The page; `again` has it loaded once more, `refused` says that a token was not the right one.

    `to` is the address that was asked for, to which the right token leads.
    """
    return HTMLResponse(
        _template.render(
            nonce=nonce,
            again=again,
            refused=refused,
            action=ENTER,
            to=to,
            styles=_styles(),
            theme=_file("js/theme.js"),
        ),
        401,
    )


@cache
def _styles() -> Markup:
    return Markup("\n").join(_file(f"css/{name}.css") for name in ("tokens", "base", "entrance"))


@cache
def _file(name: str) -> Markup:
    """A file of the pages' own, which may stand in one as it is."""
    return Markup((assets.STATIC / name).read_text(encoding="utf-8"))
