"""gunicorn as the portal configures it: what it believes of a proxy's headers."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path

from gunicorn.config import Config
from gunicorn.http.message import _ip_in_allow_list

from helpdesk import gunicorn
from tests.portal import LivePortal


def test_a_path_in_a_header_is_not_believed(tmp_path: Path) -> None:
    with LivePortal(tmp_path, {"TRUSTED_PROXIES": "127.0.0.1"}) as portal:
        connection = HTTPConnection("127.0.0.1", portal.port, timeout=20)
        connection.request("GET", "/x/en/", headers={"SCRIPT_NAME": "/x"})
        assert connection.getresponse().status == 404
        connection.close()
        connection.request("GET", "/en/guides/", headers={"SCRIPT_NAME": "/evil", "PATH_INFO": "/en/errors/"})
        response = connection.getresponse()
        assert response.status == 200
        assert b"/evil" not in response.read()
        connection.close()


def test_an_ipv4_proxy_is_trusted_on_a_socket_for_both_families() -> None:

    config = Config()
    config.set("forwarded_allow_ips", gunicorn.forwarded_allow_ips)
    for address, is_trusted in (("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("::1", True), ("192.0.2.1", False)):
        networks = config.forwarded_allow_networks()
        assert _ip_in_allow_list(address, config.forwarded_allow_ips, networks) is is_trusted
