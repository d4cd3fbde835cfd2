"""The certificate and key that Apple profiles are signed with, from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from guides.mail.publish.signing import ProfileSigner


def signer(certificate: str, key: str) -> ProfileSigner | None:
    """A signer, or None when nothing is set. Either value is a path, or PEM itself (`..._FILE`). Stops the start
    with a line that names the setting and holds nothing of the key."""
    if not certificate and not key:
        return None
    if not certificate or not key:
        missing = "PROFILE_SIGNING_KEY" if certificate else "PROFILE_SIGNING_CERT"
        raise ImproperlyConfigured(f"{missing} is missing; profiles are signed with a certificate and its key")
    from guides.mail.publish.signing import ProfileSigner, SigningFault  # not loaded by those who do not sign

    pems = _pem("PROFILE_SIGNING_CERT", certificate), _pem("PROFILE_SIGNING_KEY", key)
    try:
        return ProfileSigner(*pems)
    except SigningFault as error:
        raise ImproperlyConfigured(f"PROFILE_SIGNING_CERT, PROFILE_SIGNING_KEY: {error}") from None


def _pem(name: str, value: str) -> bytes:
    if value.startswith("-----BEGIN "):
        return value.encode()
    try:
        return Path(value).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise ImproperlyConfigured(f"{name}: cannot read the file that it names: {reason}") from None
