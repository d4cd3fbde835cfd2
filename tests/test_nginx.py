"""The shipped configuration of nginx: security headers on the answers that the portal does not make."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path

from benchmarks.proxy import nginx
from tests.portal import LivePortal

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def test_every_answer_has_security_headers_once(tmp_path: Path) -> None:
    def answer(method: str, path: str, body: bytes = b"") -> tuple[int, list[tuple[str, str]]]:
        connection = HTTPConnection("127.0.0.1", proxy.port, timeout=20)
        connection.request(method, path, body, {"Host": "localhost"})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, response.getheaders()

    with LivePortal(tmp_path / "portal") as portal, nginx(tmp_path, portal.port, portal.port) as proxy:
        gunicorn = answer("GET", "/" + "a" * 5000)
        by_nginx = answer("POST", "/en/errors/find/", b"a" * 1_300_000)
        page = answer("GET", "/en/")
    for (status, headers), expected in ((gunicorn, 414), (by_nginx, 413)):
        assert status == expected
        assert HEADERS.items() <= dict(headers).items()
        assert all("gunicorn" not in value for _name, value in headers)
    status, headers = page
    names = [name for name, _value in headers if name in HEADERS]
    assert (status, sorted(names)) == (200, sorted(HEADERS))
    assert "script-src 'self'" in dict(headers)["Content-Security-Policy"]
