"""The typed dicts of the model, for pydantic.

Before Python 3.12 pydantic takes those of typing_extensions alone, which the model, of the standard library,
has not. So they are made once more of that class, with all that are inside them.
"""

from __future__ import annotations

import sys
from types import UnionType
from typing import (
    Any,
    ForwardRef,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from typing_extensions import TypedDict

from app.web.api.shape import LATER

_made: dict[Any, Any] = {}


def typed(kind: Any) -> Any:
    """A typed dict of the same name and fields, of which pydantic makes a schema."""
    if sys.version_info >= (3, 12):
        kind.__pydantic_config__ = LATER
        return kind
    if kind not in _made:
        # One that is inside itself finds itself by its name, among the names of this module.
        _made[kind] = ForwardRef(kind.__name__)
        fields = {
            name: _replaced(hint) if name in kind.__required_keys__ else NotRequired[_replaced(hint)]
            for name, hint in get_type_hints(kind).items()
        }
        made = TypedDict(kind.__name__, fields)  # type: ignore[misc]  # the name is the same
        made.__doc__ = kind.__doc__
        made.__pydantic_config__ = LATER  # type: ignore[attr-defined]
        globals()[kind.__name__] = _made[kind] = made
    return _made[kind]


def _replaced(hint: Any) -> Any:
    if is_typeddict(hint):
        return typed(hint)
    origin, inner = get_origin(hint), get_args(hint)
    if not inner or origin is Literal:
        return hint
    replaced = tuple(map(_replaced, inner))
    return Union[replaced] if origin in (Union, UnionType) else origin[replaced]  # noqa: UP007
