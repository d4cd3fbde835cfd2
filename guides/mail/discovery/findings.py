"""What each source came to, and what all of them together mean: the value objects of discovery."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guides.mail.accounts import Account, Protocol, Server
from guides.mail.discovery.servers import Skipped


class ConfigSource(StrEnum):
    """Where settings can come from, the most trusted first. The values are the outside's (`discover --json`)."""

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
    """How far to trust what was found."""

    HIGH = "high"  # the domain says so itself over https, or several sources confirm it
    MEDIUM = "medium"  # one good source, or a host that the domain points at
    LOW = "low"  # names alone, or a guess that answered


@dataclass(frozen=True)
class Finding:
    """What one source came to. `error` is "" or a cause: of the door, of reading, or of `guides.mail.discovery`."""

    source: ConfigSource
    account: Account | None = None
    trust: Trust = Trust.LOW
    error: str = ""
    origin: str = ""  # the address or name that it came from
    by_dns_alone: bool = False  # nothing but unsigned names vouches for it
    skipped: tuple[Skipped, ...] = ()
    needs_address: bool = False  # with the visitor's address it would say more
    hints: tuple[str, ...] = ()  # MX: domains that the offline shelf may know
    exchangers: tuple[str, ...] = ()  # MX: the hosts that take the domain's mail, the best first

    @property
    def found(self) -> bool:
        """Whether there are servers to show."""
        return self.account is not None and bool(self.account.servers)

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers, best first."""
        return self.account.servers if self.account else ()

    @property
    def is_whole(self) -> bool:
        """Whether mail can be received and sent with it."""
        protocols = {server.protocol for server in self.servers}
        return Protocol.SMTP in protocols and len(protocols) > 1


@dataclass(frozen=True)
class Difference:
    """A source names another best server than the one shown."""

    source: ConfigSource
    protocol: Protocol
    server: Server


@dataclass(frozen=True)
class Remark:
    """Something about the settings that a reader must know. `kind` has words in `guides.views.labels`."""

    kind: str
    source: ConfigSource | None = None
    detail: str = ""


@dataclass(frozen=True)
class Discovery:
    """The settings of a domain, with every source and how it bears on them."""

    domain: str
    account: Account
    winner: Finding | None = None
    findings: tuple[Finding, ...] = ()
    differences: tuple[Difference, ...] = ()
    confirm: str | None = None  # a foreign registrable domain that came by DNS alone
    warnings: tuple[Remark, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there are servers to show."""
        return bool(self.account.servers)

    @property
    def needs_address(self) -> bool:
        """Whether a more trusted source than the winner would answer if it knew the address."""
        order = list(ConfigSource)
        limit = order.index(self.winner.source) if self.winner else len(order)
        return any(finding.needs_address and order.index(finding.source) < limit for finding in self.findings)
