"""gunicorn's configuration: one process of many threads, because tests and pages wait more than they work.

Async workers served pages at a sixth of gthread's rate with Django's synchronous middleware. One process keeps
the default set-up's budgets exact, since its cache is local memory; more of them want CACHE_URL.
"""

import gc
import os
import sys

from helpdesk.env import Env

_env = Env()

wsgi_app = "helpdesk.wsgi:application"
control_socket_disable = True
raw_env = ["DATABASE_LIMITS=on"]  # for pages only: commands run in processes of their own
_host = _env.text("HOST", "127.0.0.1")
_port = _env.number("PORT", 8000, least=1, most=65535)
bind = f"{_host}:{_port}"
worker_class = "helpdesk.worker.Worker"
workers = _env.number("WEB_CONCURRENCY", 1, least=1, most=64)
threads = _env.number("WEB_THREADS", 256, least=4, most=2000)
worker_connections = threads * 4
timeout = 90
graceful_timeout = 65  # a connection test may take 60 s
keepalive = 5
max_requests = 0
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108  # heartbeats must not wait for a disk
forwarded_allow_ips = ",".join(str(network) for network in _env.networks("TRUSTED_PROXIES")) or "127.0.0.1,::1"
limit_request_line = 4094
limit_request_fields = 60
# No query string, no referrer, no address of a visitor.
accesslog = "-"
access_log_format = "%(t)s %(m)s %(U)s %(s)s %(B)s %(M)sms"


def post_worker_init(_worker: object) -> None:
    """Make a process ready for threads that work side by side.

    What was loaded stays for good: the garbage collector need not look through it again and again. What a crowd needs
    goes without it, nearly all of it; looking through that took a tenth of a crowd's processor, and everybody waits
    meanwhile. A thread that wants to go on, say the one that takes connections in, gets Python's lock after half a
    millisecond of another's work; Python's own five, several times for each request, are what a reader would wait for
    in a crowd. (With five while nobody reads, 200 tests ended a tenth sooner, and readers waited twice as long.)
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 5, 10)
    sys.setswitchinterval(0.0005)
