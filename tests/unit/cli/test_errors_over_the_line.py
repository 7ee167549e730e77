from __future__ import annotations

import pytest

from app.model import errors


@pytest.mark.parametrize(
    "error",
    [
        errors.GilscopeError("d"),
        errors.TargetFailed("d", "r"),
        errors.NotPermitted("d"),
        errors.NotReadable("d"),
    ],
)
def test_an_error_that_went_through_a_message_keeps_its_exit_status(error: errors.GilscopeError) -> None:
    again = errors.from_json(error.to_json())
    assert type(again) is type(error)
    assert again.to_json() == error.to_json()


def test_an_error_of_an_unknown_code_is_still_an_error() -> None:
    again = errors.from_json({"code": "new", "title": "t", "detail": "d", "remedy": "r"})
    assert (again.exit_status, again.detail, again.remedy) == (1, "d", "r")
