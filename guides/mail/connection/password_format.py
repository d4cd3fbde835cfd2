"""The shape of a provider's password for mail programs: whether a password has it, and what one looks like."""

from __future__ import annotations

import re
from itertools import cycle
from string import ascii_lowercase, ascii_uppercase, digits

import re2

from guides.mail.secret import Secret

# What the providers' rules are made of: so many signs of a class, or one sign that may be left out.
_PART = re.compile(r"\[(a-z|A-Z|0-9|a-z0-9|a-zA-Z0-9|A-Za-z0-9)\](?:\{(\d{1,2})\})?|([A-Za-z0-9 -])(\?)?")
_SIGNS = {"a-z": ascii_lowercase, "A-Z": ascii_uppercase, "0-9": digits[1:] + "0"}
_OTHER_SIGNS = ascii_lowercase + digits


def matches_format(pattern: str, secret: Secret) -> bool:
    """Whether a password has the shape that `pattern` (RE2, over the whole of it) asks for; "" asks for none."""
    return not pattern or re2.fullmatch(pattern, secret.utf8().decode()) is not None


def example_password(pattern: str) -> str:
    """A made-up password of that shape, such as `abcd efgh ijkl mnop`; "" where the pattern is too intricate."""
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
