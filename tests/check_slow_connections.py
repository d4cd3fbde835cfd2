"""400 slow or unfinished connections of each kind, to the default set-up and to the proxy (`make slow`; ten minutes).

Not part of `make test`; the short form is tests/test_slow_connections.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.proxy import two_processes
from benchmarks.servers import loaded_data
from helpdesk import client_sockets
from tests.portal import LivePortal
from tests.slow_connections import KINDS, answers_again_after, connections, page_seconds, slowest_page

NUMBER = 400
LIMITS = {
    "half-sent head": client_sockets.HEAD_SECONDS,
    "half-sent body": client_sockets.REQUEST_SECONDS,
    "one byte a second": client_sockets.REQUEST_SECONDS,
    "idle": client_sockets.HEAD_SECONDS,
    "reader that never reads": client_sockets.SEND_SECONDS,
    "finished and left open": client_sockets.HEAD_SECONDS,
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with LivePortal(tmp_path_factory.mktemp("slow") / "portal") as running:
        yield running


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with two_processes(loaded_data(tmp_path_factory.mktemp("proxy"))) as (nginx, _pages, _tests):
        yield nginx.port


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_set_up_answers_again_within_10_s_after_the_limit(portal: LivePortal, kind: str) -> None:
    limit = LIMITS[kind]
    with connections(portal.port, kind, NUMBER):
        seconds = answers_again_after(portal.port, limit + 60)
        print(f"{kind}: answers again after {seconds:.1f} s, the limit is {limit:.0f} s")
        assert seconds < limit + 10
    after = page_seconds(portal.port, 30)
    print(f"{kind}: a page after they have left: {after:.2f} s")
    assert after < 10


@pytest.mark.parametrize("kind", KINDS)
def test_the_proxy_answers_throughout(proxy: int, kind: str) -> None:
    with ThreadPoolExecutor(1) as visitor:
        slowest = visitor.submit(slowest_page, proxy, 50)
        with connections(proxy, kind, NUMBER):
            seconds = slowest.result()
    print(f"{kind}, proxy: slowest page {seconds:.2f} s")
    assert seconds < 1
