"""Blanking what looks like a secret, wherever a command line or an environment is shown or recorded.

It errs towards blanking: a commit's hash that is lost costs little. What it cannot know is a secret that
looks like none, such as a bare word among the arguments.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

BLANK = "***"

_SECRET_NAME = (
    r"secret|passw|passphrase|credential|token(?!i[sz])|cookie|keys?(?![a-z])|(?:(?<![a-z])|db)pass(?![a-z])"
    r"|(?<=[-_.])pwd(?![a-z])|(?<=[-_.])dsn(?![a-z])"
)
_NAME = re.compile(_SECRET_NAME, re.IGNORECASE)
_OPTION = re.compile(r"(?P<name>-{0,2}[A-Za-z][\w.-]*)=(?P<value>.+)", re.DOTALL)
_ASSIGNED = re.compile(  # inside a longer word: a query, a header, a line of code
    rf"([\w.-]{{0,64}}(?:{_SECRET_NAME})[\w.-]{{0,64}}[\"']?\s*[=:]\s*[\"']?)[^\s&;,\"'}}]+", re.IGNORECASE
)
_AUTHORIZATION = re.compile(r"(authorization[\"']?\s*[=:]\s*[\"']?)[^\"'\r\n]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{6,}", re.IGNORECASE)
_IN_URL = re.compile(r"([a-z][a-z0-9+.-]{0,30}://[^/?#\s:@]*:)[^/?#\s]+(?=@)", re.IGNORECASE)
_ISSUED = re.compile(  # forms by which issuers mark what they issue
    r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|sk-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    r"|AKIA[A-Z0-9]{16}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
)
_USER_OPTIONS = frozenset({"-u", "--user", "--proxy-user"})
_DENSE = re.compile(r"[\w+/=-]{24,}")
_DENSE_BITS = 3.3  # a character; hexadecimal digits at random have 3.6, words of a path less than 3.2


def command(words: Iterable[str]) -> list[str]:
    """A command line, with what looks secret blanked in it."""
    shown: list[str] = []
    option = ""  # the word before, where it asks for a value
    for word in words:
        if option and not word.startswith("-"):
            shown.append(_value_of(option, word))
            option = ""
            continue
        shown.append(text(word))
        asks = word.startswith("-") and "=" not in word and (word in _USER_OPTIONS or _NAME.search(word))
        option = word if asks else ""
    return shown


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """An environment, with what looks secret blanked in it."""
    return {name: BLANK if value and _NAME.search(name) else text(value) for name, value in variables.items()}


def text(word: str) -> str:
    """One word, or any text, with what looks secret blanked in it."""
    option = _OPTION.fullmatch(word)
    if option is not None and (_NAME.search(option["name"]) or _is_dense(option["value"])):
        return f"{option['name']}={BLANK}"
    for pattern in (_AUTHORIZATION, _BEARER, _IN_URL, _ASSIGNED):
        word = pattern.sub(rf"\g<1>{BLANK}", word)
    return _ISSUED.sub(BLANK, word)


def _value_of(option: str, word: str) -> str:
    if option not in _USER_OPTIONS:
        return BLANK
    user, colon, _ = word.partition(":")
    return f"{user}:{BLANK}" if colon else text(word)


def _is_dense(value: str) -> bool:
    """Whether it is long, of one piece, and as random as a key."""
    if not _DENSE.fullmatch(value) or not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    if "/" in value and not (re.search(r"[A-Z]", value) and re.search(r"[a-z]", value)):
        return False  # a path
    shares = (count / len(value) for count in Counter(value).values())
    return -sum(share * math.log2(share) for share in shares) >= _DENSE_BITS
