"""Two sources: autoconfig files at the domain's `autoconfig.` host and at its well-known URL."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from guides.mail.discovery.autoconfig import ConfigFault, ParsedConfig, parse_client_config
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.query import Query
from guides.mail.network import FetchFailure

NOT_THERE = frozenset({403, 404, 410})
WANTS_ADDRESS = frozenset({204, 400, 404, 500})  # of servers that generate a file for one address only


async def autoconfig(query: Query) -> Finding:
    """`https://autoconfig.D/mail/config-v1.1.xml`."""
    url = f"https://autoconfig.{query.domain}/mail/config-v1.1.xml"
    return await from_address(query, url, ConfigSource.AUTOCONFIG, Trust.HIGH)


async def well_known(query: Query) -> Finding:
    """`https://D/.well-known/autoconfig/mail/config-v1.1.xml`."""
    url = f"https://{query.domain}/.well-known/autoconfig/mail/config-v1.1.xml"
    return await from_address(query, url, ConfigSource.WELL_KNOWN, Trust.HIGH)


async def from_address(query: Query, url: str, source: ConfigSource, trust: Trust) -> Finding:
    """Fetch a file and parse it. An address in the query is sent too, and only to this host."""
    asked = url
    if query.address is not None:
        asked = f"{url}?emailaddress={quote(str(query.address), safe='')}"
    try:
        answer = await query.egress.fetch(asked, private=query.address is not None)
    except FetchFailure as failure:
        return Finding(source, error=failure.cause, origin=url)
    if answer.status != 200:
        wants_address = answer.status in WANTS_ADDRESS and query.address is None
        error = "not_there" if answer.status in NOT_THERE else f"http_{answer.status}"
        return Finding(source, error=error, origin=url, needs_address=wants_address)
    try:
        config = parse_client_config(
            answer.body, domain=query.domain, address=query.address, allowed_suffixes=query.allowed_suffixes
        )
    except ConfigFault as fault:
        return Finding(source, error=fault.cause, origin=url)
    return finding_of(query, config, Finding(source, trust=trust, origin=url))


def finding_of(query: Query, config: ParsedConfig, base: Finding) -> Finding:
    """The finding from a parsed file."""
    base = replace(base, skipped=config.skipped, needs_address=config.needs_address and query.address is None)
    if not config.is_usable:
        return replace(base, error="no_server")
    links = {"help": config.documentation_url, "enable_page": config.enable_url}
    account = query.account(config.servers, config.name, {name: url for name, url in links.items() if url})
    return replace(base, account=replace(account, must_enable=config.must_enable))
