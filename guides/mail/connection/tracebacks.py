"""Tracebacks without values: an unexpected error may be logged, but not the variables, which may hold a password."""

from __future__ import annotations

import traceback


def without_locals(error: BaseException) -> BaseException:
    """`error` and its causes and contexts, with the local variables of finished frames cleared."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        traceback.clear_frames(part.__traceback__)
        waiting += [part.__cause__, part.__context__]
        if isinstance(part, BaseExceptionGroup):
            waiting += part.exceptions
    return error
