"""Staff's sign-in: wrong passwords are limited for each account and each address, and each has a line in the log.

The windows are those of connection tests (`guides.limits.counters`), in the shared cache. django-axes was not taken: it
stores names and addresses in tables, and locks an account for its owner too. Here an address from which an account has
signed in has a count of its own, so strangers who guess at the account do not lock its owner out. A sign-in is counted
before the password is hashed, so that guesses at the same moment are limited too and cost no processor.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from guides.limits.counters import RateLimited, Window, check, count, uncount
from guides.limits.rate_limits import visitor_name
from guides.limits.shared_cache import Refused, cache_optional, keyed_hash, shared_cache

logger = logging.getLogger(__name__)

PER_ADDRESS = Window("sign_in_address", 10, 600)
PER_ACCOUNT = Window("sign_in_account", 10, 600)
KNOWN_SECONDS = 30 * 86400


class SignInForm(AdminAuthenticationForm):
    """Django's form of the admin, which refuses after ten wrong passwords in 10 minutes."""

    error_messages = AdminAuthenticationForm.error_messages | {
        "limited": _("Too many attempts to sign in. Please try again in %(minutes)s min."),
        "unavailable": _("Signing in is not possible at the moment. Please try again in a minute."),
    }

    def clean(self) -> dict[str, Any]:
        """Count the attempt, then check name and password. A sign-in that succeeds is taken back."""
        ip = self.request.META["REMOTE_ADDR"] if self.request is not None else "127.0.0.1"
        name = self.cleaned_data.get("username", "")
        account = keyed_hash("staff", name.casefold())
        visitor = visitor_name(ip)
        known = f"signed-in:{account}:{visitor}"
        try:
            with shared_cache() as cache:
                subject = f"{account}:{visitor}" if cache.get(known) else account
            windows = [(PER_ADDRESS, visitor), (PER_ACCOUNT, subject)]
            counted = [count(window, each) for window, each in windows]
            try:
                check(windows, own=1)
            except RateLimited:
                for key in counted:
                    uncount(key)
                raise
        except Refused as error:
            self._log("too many attempts" if isinstance(error, RateLimited) else "no cache", name, ip)
            code = "limited" if isinstance(error, RateLimited) else "unavailable"
            minutes = {"minutes": max(1, round(error.retry_after / 60))}
            raise forms.ValidationError(self.error_messages[code], code, minutes) from None
        try:
            cleaned = super().clean()
        except forms.ValidationError:
            self._log("wrong name or password", name, ip)
            raise
        with cache_optional("a sign-in of staff counts as a wrong password"), shared_cache() as cache:
            for key in counted:
                uncount(key)
            cache.set(known, True, KNOWN_SECONDS)
        return cleaned

    def _log(self, reason: str, name: str, ip: str) -> None:
        """A name that no account has is not written down: it may be a password in the wrong field."""
        exists = get_user_model()._default_manager.filter(username=name).exists()
        logger.warning("Staff sign-in refused: %s, account %s, from %s", reason, name if exists else "unknown", ip)


def log_signed_in(request: HttpRequest, user: AbstractBaseUser, **_: Any) -> None:
    """A line for each sign-in, by password or by single sign-on; a second factor that is asked for comes after it."""
    logger.info("Staff signed in: account %s, from %s", user.get_username(), request.META.get("REMOTE_ADDR"))


def end_session_after_limit(request: HttpRequest, **_: Any) -> None:
    """A session ends SESSION_COOKIE_AGE seconds after its sign-in, however much it is used. (Django's own limit starts
    anew with each change of the session.)
    """
    request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
