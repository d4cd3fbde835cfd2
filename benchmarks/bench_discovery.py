"""Settings: a known provider without the network, an unknown domain no slower than its slowest source, a big table."""

from __future__ import annotations

import asyncio
from itertools import count
from statistics import median
from time import perf_counter

from benchmarks import django_here
from benchmarks.figures import Ratio, milliseconds, seconds, side_by_side

SOURCE_SECONDS = 2.0
ROUNDS = 3
SMALL, LARGE = 1_000, 1_000_000


def run() -> list[Ratio]:
    """All of them, in one process."""
    django_here.start()
    return [*_pages(), *_unknown_domains(), *_table()]


def _pages() -> list[Ratio]:
    """The page of a provider that is known, and one that is kept, against a plain guide's."""
    from django.test import Client

    from guides import runtime
    from guides.mail.accounts import Account, Protocol, Security, Server
    from guides.mail.discovery.findings import ConfigSource, Finding, Trust
    from guides.services import discovering

    client = Client()
    servers = (
        Server(Protocol.IMAP, "imap.example.org", 993, Security.TLS),
        Server(Protocol.SMTP, "smtp.example.org", 465, Security.TLS),
    )
    found = Finding(ConfigSource.AUTOCONFIG, Account("kept.example.org", servers=servers), Trust.HIGH)
    discovering._Kept("kept.example.org").keep([found])

    def get(path: str) -> None:
        response = client.get(path)
        assert response.status_code == 200, path

    egress = runtime.egress()
    questions = 0
    make_resolver = egress._resolver

    def counting() -> object:
        nonlocal questions
        questions += 1
        return make_resolver()

    egress._resolver = counting  # type: ignore[method-assign,assignment]
    ratios = []
    numbers = count()  # another query string each time, so that no page comes from a cache of whole pages
    for name, domain in (("known provider", "mail.ru"), ("cached domain", "kept.example.org")):
        page, guide = side_by_side(
            lambda domain=domain: get(f"/en/settings/{domain}/?n={next(numbers)}"),
            lambda: get(f"/en/guides/thunderbird/?n={next(numbers)}"),
            20,
        )
        note = f"{milliseconds(page)} and {milliseconds(guide)}"
        ratios.append(
            Ratio(f"settings page of a {name} / plain guide page, both made afresh", page / guide, 1.5, note=note)
        )
    ratios.append(Ratio("questions to the network for both", questions, 0))
    return ratios


def _unknown_domains() -> list[Ratio]:
    """A search against the slowest source that it needs; once more with another that hangs and is not needed."""
    from guides.mail.discovery.findings import ConfigSource, Finding
    from guides.mail.discovery.query import Query
    from guides.mail.discovery.search import SOURCES, Ask, Timeouts, search
    from tests.discovery_world import NETWORK_SOURCES, autoconfig_url, client_config, publish
    from tests.internet import Internet, Page

    slow_sources = (
        ConfigSource.PACC,
        ConfigSource.AUTOCONFIG,
        ConfigSource.WELL_KNOWN,
        ConfigSource.MX,
        ConfigSource.AUTODISCOVER,
    )
    with_all = Internet()
    for source in NETWORK_SOURCES:
        if source is not ConfigSource.GUESS:
            publish(with_all, "every.test", source, f"by-{source}")
    body = client_config("imap.slow.test", "smtp.slow.test")
    with_all.page(autoconfig_url("slow.test"), Page(body, seconds=SOURCE_SECONDS))
    with_all.page("https://autodiscover.slow.test/autodiscover/autodiscover.xml", Page(body, seconds=30))
    for key, page in list(with_all.pages.items()):
        if "every" in key[0]:
            with_all.pages[key] = Page(page.body, seconds=SOURCE_SECONDS)
    with with_all:
        egress = with_all.egress()

        def whole(domain: str, sources: dict[ConfigSource, Ask]) -> float:
            async def go() -> list[Finding]:
                return [finding async for finding in search(Query(domain, egress), None, Timeouts(), sources)]

            began = perf_counter()
            findings = asyncio.run(go())
            assert any(finding.found for finding in findings)
            return perf_counter() - began

        every: list[float] = []
        alone: dict[ConfigSource, list[float]] = {source: [] for source in slow_sources}
        slow: list[float] = []
        needed: list[float] = []
        for _ in range(ROUNDS):  # all take turns, so that a busy machine slows them alike
            every.append(whole("every.test", dict(SOURCES)))
            for source, taken in alone.items():
                taken.append(whole("every.test", {source: SOURCES[source]}))
            slow.append(whole("slow.test", dict(SOURCES)))
            needed.append(whole("slow.test", {ConfigSource.AUTOCONFIG: SOURCES[ConfigSource.AUTOCONFIG]}))
    slowest = max(median(taken) for taken in alone.values())
    note = f"all answer after {SOURCE_SECONDS:g} s: {median(every):.2f} s and {slowest:.2f} s"
    other = (
        f"autoconfig after {SOURCE_SECONDS:g} s, Autodiscover never: {median(slow):.2f} s and {median(needed):.2f} s"
    )
    return [
        Ratio("unknown domain, all sources / the slowest alone", median(every) / slowest, 1.1, note=note),
        Ratio(
            "unknown domain with a hanging source / the source needed", median(slow) / median(needed), 1.1, note=other
        ),
    ]


def _table() -> list[Ratio]:
    """The look-up of a domain in the table, with a thousand domains and with a million.

    Each takes turns with a look-up that the domains do not touch, so that the machine's other work cancels out.
    """
    from django.db import connection

    from guides.models import Provider

    provider = Provider.objects.create(slug="bench", name="Bench")

    def fill(first: int, last: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH RECURSIVE n(i) AS (SELECT %s UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %s)"
                " INSERT INTO guides_providerdomain (provider_id, domain) SELECT %s, 'd' || i || '.example.net' FROM n",
                [first, last, provider.pk],
            )

    def look() -> None:
        assert Provider.objects.for_domain("d500.example.net").with_settings().first() is not None
        assert Provider.objects.for_domain("nobody.example.net").with_settings().first() is None

    def unchanged() -> None:
        assert Provider.objects.filter(slug="mail-ru").with_settings().first() is not None

    def best() -> tuple[float, float]:
        """The shortest of many turns: what another process takes away is never less than nothing."""
        turns = [(seconds(look, 10, 1), seconds(unchanged, 10, 1)) for _ in range(30)]
        return min(turn[0] for turn in turns), min(turn[1] for turn in turns)

    fill(0, SMALL)
    small, small_unchanged = best()
    fill(SMALL, LARGE)
    large, large_unchanged = best()
    ratio = (large / large_unchanged) / (small / small_unchanged)
    note = f"{milliseconds(large)} and {milliseconds(small)}"
    return [Ratio("look-up of a domain among a million / among a thousand", ratio, 1.2, note=note)]
