"""The description of a certificate that was not accepted: its subject, names and validity."""

from __future__ import annotations

from guides.mail.accounts import Security, Server
from guides.mail.connection.channel import Channel, ChannelFault
from guides.mail.connection.context import TestContext
from guides.mail.connection.session import Refusal, Session, StageFault
from guides.mail.network import CertificateSummary, Resolution

CERTIFICATE_CAUSES = frozenset(
    {
        "tls.chain_incomplete",
        "tls.chain_or_unknown_ca",
        "tls.unknown_ca",
        "tls.cert_self_signed",
        "tls.cert_hostname",
        "tls.cert_expired",
        "tls.cert_not_yet",
        "tls.weak_key",
        "tls.weak_sig",
    }
)


async def explain_certificate(
    fault: ChannelFault,
    context: TestContext,
    session: type[Session],
    resolution: Resolution,
    server: Server,
    *,
    until: float,
) -> Exception:
    """The fault of a TLS handshake, with what a second, unverified connection shows of the certificate by `until`."""
    if fault.cause not in CERTIFICATE_CAUSES:
        return fault

    async def ask_starttls(channel: Channel) -> None:
        talk = session(channel, context.limits, context.plan.address, context.egress.config.ehlo_name)
        try:
            await talk.greet()
            await talk.learn()
            await talk.ask_starttls()
        except (Refusal, StageFault):  # it let us in a moment ago; now there is nothing to see
            raise ChannelFault("net.protocol") from None

    starttls = ask_starttls if server.security is Security.STARTTLS else None
    summary = await context.egress.describe_certificate(resolution, server.port, server.host, starttls, until=until)
    if summary is None:
        return fault
    # OpenSSL has one error for a chain with a gap and for an unknown issuer; the sent chain tells them apart.
    cause = summary.chain_cause if fault.cause == "tls.chain_or_unknown_ca" else fault.cause
    return StageFault(cause, fault.evidence, details=_facts(summary))


def _facts(summary: CertificateSummary) -> dict[str, str]:
    return {
        "subject": summary.subject,
        "names": " ".join(summary.names),
        "issuer": summary.issuer,
        "not_before": summary.not_before.isoformat(),
        "not_after": summary.not_after.isoformat(),
    }
