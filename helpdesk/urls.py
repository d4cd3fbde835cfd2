"""All routes: those for operation, the staff's, and the portal's."""

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from guides.urls import DIRECT, PAGES
from helpdesk import health

handler400 = "guides.views.error_pages.bad_request"
handler404 = "guides.views.error_pages.not_found"
handler500 = "guides.views.error_pages.server_error"

urlpatterns = [
    # /livez /readyz /robots.txt
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("robots.txt", health.robots, name="robots"),
    # ADMIN_PATH
    path(f"{settings.ADMIN_PATH}/", admin.site.urls),
    # / /go/<client>/
    path("", include(DIRECT)),
    # /<lang>/
    *i18n_patterns(path("", include(PAGES))),
]
