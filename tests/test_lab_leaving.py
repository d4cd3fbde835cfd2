"""A visitor who closes the page in the middle of a test, in a whole portal: it ends within a second."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from guides.mail.accounts import Protocol, Security
from tests.lab import Lab
from tests.lab.hosts import SILENT
from tests.portal import LivePortal

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("headers", ["HX-Request: true\r\nHX-Request-Type: partial\r\n", ""], ids=["htmx", "no-js"])
def test_a_visitor_who_leaves_ends_the_test_within_a_second(tmp_path: Path, lab: Lab, headers: str) -> None:
    server = lab.server(Protocol.IMAP, Security.STARTTLS, SILENT)
    form = {
        "address": lab.people["anna"].address,
        "password": lab.people["anna"].password,
        "imap_host": server.host,
        "imap_port": str(server.port),
        "imap_security": "starttls",
    }
    body = urlencode(form)
    with LivePortal(tmp_path, lab.environment()) as portal:
        with socket.create_connection(("127.0.0.1", portal.port)) as visitor:
            visitor.sendall(
                f"POST /en/test/ HTTP/1.1\r\nHost: 127.0.0.1:{portal.port}\r\n{headers}"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            until = time.monotonic() + 20
            while not lab.connections(SILENT):
                assert time.monotonic() < until
                time.sleep(0.01)
            time.sleep(1.5)
            assert lab.connections(SILENT)  # while they read, it goes on
        left = time.monotonic()
        while lab.connections(SILENT):
            assert time.monotonic() - left < 1
            time.sleep(0.01)
