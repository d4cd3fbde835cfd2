"""All routes: those for operation, the staff's, and the portal's."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from helpdesk import health

urlpatterns = [
    # /livez /readyz /robots.txt
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("robots.txt", health.robots, name="robots"),
    # ADMIN_PATH
    path(f"{settings.ADMIN_PATH}/", admin.site.urls),
    # everything that visitors see
    path("", include("guides.urls")),
]
