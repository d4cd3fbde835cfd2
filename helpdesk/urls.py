"""All routes: those for operation, the staff's, and the portal's."""

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import URLPattern, include, path

from guides.urls import DIRECT, PAGES
from helpdesk import health
from helpdesk.operations import metrics

handler400 = "guides.views.error_pages.bad_request"
handler404 = "guides.views.error_pages.not_found"
handler500 = "guides.views.error_pages.server_error"


def single_sign_on() -> list[URLPattern]:
    """Where staff go to their organisation's sign-in, and come back from it; nothing where there is none."""
    if not settings.OIDC_ISSUER:
        return []
    from mozilla_django_oidc.views import OIDCAuthenticationRequestView

    from helpdesk.single_sign_on import Callback

    base = f"{settings.ADMIN_PATH}/oidc"
    return [
        path(f"{base}/authenticate/", OIDCAuthenticationRequestView.as_view(), name="oidc_authentication_init"),
        path(f"{base}/callback/", Callback.as_view(), name="oidc_authentication_callback"),
    ]


urlpatterns = [
    # /livez /readyz /metrics /robots.txt /.well-known/security.txt
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("robots.txt", health.robots, name="robots"),
    path(".well-known/security.txt", health.security_txt, name="security-txt"),
    # ADMIN_PATH
    *single_sign_on(),
    path(f"{settings.ADMIN_PATH}/", admin.site.urls),
    # / /go/<client>/
    path("", include(DIRECT)),
    # /<lang>/
    *i18n_patterns(path("", include(PAGES))),
]
