"""The portal run twice behind nginx, as `deploy/nginx.conf` and docs/scale.md say."""

from __future__ import annotations

import getpass
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.servers import ROOT, Server, portal, serve
from tests.portal import free_port
from tests.redis import LiveRedis

CONFIGURATION = ROOT / "deploy" / "nginx.conf"
# Around the shipped file: what Debian's /etc/nginx/nginx.conf says, in a folder of the benchmark's own.
MAIN = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/helpdesk.conf;
}}
"""


@contextmanager
def two_processes(data: Path, **settings: str) -> Iterator[tuple[Server, Server, Server]]:
    """The proxy, the pages' process and the tests' process, which share a cache of Redis."""
    folder = data.parent
    with ExitStack() as stack:
        shared = settings | {"CACHE_URL": stack.enter_context(LiveRedis(folder / "redis")).url}
        pages = stack.enter_context(portal(data, **shared))
        tests = stack.enter_context(portal(data, **shared))
        proxy = stack.enter_context(nginx(folder, pages.port, tests.port))
        yield proxy, pages, tests


@contextmanager
def nginx(folder: Path, pages: int, tests: int) -> Iterator[Server]:
    """The shipped configuration in front of the portal's two ports."""
    port, plain = free_port(), free_port()
    (folder / "helpdesk.conf").write_text(filled_in(folder, port, plain, pages, tests))
    main = folder / "nginx.conf"
    main.write_text(MAIN.format(folder=folder, user=getpass.getuser()))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with serve([program, "-p", folder, "-c", main], folder / "nginx.log", port, "/livez") as server:
        yield server


def filled_in(folder: Path, port: int, plain: int, pages: int, tests: int) -> str:
    """The shipped configuration on ports of loopback, without TLS, with its logs in `folder`."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    for shipped, ours in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port}"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{pages};"),
        ("server 127.0.0.1:8001;", f"server 127.0.0.1:{tests};"),
        ("/var/log/nginx", str(folder)),
    ):
        assert shipped in text, shipped
        text = text.replace(shipped, ours)
    dropped = ("listen [::]:", "ssl_")
    return "".join(line for line in text.splitlines(keepends=True) if not line.strip().startswith(dropped))
