"""Whether the process lives, whether it can serve, and what robots may read."""

from __future__ import annotations

import shutil

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

LEAST_FREE_BYTES = 50 * 1024 * 1024


@require_safe
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing, so that a database outage does not get it restarted."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """The process can serve: database reachable, migrations applied, room on the disk. 503 when one is not."""
    checks = {"database": False, "migrations": False, "disk": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        checks["database"] = True
        executor = MigrationExecutor(connection)
        checks["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        pass  # the answer says which
    checks["disk"] = shutil.disk_usage(settings.DATA_DIR).free >= LEAST_FREE_BYTES
    return JsonResponse(checks, status=200 if all(checks.values()) else 503)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Everything may be read but the staff's pages and the pages that need a form."""
    lines = [
        "User-agent: *",
        f"Disallow: /{settings.ADMIN_PATH}/",
        "Disallow: /*/test/",
        "Disallow: /*/search/",
        "Disallow: /*/operators/",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
