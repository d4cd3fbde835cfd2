"""A certificate that was not accepted, described: whose it is, for which names, and until when."""

from __future__ import annotations

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.channel import ChannelFault
from guides.mail.connection.session import StageFault
from guides.mail.network import CertificateSummary, Door, Resolution

# OpenSSL says the same for a chain with a gap, an issuer that nobody knows, and often for a certificate that
# signed itself; only a look at the certificate tells them apart.
_CHAIN_CAUSES = frozenset({"tls.chain_or_unknown_ca", "tls.unknown_ca", "tls.chain_incomplete"})

CERTIFICATE_CAUSES = _CHAIN_CAUSES | {
    "tls.cert_self_signed",
    "tls.cert_hostname",
    "tls.cert_expired",
    "tls.cert_not_yet",
    "tls.weak_key",
    "tls.weak_sig",
}


async def explain_certificate(fault: ChannelFault, door: Door, resolution: Resolution, server: Server) -> Exception:
    """The fault of a TLS handshake with what a second, unverified look at the certificate adds to it."""
    if fault.cause not in CERTIFICATE_CAUSES:
        return fault
    starttls: Protocol | None = server.protocol if server.security is Security.STARTTLS else None
    summary = await door.describe_certificate(resolution, server.port, server.host, starttls)
    if summary is None:
        return fault
    cause = "tls.cert_self_signed" if fault.cause in _CHAIN_CAUSES and summary.self_signed else fault.cause
    return StageFault(cause, fault.evidence, details=_facts(summary))


def _facts(summary: CertificateSummary) -> dict[str, str]:
    return {
        "subject": summary.subject,
        "names": " ".join(summary.names),
        "issuer": summary.issuer,
        "not_before": str(summary.not_before),
        "not_after": str(summary.not_after),
    }
