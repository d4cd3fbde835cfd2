"""`/metrics` for Prometheus: for those who have METRICS_TOKEN alone, and not there without that setting."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from guides.metrics import PAGES

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def counted(get_response: GetResponse) -> GetResponse:
    """Count each request by its route, which is one of a few; never by its path, which a visitor chooses."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        route = (match.app_names[0] if match.app_names else match.url_name or "unnamed") if match else "none"
        PAGES.labels(route, str(response.status_code)).observe(time.perf_counter() - started)
        return response

    return middleware


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The sums of all processes of this gunicorn, in Prometheus' text format."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse("METRICS_TOKEN is asked for.\n", "text/plain", 401, headers={"WWW-Authenticate": "Bearer"})
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
