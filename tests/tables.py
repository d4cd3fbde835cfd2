"""Tables of data as one test each, whose rows are pytest's subtests."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def each_row(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize`, but one test: it goes on behind a row that fails, and names each of these.

    All rows share the test's fixtures, so that it is for checks that leave nothing behind.
    """
    columns, table = (names,) if isinstance(names, str) else names, tuple(rows)
    assert table, "a table without rows checks nothing"

    def over_rows(check: Callable[..., None]) -> Callable[..., None]:
        def test(*instance: Any, subtests: pytest.Subtests, **fixtures: Any) -> None:
            for row in table:
                values = (row,) if isinstance(names, str) else row
                with subtests.test(" ".join(getattr(value, "name", None) or _SHORT.repr(value) for value in values)):
                    check(*instance, **fixtures, **dict(zip(columns, values, strict=True)))

        # pytest reads here which fixtures the test wants.
        parameters = inspect.signature(check).parameters
        fixtures = [parameter for name, parameter in parameters.items() if name not in columns]
        subtests = inspect.Parameter("subtests", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        test.__signature__ = inspect.Signature([*fixtures, subtests])  # type: ignore[attr-defined]
        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        test.__dict__.update(check.__dict__)  # marks
        return test

    return over_rows
