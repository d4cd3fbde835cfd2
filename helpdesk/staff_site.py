"""Staff's pages: Django's admin, with what the operator should know."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from helpdesk import proxies
from helpdesk.sign_in import SignInForm


class StaffSite(AdminSite):
    """Django's site, with a limit on wrong passwords and notices for those who run the portal."""

    login_form = SignInForm

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Proxies that TRUSTED_PROXIES does not name, for those who may change everything."""
        may_know = getattr(request.user, "is_superuser", False)
        return super().each_context(request) | {"unnamed_proxies": proxies.unnamed() if may_know else []}
