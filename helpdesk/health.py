"""Whether the process lives, whether it can serve, what robots may read, and whom to tell of a security fault."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from guides.limits.shared_cache import SharedCacheDown, shared_cache

LEAST_FREE_BYTES = 50 * 1024 * 1024
_NEEDED = ("database", "migrations", "disk")


@require_safe
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing, so that a database outage does not get it restarted."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Database reachable, migrations applied, cache reachable, room on the disk, each for itself.

    503 when one is not, but for the cache: without it pages go on, and only tests are refused.
    """
    checks = {"database": False, "migrations": False, "cache": False, "disk": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        checks["database"] = True
        executor = MigrationExecutor(connection)
        checks["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError):
        pass  # the answer says which
    with suppress(SharedCacheDown), shared_cache() as cache:
        cache.get("readyz")
        checks["cache"] = True
    checks["disk"] = shutil.disk_usage(settings.DATA_DIR).free >= LEAST_FREE_BYTES
    return JsonResponse(checks, status=200 if all(checks[name] for name in _NEEDED) else 503)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Everything may be read but the staff's pages and the pages that need a form."""
    lines = [
        "User-agent: *",
        f"Disallow: /{settings.ADMIN_PATH}/",
        "Disallow: /*/search/",
        "Disallow: /*/operators/*/",  # each looks a domain up
        f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a security fault (RFC 9116). Without a contact there is no such file.

    `Expires` is less than a year away, as section 2.5.5 recommends, and moves on while the portal is run.
    """
    if not settings.SECURITY_CONTACT:
        raise Http404
    expires = (datetime.now(UTC) + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    lines = [f"Contact: {settings.SECURITY_CONTACT}", f"Expires: {expires}"]
    if settings.BASE_URL:
        lines.append(f"Canonical: {settings.BASE_URL}/.well-known/security.txt")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
