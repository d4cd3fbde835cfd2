"""Visitors' connections that are slow or never finish a request, and how a portal answers meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from typing import Protocol

ADDRESS = "127.0.0.1"
_HEAD = "Host: 127.0.0.1\r\nUser-Agent: slow\r\n"
_FORM = f"POST /en/errors/find/ HTTP/1.1\r\n{_HEAD}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\n"
_PAGE = f"GET /en/errors/ HTTP/1.1\r\n{_HEAD}"

# What each connection sends at once. Those that send more in time send a byte a second.
KINDS = {
    "half-sent head": _PAGE,
    "half-sent body": f"{_FORM}text=550+5.",
    "one byte a second": _FORM,
    "idle": f"{_PAGE}\r\n",
    "reader that never reads": f"{_PAGE}\r\n" * 200,
    "finished and left open": f"{_PAGE}Connection: close\r\n\r\n",
}
# Kinds that are answered come one after the other: 400 pages asked for at one moment are a load, and not slow visitors.
_SECONDS_APART = dict.fromkeys(("idle", "reader that never reads", "finished and left open"), 0.05)


class Portal(Protocol):
    """What listens on a port of 127.0.0.1."""

    port: int


@contextmanager
def connections(port: int, kind: str, number: int) -> Iterator[list[socket.socket]]:
    """So many connections of a kind, open until the end."""
    with ExitStack() as stack:
        opened = []
        for _ in range(number):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.settimeout(5)
            # A server that takes no more connections, or no more octets, has what it needs to show a fault.
            with suppress(OSError):
                client.connect((ADDRESS, port))
                client.setblocking(False)
                client.send(KINDS[kind].encode())
            opened.append(client)
            time.sleep(_SECONDS_APART.get(kind, 0))
        ended = threading.Event()
        if kind == "one byte a second":
            thread = threading.Thread(target=_trickle, args=(opened, ended))
            thread.start()
            stack.callback(thread.join)
        stack.callback(ended.set)
        yield opened


def _trickle(clients: list[socket.socket], ended: threading.Event) -> None:
    while not ended.wait(1):
        for client in clients:
            with suppress(OSError):
                client.send(b"a")


def page_seconds(port: int, timeout: float) -> float:
    """How long a page takes over a connection of its own; infinite when it does not come in time."""
    started = time.monotonic()
    connection = HTTPConnection(ADDRESS, port, timeout=timeout)
    try:
        connection.request("GET", "/en/guides/", headers={"Host": "127.0.0.1"})
        response = connection.getresponse()
        response.read()
    except OSError:
        return float("inf")
    finally:
        connection.close()
    return time.monotonic() - started if response.status == 200 else float("inf")


def slowest_page(port: int, seconds: float) -> float:
    """The longest time of a page, asked for twice a second for so long."""
    slowest = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        slowest = max(slowest, page_seconds(port, 30))
        time.sleep(0.5)
    return slowest


def answers_again_after(port: int, most: float) -> float:
    """Seconds until three pages in a row take less than a second each; infinite when that takes longer than `most`."""
    started = time.monotonic()
    in_a_row = 0
    while time.monotonic() - started < most:
        in_a_row = in_a_row + 1 if page_seconds(port, 1) < 1 else 0
        if in_a_row == 3:
            return time.monotonic() - started
        time.sleep(0.1)
    return float("inf")
