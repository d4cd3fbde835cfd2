"""What the portal counts for its operator (`/metrics`): numbers by kind, nothing of a visitor, a mailbox or a domain.

With gunicorn the counts of all processes are added up, through files in the folder that PROMETHEUS_MULTIPROC_DIR names
(https://prometheus.github.io/client_python/multiprocess/).
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PAGES = Histogram(
    "helpdesk_request_seconds",
    "Requests: seconds to the answer, or to the first byte of one that grows.",
    ["route", "status"],
    buckets=(0.01, 0.05, 0.25, 1, 5, 30),
)
TESTS = Counter("helpdesk_tests", "Connection tests that have ended.", ["outcome", "cause"])
TESTS_RUNNING = Gauge("helpdesk_tests_running", "Connection tests under way.", multiprocess_mode="livesum")
REFUSALS = Counter(
    "helpdesk_refusals", "Refused tests and look-ups, by limit; “cache”: the shared cache is down.", ["limit"]
)
QUEUE = Histogram(
    "helpdesk_queue_seconds", "Seconds that tests waited for permits for their hosts.", buckets=(0.01, 0.1, 1, 5)
)
BREAKERS = Counter("helpdesk_breakers_opened", "Circuit breakers of mail servers that opened, or stayed open.")
PAGE_CACHE = Counter("helpdesk_page_cache", "Readers' pages from the cache and made anew.", ["result"])
SAVES = Counter("helpdesk_saves", "Changed rows of the library, by staff and by commands of this process.")
