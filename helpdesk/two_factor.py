"""Staff's second factor (django-otp): a code of an authenticator program (TOTP, RFC 6238), or a recovery code.

One page for all of it: it asks for a code after the password, or sets the second factor up, or shows what there is.
Codes are guessed in vain: django-otp makes each device wait longer after each wrong one (1, 2, 4, ... seconds).
"""

from __future__ import annotations

import logging
from typing import Any

import django_otp
import segno
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

logger = logging.getLogger(__name__)

RECOVERY_CODES = 10
_TOTP_DIGITS = 6


def is_asked(user: Any) -> bool:
    """Whether a sign-in of this account needs more than its password."""
    return settings.STAFF_TWO_FACTOR or _has_device(user)


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask for a code, or set the second factor up. `context` is the admin's own."""
    user: Any = request.user
    context |= {"title": _("Two-factor sign-in"), "error": ""}
    if _has_device(user):
        if not user.is_verified():
            return _ask(request, context)
        if request.method == "POST":
            context["recovery_codes"] = _new_recovery_codes(user)
        context["codes_left"] = sum(device.token_set.count() for device in _recovery_devices(user))
        return _answer(request, context)
    return _set_up(request, context)


def _ask(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    context["asks"] = True
    if request.method == "POST":
        device = _device_of_code(request.user, _typed(request))
        if device is not None:
            django_otp.login(request, device)
            return HttpResponseRedirect(reverse("admin:index"))
        context["error"] = _refused(request)
    return _answer(request, context)


def _set_up(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    user: Any = request.user
    with transaction.atomic():
        device, _new = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "TOTP"})
        if request.method == "POST":
            if device.verify_token(_typed(request)):
                device.confirmed = True
                device.save()
                context["recovery_codes"] = _new_recovery_codes(user)
                context["codes_left"] = RECOVERY_CODES
                request.session.cycle_key()
                django_otp.login(request, device)
                return _answer(request, context)
            context["error"] = _refused(request)
    address = device.config_url
    context["qr"] = mark_safe(segno.make(address).svg_inline(scale=5, border=4, light="white"))  # noqa: S308  # our own
    context["secret"] = address.partition("secret=")[2].partition("&")[0]
    return _answer(request, context)


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, "admin/two_factor.html", context, status=422 if context["error"] else 200)


def _typed(request: HttpRequest) -> str:
    return "".join(request.POST.get("code", "")[:100].split()).lower()


def _refused(request: HttpRequest) -> str:
    logger.warning("Staff sign-in refused: wrong code, account %s, from %s", request.user, request.META["REMOTE_ADDR"])
    return _("This code is not right, or was used already. Please wait for the next one and try again.")


def _has_device(user: Any) -> bool:
    """An authenticator; recovery codes alone are none."""
    return bool(TOTPDevice.objects.devices_for_user(user, confirmed=True).exists())


def _recovery_devices(user: Any) -> Any:
    return StaticDevice.objects.devices_for_user(user, confirmed=True)


def _device_of_code(user: Any, code: str) -> Any:
    """The device that takes this code. A wrong code of an authenticator makes the recovery codes wait for nothing."""
    is_totp = code.isdecimal() and len(code) == _TOTP_DIGITS
    devices = TOTPDevice.objects.devices_for_user(user, confirmed=True) if is_totp else _recovery_devices(user)
    with transaction.atomic():
        return next((device for device in devices.select_for_update() if device.verify_token(code)), None)


def _new_recovery_codes(user: Any) -> list[str]:
    """Ten new codes, each for one sign-in. Older ones do not count any more."""
    with transaction.atomic():
        _recovery_devices(user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery codes")
        return [
            device.token_set.create(token=device.token_set.model.random_token()).token
            for _each in range(RECOVERY_CODES)
        ]
