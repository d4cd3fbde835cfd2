"""Domains that publish their mail settings in one way or several, on the small internet of `tests.internet`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping

from dnslib import MX, SRV, TXT
from pytest_django.fixtures import Settings

from guides.mail.accounts import Account, Address
from guides.mail.discovery.findings import ConfigSource, Discovery, Finding, Trust
from guides.mail.discovery.merge import merge
from guides.mail.discovery.query import Query
from guides.mail.discovery.search import THOROUGH, Timeouts, search
from helpdesk.env import Env
from tests.internet import Internet, Page

HOSTED = "hosting.test"  # a provider that publishes autoconfig for the domains it hosts
NETWORK_SOURCES = tuple(source for source in ConfigSource if source not in (ConfigSource.TABLE, ConfigSource.ISPDB))


def client_config(
    imap: str, smtp: str = "", *, port: int = 993, socket: str = "SSL", username: str = "%EMAILADDRESS%"
) -> bytes:
    """An autoconfig file."""
    incoming = (
        f'<incomingServer type="imap"><hostname>{imap}</hostname><port>{port}</port><socketType>{socket}</socketType>'
        f"<username>{username}</username><authentication>password-cleartext</authentication></incomingServer>"
    )
    outgoing = (
        f'<outgoingServer type="smtp"><hostname>{smtp}</hostname><port>465</port><socketType>SSL</socketType>'
        f"<username>{username}</username><authentication>password-cleartext</authentication></outgoingServer>"
    )
    inner = incoming + (outgoing if smtp else "")
    return f'<clientConfig version="1.1"><emailProvider id="x"><domain>x.test</domain>{inner}</emailProvider></clientConfig>'.encode()


def pacc_file(imap: str, smtp: str, **more: object) -> bytes:
    """A PACC file."""
    return json.dumps({"protocols": {"imap": {"host": imap}, "submit": {"host": smtp}}, **more}).encode()


def pox(imap: str, smtp: str, login: str = "", encryption: str = "SSL") -> bytes:
    """An Autodiscover answer."""
    protocols = "".join(
        f"<Protocol><Type>{kind}</Type><Server>{host}</Server><Port>{port}</Port><LoginName>{login}</LoginName>"
        f"<SPA>off</SPA><Encryption>{encryption}</Encryption><AuthRequired>on</AuthRequired></Protocol>"
        for kind, host, port in (("IMAP", imap, 993), ("SMTP", smtp, 465))
    )
    return (
        '<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">'
        '<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">'
        f"<Account><AccountType>email</AccountType><Action>settings</Action>{protocols}</Account></Response></Autodiscover>"
    ).encode()


def digest_record(body: bytes) -> TXT:
    """The TXT record for a PACC file."""
    return TXT(f"v=UAAC1; a=sha256; d={base64.b64encode(hashlib.sha256(body).digest()).decode()}")


def pox_url(domain: str) -> str:
    return f"https://autodiscover.{domain}/autodiscover/autodiscover.xml"


def pacc_url(domain: str) -> str:
    return f"https://ua-auto-config.{domain}/.well-known/user-agent-configuration.json"


def autoconfig_url(domain: str) -> str:
    return f"https://autoconfig.{domain}/mail/config-v1.1.xml"


def well_known_url(domain: str) -> str:
    return f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml"


def publish(internet: Internet, domain: str, source: ConfigSource, label: str = "") -> None:
    """Make a domain publish, through one source, servers that are named after it: `imap.<label>.<domain>`."""
    base = f"{label}.{domain}" if label else domain
    imap, smtp = f"imap.{base}", f"smtp.{base}"
    match source:
        case ConfigSource.PACC:
            body = pacc_file(imap, smtp)
            internet.page(pacc_url(domain), Page(body, media_type="application/json"))
            internet.records(f"_ua-auto-config.{domain}", digest_record(body))
        case ConfigSource.AUTOCONFIG:
            internet.page(autoconfig_url(domain), client_config(imap, smtp))
        case ConfigSource.WELL_KNOWN:
            internet.page(well_known_url(domain), client_config(imap, smtp))
        case ConfigSource.MX:
            customer = f"{domain.partition('.')[0]}.{HOSTED}"
            internet.records(domain, MX(f"in.{customer}", 10), MX("backup.elsewhere.test", 20))
            internet.page(autoconfig_url(customer), client_config(imap, smtp))
        case ConfigSource.SRV:
            internet.records(f"_imaps._tcp.{domain}", SRV(0, 1, 993, imap))
            internet.records(f"_submissions._tcp.{domain}", SRV(0, 1, 465, smtp))
        case ConfigSource.AUTODISCOVER:
            internet.page(pox_url(domain), pox(imap, smtp))
        case ConfigSource.GUESS:
            internet.mail_host(f"imap.{domain}", 993)
            internet.mail_host(f"smtp.{domain}", 465)
        case _:
            raise ValueError(source)


def ask(
    internet: Internet,
    domain: str,
    *,
    address: Address | None = None,
    ispdb: Account | None = None,
    mx_suffixes: Mapping[str, str] | None = None,
    timeouts: Timeouts = THOROUGH,
) -> Discovery:
    """Look a domain up by all sources."""
    query = Query(domain, internet.egress(), address, mx_suffixes or {})
    known = Finding(ConfigSource.ISPDB, ispdb, Trust.MEDIUM) if ispdb else None

    async def gather() -> list[Finding]:
        return [finding async for finding in search(query, known, timeouts)]

    return merge(domain, asyncio.run(gather()))


def lead_to(internet: Internet, settings: Settings) -> None:
    """Set this process's portal up to find and trust it."""
    env = Env(internet.environment())
    settings.DNS_SERVERS = env.servers("DNS_SERVERS", default_port=53)
    settings.EXTRA_CA_FILE = env.file("EXTRA_CA_FILE")
    settings.ALLOWED_NETWORKS = env.networks("ALLOWED_NETWORKS")
    settings.ALLOWED_SUFFIXES = frozenset(env.items("ALLOWED_SUFFIXES"))


def found(discovery: Discovery, source: ConfigSource) -> Finding:
    """What one source came to."""
    return next(finding for finding in discovery.findings if finding.source is source)
