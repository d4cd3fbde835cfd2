"""The type that holds a password, from the form to the protocol encoder.

Django's error reports show plain strings in the locals of threads and coroutines and in dicts, and UnicodeEncodeError
shows the first characters of its text. A `Secret` does not reveal its value in any of these.
"""

from __future__ import annotations

from typing import NoReturn

FORBIDDEN = ("\r", "\n", "\0")


class SecretFault(ValueError):  # noqa: N818
    """A password cannot be sent: it holds CR, LF, NUL or a lone surrogate. Carries no part of it."""


class Secret:
    """A password. Only `utf8()` returns it; repr, str, format, pickle, copy and comparison do not reveal it."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        if any(char in value for char in FORBIDDEN):
            raise SecretFault("control character")
        try:
            self.__value = value.encode("utf-8")
        except UnicodeEncodeError:
            fault = True
        else:
            fault = False
        if fault:  # raised outside the handler, so that no traceback chain holds the text
            raise SecretFault("not text")

    def utf8(self) -> bytes:
        """The password as it is sent: UTF-8, unchanged."""
        return self.__value

    def __repr__(self) -> str:
        return "<Secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not copied or stored")

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__
