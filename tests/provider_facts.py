"""What the field's facts say of each provider (tests/provider_table.txt), beside the library that is held to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from guides.library import loading
from guides.library.entries import Library, ProviderEntry
from guides.library.reading import SHIPPED, read_library
from guides.mail.accounts import UsernameForm

# The portal has an entry for softbank.ne.jp beyond the facts' list: their notes ask to say so instead of guessing.
BEYOND_THE_FACTS = {"softbank-smail"}
# Mail exchangers that came later than the facts: Exchange Online's for domains with DNSSEC.
LATER_EXCHANGERS = {"microsoft-365": ["mx.microsoft"]}
# Domains of the same services that the facts' tables have and their list has not.
LATER_DOMAINS = {
    "outlook-com": ["hotmail.ru"],
    "yahoo": ["yahoo.co.id", "yahoo.com.hk", "yahoo.com.tw", "yahoo.com.vn", "yahoo.gr", "yahoo.in", "yahoo.pl"],
}


@dataclass
class Fact:
    """What the facts say of one provider."""

    slug: str
    password: str
    must_enable: bool
    confidence: str
    servers: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    mx: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)


def read_facts() -> Iterator[Fact]:
    fact: Fact | None = None
    for line in (Path(__file__).parent / "provider_table.txt").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if fact:
                yield fact
            slug, password, switch, confidence = words
            fact = Fact(slug, password, switch == "on", confidence)
            continue
        assert fact
        match words[0]:
            case "imap" | "pop3" | "smtp":
                fact.servers.append(" ".join(words))
            case "below":
                fact.below += words[1:]
            case "mx":
                fact.mx += words[1:]
            case "domains":
                fact.domains += words[1:]
            case _:
                fact.domains += words  # the line before goes on
    assert fact
    yield fact


FACTS = {fact.slug: fact for fact in read_facts()}
SLUGS = sorted(FACTS)


@cache
def shipped() -> Library:
    """The library that the portal brings along."""
    library, faults = read_library(SHIPPED)
    assert not faults
    return library


def entries() -> dict[str, ProviderEntry]:
    """The shipped providers by their slug."""
    return {entry.slug: entry for entry in shipped().providers}


def load_providers() -> None:
    """Load the shipped providers, without texts, into the database."""
    loading.load(Library(providers=shipped().providers), {}, source=loading.Origin.SHIPPED)


def usual(slug: str) -> str:
    """A domain of a provider; one found by mail exchangers alone has its customers' domains."""
    return FACTS[slug].domains[0] if slug in FACTS and FACTS[slug].domains else "example.com"


def wants_a_name(entry: ProviderEntry) -> bool:
    """Whether the user name does not follow from the address."""
    return any(server.username is UsernameForm.OTHER and not server.username_template for server in entry.servers)
