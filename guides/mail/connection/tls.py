"""TLS for the channel: the negotiated parameters, and the class of a failed handshake."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from guides.mail.connection.limits import ChannelFault

MAX_NAME = 200
MOST_CERTIFICATES = 500  # cached descriptions


@dataclass(frozen=True, slots=True)
class TlsInfo:
    """The negotiated parameters. `not_after` and `issuer` are known only for a verified certificate."""

    protocol: str
    cipher: str
    not_after: datetime | None = None
    issuer: str = ""


def looks_like_tls(data: bytes | bytearray) -> bool:
    """Whether `data` begins like a TLS record (RFC 8446 section 5.1): a content type, then major version 3."""
    return 0x14 <= data[0] <= 0x17 and (len(data) < 2 or data[1] == 3)


def tls_info(session: ssl.SSLObject) -> TlsInfo:
    """Describe a session after its handshake."""
    cipher = session.cipher()
    not_after, issuer = _of_certificate(session)
    return TlsInfo(session.version() or "", cipher[0] if cipher else "", not_after, issuer)


_read: dict[bytes, tuple[datetime | None, str]] = {}


def _of_certificate(session: ssl.SSLObject) -> tuple[datetime | None, str]:
    """End of validity and issuer of a verified certificate. Cached, as most tests connect to the same few servers."""
    der = session.getpeercert(binary_form=True)
    if der is None or session.context.verify_mode is ssl.CERT_NONE:
        return None, ""
    known = _read.get(der)
    if known is None:
        certificate = session.getpeercert() or {}
        not_after = certificate.get("notAfter")
        until = datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC) if isinstance(not_after, str) else None
        known = until, _shown_name(certificate.get("issuer", ()))
        if len(_read) >= MOST_CERTIFICATES:
            _read.clear()
        _read[der] = known
    return known


def sent_chain(session: ssl.SSLObject) -> list[bytes]:
    """The certificates that the server sent, its own first, in DER.

    `get_unverified_chain` is public since Python 3.13; before, only the inner object has it.
    """
    if hasattr(session, "get_unverified_chain"):
        return list(session.get_unverified_chain())
    chain = session._sslobj.get_unverified_chain() or ()  # type: ignore[attr-defined]
    return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain]


# X509_V_ERR_... of OpenSSL's x509_vfy.h
_BY_VERIFY_CODE = {
    9: "tls.cert_not_yet",
    10: "tls.cert_expired",
    18: "tls.cert_self_signed",
    19: "tls.unknown_ca",  # the chain is complete and ends in an untrusted root
    62: "tls.cert_hostname",
    64: "tls.cert_hostname",
    66: "tls.weak_key",
    67: "tls.weak_key",
    68: "tls.weak_sig",
}

_BY_REASON = {
    "tls.not_tls": {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL"},
    "tls.protocol_version": {
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",  # no RFC 5746: a server of the same age
        "UNSUPPORTED_PROTOCOL",
        "VERSION_TOO_LOW",
    },
    "tls.no_cipher": {
        "NO_CIPHERS_AVAILABLE",
        "NO_SHARED_CIPHER",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "SSL/TLS_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_INSUFFICIENT_SECURITY",
        "WRONG_CIPHER_RETURNED",
    },
    "tls.cert_hostname": {"TLSV1_UNRECOGNIZED_NAME"},  # the server has no certificate for that name at all
    "tls.weak_key": {"BAD_DH_VALUE", "DH_KEY_TOO_SMALL", "EE_KEY_TOO_SMALL"},
    "tls.weak_sig": {"CA_MD_TOO_WEAK", "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED", "WRONG_SIGNATURE_TYPE"},
    "tls.cert_too_large": {"EXCESSIVE_MESSAGE_SIZE"},
}
_CAUSE_OF_REASON = {reason: cause for cause, reasons in _BY_REASON.items() for reason in reasons}


def tls_fault(error: ssl.SSLError) -> ChannelFault:
    """The fault for a failed handshake. The evidence is OpenSSL's name of the error, for administrators."""
    if isinstance(error, ssl.SSLCertVerificationError):
        cause = _BY_VERIFY_CODE.get(error.verify_code, "tls.chain_or_unknown_ca")
        return ChannelFault(cause, str(error.verify_message).encode())
    reason = error.reason or ""
    return ChannelFault(_CAUSE_OF_REASON.get(reason, "tls.eof"), reason.encode())


def _shown_name(name: object) -> str:
    """Organisation and common name of a distinguished name, as `getpeercert` returns it."""
    parts: dict[str, str] = {}
    if isinstance(name, Iterable):
        for ((key, value),) in name:
            parts[key] = value
    shown = [parts[key] for key in ("organizationName", "commonName") if key in parts]
    return ", ".join(dict.fromkeys(shown))[:MAX_NAME]
