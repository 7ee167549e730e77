"""The base of what the interface takes and answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

# A validator is made when it is first needed: those of all routes take 0.2 s and 2 MB of a server's start.
LATER = ConfigDict(defer_build=True)


class Shape(BaseModel):
    """Something that a client sends or gets."""

    model_config = LATER
