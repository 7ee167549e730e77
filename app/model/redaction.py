"""Blanking what looks like a secret, wherever a command line or an environment is shown or recorded.

It errs towards blanking: a commit's hash that is lost costs little. What it cannot know is a secret that
looks like none, such as a bare word among the arguments.

Anyone on the machine can choose the command line that is read here, so the work is bounded, whatever it says:

- A command line is searched as one text, its words separated by NUL.
- The text is searched for each word of `_NAMES`, `_PROGRAMS` and `_CREDENTIALS` by itself, as plain text.
  Patterns begin with such a word, and give up after a few characters.
- A text that is longer than `MOST_CHARACTERS`, that has one of these words more often than `MOST_MENTIONS`
  times, or more than `MOST_NAMES` values behind names, is cut there, and ends with how much is left out.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping


def _compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """The pattern. Before CPython 3.11, where an observer may run, there are no possessive quantifiers.

    None of these patterns finds anything else without: they are for the time that a search takes.
    """
    if sys.version_info < (3, 11):
        pattern = re.sub(r"(?<=[*+?}])\+", "", pattern)
    return re.compile(pattern, flags)


BLANK = "***"
MOST_CHARACTERS = 65_536  # as many as are read of another process's command line
MOST_MENTIONS = 256
MOST_NAMES = 128
_CUT = "… {:,} characters more"
_IS_CUT = _compiled(r"… [\d,]+ characters more\Z")

# Names of secrets, in lower case: what each begins with, and what has to stand around and after that.
_NAMES = {
    "secret": "",
    "pass": r"(?<!bypass)(?<!compass)(?<!trespass)(?:w|phrase|code|(?![a-z]))",
    "credential": "",
    "token": "(?!i[sz])",
    "cookie": "",
    "key": "s?(?![a-z])",
    "pwd": r"(?<=[-_.;]pwd)(?![a-z])",
    "dsn": r"(?<=[-_.]dsn)(?![a-z])",
    "auth": r"(?:(?<![a-z]auth)|(?<=oauth))(?:orization|(?![\w.-]))",
    "bearer": r"(?![\w.-])",
    "jwt": r"(?<![a-z]jwt)(?![a-z])",
    "otp": r"(?<![a-z]otp)(?![a-z])",
    "sig": "(?<=[?&]sig)(?==)",
    "sess": "(?:ion)?_?id(?![a-z])",
}
_NAME = _compiled("|".join(map("".join, _NAMES.items())))
_NAMED = {  # a name, the rest of it, then what stands between it and its value
    begins: _compiled(
        rf"{begins}{goes_on}(?P<rest>[\w.-]{{0,24}}+)"
        r"(?:(?P<sign>[\"']?[ \t]{0,8}+(?::=|=>|[=:])[ \t]{0,8}+)|(?P<gap>[\0 \t]{1,8}+))(?P<quote>[\"']?)",
        re.ASCII,
    )
    for begins, goes_on in _NAMES.items()
}
_NAME_REACH = 64  # characters before what is known, where the name may begin
_NAME_BACKWARDS = _compiled(r"[\w.-]*", re.ASCII)
_COMPOUND = _compiled(r"\w+[_.]\w+", re.ASCII)  # as in `aws configure set aws_secret_access_key VALUE`
_HEADERS = ("authorization", "cookie")  # their values have spaces and semicolons
_VALUES = {
    "word": _compiled(r"[^\0]+"),
    "header": _compiled(r"[^\"'\r\n\0]+"),
    '"': _compiled(r'[^"\0]+'),
    "'": _compiled(r"[^'\0]+"),
    "": _compiled(r"[^\s\0&;,\"'}]+"),
}

# From here on a pattern has two groups: what is kept, and what is blanked.
_CREDENTIALS = {
    "://": _compiled(r"(://[^/?#\s\0:@\"']{0,128}+:)([^/?#\s\0]+)(?=@)"),
    **{
        begins: _compiled(
            rf"({begins}(?<=[\0\s\"']{begins})[\0 \t=]{{0,8}}+[\"']?[^\s\0:%,\"']{{0,128}}+[:%,])"
            r"([^\s\0\"']+)"
        )
        for begins in ("-u", "-U", "--user", "--proxy-user")
    },
}
# Programs whose option for a password has no telling name: the rest of the program's name, and the option.
_SPACED = r"[\0 \t=]{0,4}+"
_PROGRAMS = {
    "sshpass": ("", "p" + _SPACED),
    "mongo": (r"\w{0,12}", "p" + _SPACED),
    "login": ("", "p" + _SPACED),  # docker login, podman login, az login
    "mysql": (r"[\w-]{0,16}", "p"),  # what follows `-p` after a space is the database
    "mariadb": (r"[\w-]{0,16}", "p"),
    "7z": ("[arz]?", "p"),
    "redis-cli": ("", "a" + _SPACED),
    "ldap": (r"\w{1,12}", "w" + _SPACED),
    "unzip": ("", "P" + _SPACED),
    "zip": ("", "P" + _SPACED),
    "sqlcmd": ("", "P" + _SPACED),
    "ipmitool": ("", "P" + _SPACED),
}
_CALLS = {
    begins: _compiled(rf"{begins}(?<=[\0\s/;|&(\"'`]{begins}){goes_on}(?=[\0\s])", re.ASCII)
    for begins, (goes_on, _) in _PROGRAMS.items()
}
_OPTIONS = {
    begins: _compiled(rf"([\0\s]-{option}[\"']?)([^\s\0\"']+)") for begins, (_, option) in _PROGRAMS.items()
}
_OPTIONS_REACH = 1024  # characters after the program's name
_BEFORE_HOST = _compiled(r"(:)(?<=\w:)([^\s\0/@:\"'=,;]{1,128}+)(?=@[A-Za-z0-9])(?!@sha256)", re.ASCII)

_LONG = _compiled(r"[\w+-]{20,}+", re.ASCII)
_ISSUED_OR_RANDOM = _compiled(
    # forms by which issuers mark what they issue
    r"gh[pousr]_|github_pat_|glpat-|sk-|[sr]k_(?:live|test)_|xox[abeprs]-|A[KS]IA[A-Z0-9]{16}\Z|AIza|npm_|hf_"
    r"|pypi-|eyJ"
    # hexadecimal digits
    r"|(?=[\da-fA-F]{32})(?=[a-fA-F]*+\d)(?=\d*+[a-fA-F])[\da-fA-F]++\Z"
    # capitals, small letters, and digits in two places, mixed
    r"|(?=[\w+-]{32})(?=[\w-]{0,8}?[A-Za-z\d]{12})(?=\d*+(?:[A-Za-z_+-]++\d++){2})"
    r"(?=[a-z\d_+-]*+[A-Z])(?=[A-Z\d_+-]*+[a-z])",
    re.ASCII,
)
_DENSE = _compiled(r"=([\w+/=-]{24,}+)(?=\0|\Z)", re.ASCII)
_DENSE_BITS = 3.3  # a character; hexadecimal digits at random have 3.6, words of a path less than 3.2
_DENSE_SHOWS = 64  # characters: as many show whether it is random
_MOST_JUDGED = 64  # such values; the next ones are blanked unseen


def command(words: Iterable[str]) -> list[str]:
    """A command line, with what looks secret blanked in it; at the end of a long one, how much was cut."""
    words = list(words)
    line = "\0".join(words)
    if line.count("\0") >= len(words):  # no command line has such a word, but a request may
        line = "\0".join(word.replace("\0", " ") for word in words)
    return _blanked(line).split("\0") if words else []


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """An environment, with what looks secret blanked in it."""
    return {
        name: BLANK if value and _NAME.search(name.lower()) else text(value)
        for name, value in variables.items()
    }


def text(word: str) -> str:
    """One word, or any text, with what looks secret blanked in it."""
    return _blanked(word.replace("\0", " "))


def is_blanked(words: Iterable[str]) -> bool:
    """Whether something was blanked in what `command` or `text` gave, as far as that can be told."""
    return any(BLANK in word for word in words)


def is_cut(words: Iterable[str]) -> bool:
    """Whether its end was left out."""
    return any(_IS_CUT.search(word) for word in words)


def _blanked(line: str) -> str:
    if len(line) > MOST_CHARACTERS:
        line = _cut(line, MOST_CHARACTERS - len(_CUT) - 8)
    line, folded, mentioned = _bounded("\0" + line)
    line = _without_named(line, folded, [_NAMED[word] for word in mentioned if word in _NAMED])
    for word in mentioned:
        if word in _CALLS:
            line = _without_options(line, _CALLS[word], _OPTIONS[word])
        elif word in _CREDENTIALS:
            line = _without_second(_CREDENTIALS[word], line)
    if "@" in line:
        line = _without_second(_BEFORE_HOST, line)
    line = _LONG.sub(lambda run: BLANK if _ISSUED_OR_RANDOM.match(run[0]) else run[0], line)
    return _without_dense(line)[1:]


def _bounded(line: str) -> tuple[str, str, list[str]]:
    """`line`, cut where it has a word too often; the same in small letters; which of the words it has."""
    # Each character where it was: `str.lower` makes some longer.
    folded = line.encode("ascii", "replace").lower().decode("ascii")
    mentioned = []
    for word in (*_NAMED, *_CALLS, *_CREDENTIALS):
        count = folded.count(word.lower())
        if count > MOST_MENTIONS:
            *before, _ = folded.split(word.lower(), MOST_MENTIONS)
            at = len(word.join(before))
            line, folded = _cut(line, at), folded[:at]
        if count:
            mentioned.append(word)
    return line, folded, mentioned


def _without_named(line: str, folded: str, patterns: Iterable[re.Pattern[str]]) -> str:
    """Blanks what is said to be a secret by a name before it."""
    named = sorted((found for pattern in patterns for found in pattern.finditer(folded)), key=re.Match.start)
    if len(named) > MOST_NAMES:
        line = _cut(line, named[MOST_NAMES].start())
    shown: list[str] = []
    at = 0
    for found in named[:MOST_NAMES]:
        if found.start() < at:
            continue
        kind = _kind_of_value(folded, found)
        value = _VALUES[kind].match(line, found.end()) if kind is not None else None
        if value:
            shown += (line[at : value.start()], BLANK)
            at = value.end()
    return "".join((*shown, line[at:]))


def _kind_of_value(folded: str, found: re.Match[str]) -> str | None:
    """How far the value after a name reaches, as a key of `_VALUES`; None where no value comes there."""
    before = folded[max(found.start() - _NAME_REACH, 0) : found.start()][::-1]
    head = _NAME_BACKWARDS.match(before)
    assert head is not None
    name = head[0][::-1] + folded[found.start() : found.end("rest")]
    sign, gap, quote = found["sign"], found["gap"], found["quote"]
    if gap is not None:
        option = name.startswith("-") or _COMPOUND.fullmatch(name) or name == "bearer"
        if not option or folded.startswith("-", found.end()):
            return None
        return "word" if "\0" in gap and not quote else quote
    if sign == "=" and before.startswith("\0", head.end()):
        return "word"
    return "header" if name.endswith(_HEADERS) else quote


def _without_options(line: str, call: re.Pattern[str], option: re.Pattern[str]) -> str:
    """Blanks the passwords of a program that are known by its own option, such as `mysql -pPASSWORD`."""
    shown: list[str] = []
    at = 0
    for found in call.finditer(line):
        begin, end = max(at, found.end()), found.end() + _OPTIONS_REACH
        shown += (line[at:begin], _without_second(option, line[begin:end]))
        at = end
    return "".join((*shown, line[at:]))


def _without_second(pattern: re.Pattern[str], line: str) -> str:
    """`line`, the pattern's second group blanked wherever it matches (`sub` takes five times as long)."""
    parts = pattern.split(line)
    parts[2::3] = [BLANK] * (len(parts) // 3)
    return "".join(parts)


def _without_dense(line: str) -> str:
    """Blanks the value of an option that is long, of one piece, and as random as a key."""
    judged = 0

    def shown(found: re.Match[str]) -> str:
        nonlocal judged
        judged += 1
        return "=" + BLANK if judged > _MOST_JUDGED or _is_dense(found[1][:_DENSE_SHOWS]) else found[0]

    return _DENSE.sub(shown, line)


def _is_dense(value: str) -> bool:
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    if "/" in value and not (re.search(r"[A-Z]", value) and re.search(r"[a-z]", value)):
        return False  # a path
    shares = (count / len(value) for count in Counter(value).values())
    return -sum(share * math.log2(share) for share in shares) >= _DENSE_BITS


def _cut(line: str, length: int) -> str:
    return line[:length] + _CUT.format(len(line) - length)
