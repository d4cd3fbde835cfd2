"""The documented format of a provider's password for mail programs: checking a password, and making an example."""

from __future__ import annotations

import re
from itertools import cycle
from string import ascii_lowercase, ascii_uppercase, digits

import re2

from guides.mail.secret import Secret

# The parts of the providers' patterns: some characters of a class, or one character that may be optional.
_PART = re.compile(r"\[(a-z|A-Z|0-9|a-z0-9|a-zA-Z0-9|A-Za-z0-9)\](?:\{(\d{1,2})\})?|([A-Za-z0-9 -])(\?)?")
_SIGNS = {"a-z": ascii_lowercase, "A-Z": ascii_uppercase, "0-9": digits[1:] + "0"}
_OTHER_SIGNS = ascii_lowercase + digits


def matches_format(pattern: str, secret: Secret) -> bool:
    """Whether the whole password matches `pattern` (RE2); "" matches all."""
    return not pattern or re2.fullmatch(pattern, secret.utf8().decode()) is not None


def example_password(pattern: str) -> str:
    """A made-up password that matches, such as `abcd efgh ijkl mnop`; "" when the pattern is too complex."""
    body = pattern.removeprefix("^").removesuffix("$")
    signs = {name: cycle(alphabet) for name, alphabet in _SIGNS.items()}
    made, position = "", 0
    while position < len(body):
        part = _PART.match(body, position)
        if part is None:
            return ""
        name, count, literal, _ = part.groups()
        source = signs.setdefault(name, cycle(_OTHER_SIGNS)) if name else cycle(literal)
        made += "".join(next(source) for _ in range(int(count or 1)))
        position = part.end()
    return made if made and re2.fullmatch(pattern, made) else ""
