"""The cache of one process."""

from __future__ import annotations

import time

import pytest

from helpdesk.memory import ProcessCache


def test_many_are_those_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ProcessCache("test_process_cache", {})
    store.set("a key with blanks and ü", 1, timeout=60)
    store.set("none", None, timeout=60)
    store.set("short", 3, timeout=1)
    keys = ["a key with blanks and ü", "none", "short", "absent"]
    assert store.get_many(keys) == {"a key with blanks and ü": 1, "none": None, "short": 3}
    assert store.get_many(["short"], version=2) == {}
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2)
    assert store.get_many(keys) == {"a key with blanks and ü": 1, "none": None}
    store.clear()
    assert store.get_many(keys) == {}
