"""gunicorn's configuration: stock `gthread`, one process of many threads, because a test waits more than it works.

With Django's synchronous middleware, async workers served pages at a sixth of gthread's rate. One process keeps the
default set-up's rate limits exact, since its cache is local memory; more processes want CACHE_URL (docs/scale.md).
"""

import ipaddress
import os
import shutil
import tempfile
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger

from helpdesk.client_sockets import ListeningSocket, stop_accepting
from helpdesk.env import Env, mapped
from helpdesk.logs import formatter

_env = Env()
_LOOPBACK = (ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("::1"))

wsgi_app = "helpdesk.wsgi:application"
control_socket_disable = True
raw_env = ["DATABASE_LIMITS=on"]  # for pages only: commands run in processes of their own
_host = _env.text("HOST", "127.0.0.1")
_port = _env.number("PORT", 8000, least=1, most=65535)
bind = f"{_host}:{_port}"
worker_class = "gthread"
workers = _env.number("WEB_CONCURRENCY", 1, least=1, most=64)
threads = _env.number("WEB_THREADS", 256, least=4, most=2000)
worker_connections = threads * 4
timeout = 90
graceful_timeout = 15  # connection tests end before (guides.runtime.STOP_SECONDS)
keepalive = 5
max_requests = 0
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108  # heartbeats must not wait for a disk
# A socket for both families (HOST=[::]) sees a proxy's IPv4 address as an IPv4-mapped one.
_proxies = _env.networks("TRUSTED_PROXIES") or _LOOPBACK
forwarded_allow_ips = ",".join(str(each) for network in _proxies for each in {network, mapped(network)})
forwarder_headers = ""  # gunicorn's own default takes SCRIPT_NAME and PATH_INFO from headers that a proxy may pass on
limit_request_line = 4094
limit_request_fields = 60


_log_format = _env.one_of("LOG_FORMAT", "line", "json")
SETTING_NAMES = frozenset(_env.asked)


class AddressFreeLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Masks mail addresses in paths, in the access log and where gunicorn reports a fault."""

    def setup(self, cfg: Config) -> None:
        """Replace the formatters that gunicorn has set."""
        super().setup(cfg)
        for logger, line in ((self.error_log, self.error_fmt), (self.access_log, self.access_fmt)):
            for handler in logger.handlers:
                handler.setFormatter(formatter(_log_format, line, self.datefmt))


logger_class = AddressFreeLogger
# No query string, no referrer, no address of a visitor.
accesslog = "-"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s %(M)sms %({x-request-id}o)s"


def on_starting(server: Any) -> None:
    """Where the workers' counts meet (guides/metrics.py). Each gunicorn has a folder of its own, gone when it ends."""
    server.metrics_folder = tempfile.mkdtemp(prefix="helpdesk-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = server.metrics_folder


def child_exit(server: Any, worker: Any) -> None:
    """A worker has ended: what it had under way is under way no more. Its counts stay."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid, server.metrics_folder)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """The counts end with the gunicorn; Prometheus expects counters that begin anew."""
    shutil.rmtree(server.metrics_folder, ignore_errors=True)


def post_worker_init(worker: Any) -> None:
    """Before the first request: give connections time limits, and compile the rules for pasted texts.

    Rules that the first texts compile are compiled by each of their threads at once: 256 took minutes and 1.5 GB.
    """
    from guides import runtime  # after the fork
    from guides.mail.diagnosis import judging

    worker.sockets = [ListeningSocket.taken_from(each) for each in worker.sockets]
    stop_accepting(worker, runtime.begin_stop)
    judging.compile_rules()
