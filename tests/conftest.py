"""What every test gets: no network but loopback, an empty cache; and the lab for those that ask for it."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from guides.limits import process_state
from helpdesk.env import Env
from tests.lab import Lab


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would every program that tests start and interrupt."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an asyncio loop running in this thread until the session ends."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


class OutsideNetworkError(RuntimeError):
    """A test tried to reach a machine that is not this one."""


def _refuse_outside(target: object) -> None:
    if not isinstance(target, tuple):  # a Unix socket's path
        return
    host = str(target[0])
    try:
        inside = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        inside = host in ("", "localhost")
    if not inside:
        raise OutsideNetworkError(f"a test tried to reach {host}; only loopback is allowed")


@pytest.fixture(scope="session", autouse=True)
def no_outside_network() -> Iterator[None]:
    """Connections and datagrams to anything but loopback fail, and so do the system's name look-ups."""
    patch = pytest.MonkeyPatch()

    def guarded(name: str, target_at: int) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def method(self: socket.socket, *arguments: Any) -> Any:
            _refuse_outside(arguments[target_at])
            return original(self, *arguments)

        return method

    for name, target_at in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
        patch.setattr(socket.socket, name, guarded(name, target_at))
    getaddrinfo = socket.getaddrinfo

    def look_up(host: str | bytes | None, *arguments: Any, **options: Any) -> Any:
        _refuse_outside((host.decode() if isinstance(host, bytes) else host or "",))
        return getaddrinfo(host, *arguments, **options)

    patch.setattr(socket, "getaddrinfo", look_up)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Budgets and shared answers that one test has counted do not count in the next."""
    cache.clear()
    process_state.forget()
    caches["pages"].clear()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The mail provider on loopback, started once for all tests of this process."""
    with Lab() as running:
        yield running


@pytest.fixture
def portal_at_lab(lab: Lab, settings: Settings) -> Lab:
    """The lab, with this process's portal set up to find and trust it."""
    env = Env(lab.environment())
    settings.DNS_SERVERS = env.servers("DNS_SERVERS", default_port=53)
    settings.EXTRA_CA_FILE = env.file("EXTRA_CA_FILE")
    settings.ALLOWED_NETWORKS = env.networks("ALLOWED_NETWORKS")
    settings.ALLOWED_PORTS = env.ports("ALLOWED_PORTS")
    settings.ALLOWED_SUFFIXES = frozenset(env.items("ALLOWED_SUFFIXES"))
    settings.EHLO_NAME = env.text("EHLO_NAME")
    return lab


@pytest.fixture(autouse=True)
def pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's test client leaves a page that grows unread, and with it the test; a browser reads all of it."""
    request = Client.request

    def read(self: Client, **details: Any) -> Any:
        response = request(self, **details)
        if not response.streaming or not response["Content-Type"].startswith("text/html"):
            return response
        page = HttpResponse(b"".join(response), status=response.status_code, headers=response.headers)
        for name in ("client", "context", "request", "templates", "wsgi_request"):
            setattr(page, name, getattr(response, name))
        return page

    monkeypatch.setattr(Client, "request", read)
