"""Staff's pages: Django's admin, with what the operator should know."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from helpdesk import proxies, single_sign_on, two_factor
from helpdesk.sign_in import SignInForm


class StaffSite(AdminSite):
    """Django's site, with a second factor, a limit on wrong passwords, and notices for those who run the portal."""

    login_form = SignInForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff with their second factor, where one is asked for."""
        user: Any = request.user
        if not super().has_permission(request):
            return False
        return user.is_verified() or single_sign_on.has_signed_in(request) or not two_factor.is_asked(user)

    def get_urls(self) -> list[Any]:
        """Django's, the page of the second factor, and the lists of own domains."""
        from guides.views import own_domains  # not before the models are there

        return [
            path("two-factor/", never_cache(csrf_protect(self.two_factor)), name="two_factor"),
            path("own-domains/", self.admin_view(own_domains.index), name="own_domains"),
            path("own-domains/<str:domain>/", self.admin_view(own_domains.of_domain), name="own_domain"),
            *super().get_urls(),
        ]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Name and password first; then the second factor."""
        if request.method == "GET" and super().has_permission(request) and not self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:two_factor"))
        return super().login(request, extra_context)

    def two_factor(self, request: HttpRequest) -> HttpResponse:
        """For staff who have given their password."""
        if not super().has_permission(request):
            return HttpResponseRedirect(reverse("admin:login"))
        return two_factor.page(request, self.each_context(request))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Proxies that TRUSTED_PROXIES does not name, for those who may change everything."""
        may_know = getattr(request.user, "is_superuser", False)
        return super().each_context(request) | {
            "single_sign_on": bool(settings.OIDC_ISSUER),
            "unnamed_proxies": proxies.unnamed() if may_know else [],
        }
