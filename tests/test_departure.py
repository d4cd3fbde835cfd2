"""Whether a visitor's connection looks closed, seen without reading or writing."""

from __future__ import annotations

import socket

from guides.views.streams import departure


def test_outside_gunicorn_nobody_can_tell() -> None:
    assert departure({}) is None


def test_a_connection_looks_closed_when_the_other_side_has_ended_it() -> None:
    here, there = socket.socketpair()
    has_left = departure({"gunicorn.socket": here})
    assert has_left is not None
    assert not has_left()
    there.sendall(b"more")  # a request that comes early is no farewell
    assert not has_left()
    there.close()
    assert has_left()
    assert here.recv(10) == b"more"
    here.close()
    assert not has_left()  # closed by this side: nobody waits for an answer
