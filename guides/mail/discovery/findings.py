"""The value objects of discovery: the finding of each source, and the result of all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guides.mail.accounts import Account, Protocol, Server
from guides.mail.discovery.servers import Skipped


class ConfigSource(StrEnum):
    """The sources of settings, the most trusted first. The values are part of the interface (`discover --json`)."""

    TABLE = "table"
    PACC = "pacc"
    AUTOCONFIG = "autoconfig"
    WELL_KNOWN = "well-known"
    ISPDB = "ispdb"
    MX = "mx"
    SRV = "srv"
    AUTODISCOVER = "autodiscover"
    GUESS = "guess"


class Trust(StrEnum):
    """How trustworthy a finding is."""

    HIGH = "high"  # from the domain itself over https, or confirmed by several sources
    MEDIUM = "medium"  # one good source, or a host that the domain points at
    LOW = "low"  # DNS names only, or a guessed server that answers


_ORDER = {source: position for position, source in enumerate(ConfigSource)}


@dataclass(frozen=True)
class Finding:
    """The result of one source. `error` is "" or a cause: of `network`, of parsing, or of `guides.mail.discovery`."""

    source: ConfigSource
    account: Account | None = None
    trust: Trust = Trust.LOW
    error: str = ""
    origin: str = ""  # the URL or name that it came from
    by_dns_alone: bool = False  # only unsigned DNS records confirm it
    skipped: tuple[Skipped, ...] = ()
    needs_address: bool = False  # with the visitor's address the source would return more
    hints: tuple[str, ...] = ()  # MX: domains to look up in the provider table and the ISPDB
    exchangers: tuple[str, ...] = ()  # MX: the domain's mail exchangers, the best first
    doubts: tuple[str, ...] = ()  # what its own sources disagree about, as they have it

    @property
    def found(self) -> bool:
        """Whether there are servers to show."""
        return self.account is not None and bool(self.account.servers)

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers, best first."""
        return self.account.servers if self.account else ()

    @property
    def rank(self) -> float:
        """Its place in the order of trust. What only old tables know comes behind all but a guess."""
        is_old = self.source is ConfigSource.ISPDB and self.trust is Trust.LOW
        return _ORDER[ConfigSource.GUESS] - 0.5 if is_old else _ORDER[self.source]

    @property
    def is_whole(self) -> bool:
        """Whether it has servers for receiving and sending mail."""
        protocols = {server.protocol for server in self.servers}
        return Protocol.SMTP in protocols and len(protocols) > 1


@dataclass(frozen=True)
class Difference:
    """A source whose best server differs from the shown one."""

    source: ConfigSource
    protocol: Protocol
    server: Server


@dataclass(frozen=True)
class Remark:
    """A warning about the settings. `guides.views.labels` has a text for each `kind`."""

    kind: str
    source: ConfigSource | None = None
    detail: str = ""


@dataclass(frozen=True)
class Discovery:
    """The settings of a domain, with the findings of all sources, their differences and the warnings."""

    domain: str
    account: Account
    winner: Finding | None = None
    findings: tuple[Finding, ...] = ()
    differences: tuple[Difference, ...] = ()
    confirm: str | None = None  # another registrable domain that only DNS names; the visitor must confirm it
    warnings: tuple[Remark, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there are servers to show."""
        return bool(self.account.servers)

    @property
    def needs_address(self) -> bool:
        """Whether a more trusted source than the chosen one would answer if it had the address."""
        limit = self.winner.rank if self.winner else len(_ORDER)
        return any(finding.needs_address and finding.rank < limit for finding in self.findings)
