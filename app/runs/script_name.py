"""What a script's run is called: by what the script says of itself, so that two are told apart in a list."""

from __future__ import annotations

import re
from textwrap import shorten

from app.model import redaction

UNNAMED = "script"
_LONGEST = 60
_LOOKED_AT = 20  # lines
_DOCSTRING = re.compile(r"[rRuU]?(\"\"\"|'''|\"|')(.*)")
_CODING = re.compile(r"#.*coding[:=]")


def script_name(text: str) -> str:
    """The first words of its docstring, or of a comment above the code; UNNAMED where it has neither.

    Never its code, which may hold a secret; one in those words is blanked.
    """
    lines = [line.strip() for line in text.splitlines()[:_LOOKED_AT]]
    lines = [line for line in lines if line and not line.startswith("#!") and not _CODING.match(line)]
    if not lines:
        return UNNAMED
    told = ""
    if lines[0].startswith("#"):
        told = lines[0].lstrip("# ")
    elif (docstring := _DOCSTRING.fullmatch(lines[0])) is not None:
        quote, first = docstring.groups()
        told = (first or "".join(lines[1:2])).split(quote)[0]
    return shorten(redaction.text(told), _LONGEST, placeholder=" …") or UNNAMED
