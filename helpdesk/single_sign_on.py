"""Staff sign in with their organisation's account (OpenID Connect, mozilla-django-oidc), where OIDC_ISSUER names it.

An account must exist here, be staff, and have the mail address that the organisation vouches for: none is made, and
rights are given here. Which factors it takes is the organisation's affair, so no code is asked for after it.
"""

from __future__ import annotations

import logging
from typing import Any

import jwt
import requests
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView

logger = logging.getLogger(__name__)

_SIGNED_IN = "single_sign_on"


def has_signed_in(request: HttpRequest) -> bool:
    """Whether this session began with the organisation's account."""
    return bool(request.session.get(_SIGNED_IN))


class StaffBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # untyped
    """Finds the staff account of an ID token (OpenID Connect Core 1.0, section 3.1.3.7)."""

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> AbstractBaseUser | None:
        """The account, or None, with the reason in the log: a provider that is away is no fault of ours."""
        if request is None or not kwargs.get(
            "nonce"
        ):  # a password's sign-in asks all backends; only Callback has a nonce
            return None
        try:
            user: AbstractBaseUser | None = super().authenticate(request, **kwargs)
        except (requests.RequestException, jwt.PyJWTError, SuspiciousOperation, KeyError, ValueError) as error:
            logger.warning("Staff sign-in refused: single sign-on failed: %s", type(error).__name__)
            return None
        if user is None:
            logger.warning("Staff sign-in refused: single sign-on with no staff account here")
        return user

    def verify_token(self, token: str, **kwargs: Any) -> Any:
        """The token's content. mozilla-django-oidc checks signature, time and nonce, not issuer and audience."""
        payload = super().verify_token(token, **kwargs)
        audience = payload.get("aud")
        if payload.get("iss") != settings.OIDC_ISSUER or "exp" not in payload:
            raise SuspiciousOperation("an ID token of another issuer, or without an end")
        if settings.OIDC_RP_CLIENT_ID not in (audience if isinstance(audience, list) else [audience]):
            raise SuspiciousOperation("an ID token for another client")
        self._subject = payload.get("sub")
        return payload

    def verify_claims(self, claims: Any) -> bool:
        """The address must be one that the provider has verified, and the subject that of the ID token."""
        return bool(claims.get("email")) and claims.get("email_verified") is True and claims.get("sub") == self._subject

    def filter_users_by_claims(self, claims: Any) -> QuerySet[Any]:
        """Staff alone."""
        users: QuerySet[Any] = super().filter_users_by_claims(claims)
        return users.filter(is_staff=True, is_active=True)


class Callback(OIDCAuthenticationCallbackView):  # type: ignore[misc]  # untyped
    """Where the provider sends staff back to."""

    def login_success(self) -> HttpResponseBase:
        """Note how the session began."""
        response: HttpResponseBase = super().login_success()
        self.request.session[_SIGNED_IN] = True
        return response

    def login_failure(self) -> HttpResponseBase:
        """Back to the sign-in, with a sentence."""
        messages.error(self.request, _("Signing in with your organisation's account did not work."))
        response: HttpResponseBase = super().login_failure()
        return response
