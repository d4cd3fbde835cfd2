"""Merging the findings: the chosen settings, the differences of other sources, and the warnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from guides.mail.accounts import BRIDGE_HOST, Account, Protocol, Server
from guides.mail.discovery.findings import ConfigSource, Difference, Discovery, Finding, Remark, Trust
from guides.mail.discovery.names import is_within, registrable_domain
from guides.mail.discovery.servers import SkipReason, is_unusual, ranked

# Errors that concern the domain, not only one source.
TELLING = frozenset(
    {"wrong_digest", "no_digest", "not_offered", "no_mail", "gateway", "forwarding", "exchange", "wants_password"}
)


def merge(domain: str, findings: Iterable[Finding]) -> Discovery:
    """Choose the most trusted source; a protocol that it lacks comes from the next one that has it."""
    findings = tuple(sorted(findings, key=lambda finding: finding.rank))
    having = [finding for finding in findings if finding.found]
    winner = next((finding for finding in findings if _receives(finding.servers) or _is_known(finding)), None)
    if winner is None or winner.account is None:
        return Discovery(domain, Account(domain=domain), None, findings, warnings=_remarks(None, findings, (), ()))
    account, completed_by = _completed(winner.account, winner, having)
    differences = tuple(_differences(account, winner, having))
    used = (winner, *completed_by)
    return Discovery(
        domain=domain,
        account=account,
        winner=winner,
        findings=findings,
        differences=differences,
        confirm=_foreign(domain, account, used),
        warnings=_remarks(winner, findings, differences, completed_by, account),
    )


def _is_known(finding: Finding) -> bool:
    """Whether it is of a provider that is known to let no mail client in, or whose servers only customers can tell."""
    return finding.account is not None and finding.account.provider is not None and not finding.servers


def _receives(servers: Iterable[Server]) -> bool:
    return any(server.protocol is not Protocol.SMTP for server in servers)


def _completed(account: Account, winner: Finding, having: list[Finding]) -> tuple[Account, tuple[Finding, ...]]:
    """Add a server for sending when the chosen source has only ones for receiving."""
    if account.best(Protocol.SMTP) is not None or _is_known(winner):
        return account, ()
    for finding in having:
        sending = tuple(server for server in finding.servers if server.protocol is Protocol.SMTP)
        if finding is not winner and sending:
            return replace(account, servers=ranked((*account.servers, *sending))), (finding,)
    return account, ()


def _differences(account: Account, winner: Finding, having: list[Finding]) -> Iterable[Difference]:
    for finding in having:
        if finding is winner or finding.account is None:
            continue
        for protocol in Protocol:
            shown, other = account.best(protocol), finding.account.best(protocol)
            if shown is None or other is None:
                continue
            if (shown.host, shown.port, shown.security) != (other.host, other.port, other.security):
                yield Difference(finding.source, protocol, other)


def _foreign(domain: str, account: Account, used: tuple[Finding, ...]) -> str | None:
    """The registrable domain of a server that only DNS names, when it is not the domain's own."""
    for finding in used:
        if not finding.by_dns_alone:
            continue
        for server in finding.servers:
            # A bridge program answers on the visitor's own machine: the exchanger tells whose it is.
            host = finding.origin if server.host == BRIDGE_HOST else server.host
            if server in account.servers and not is_within(host, domain):
                return registrable_domain(host)
    return None


def _remarks(
    winner: Finding | None,
    findings: tuple[Finding, ...],
    differences: tuple[Difference, ...],
    completed_by: tuple[Finding, ...],
    account: Account | None = None,
) -> tuple[Remark, ...]:
    remarks = []
    if winner is not None and account is not None:
        if winner.source is ConfigSource.GUESS:
            remarks.append(Remark("guessed", winner.source))
        elif winner.trust is Trust.LOW:
            remarks.append(Remark("low_trust", winner.source))
        remarks += [Remark("completed", finding.source) for finding in completed_by]
        sending = account.best(Protocol.SMTP)
        if sending is None and account.servers:
            remarks.append(Remark("no_sending"))
        elif sending is not None and is_unusual(sending.protocol, sending.port, sending.security):
            remarks.append(Remark("unusual_port"))
    for finding in findings:
        if finding.error in TELLING:
            remarks.append(Remark(finding.error, finding.source, finding.origin))
        whys = {skipped.why for skipped in finding.skipped}
        if SkipReason.CLASH in whys:
            detail = "; ".join(skipped.detail for skipped in finding.skipped if skipped.why is SkipReason.CLASH)
            remarks.append(Remark("clash", finding.source, detail))
        if SkipReason.CLEAR_TEXT in whys and not finding.found:
            remarks.append(Remark("clear_text_only", finding.source))
    remarks += [Remark("differs", source) for source in dict.fromkeys(difference.source for difference in differences)]
    return tuple(remarks)
