"""The DNS records that lead mail clients to their settings."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from guides.mail.publish.records import DiscoveryMethod
from guides.services import publishing
from guides.services.publication_look import wanted_of

READERS = {
    DiscoveryMethod.AUTOCONFIG: "Thunderbird and others (autoconfig)",
    DiscoveryMethod.AUTODISCOVER: "Outlook and others (Autodiscover)",
    DiscoveryMethod.PACC: "programs that read PACC. The digest changes with the settings and with BASE_URL",
    DiscoveryMethod.MAILCONF: "few programs; leave it out if you like",
    DiscoveryMethod.SRV: "programs that read SRV records (RFC 6186, RFC 8314)",
}


class Command(BaseCommand):
    """`manage.py dns_records DOMAIN`: lines of a zone file. Exit 1: a domain without settings; 2: a wrong call."""

    help = "Print the DNS records to publish for a domain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain", metavar="DOMAIN")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the records; what else matters goes to the standard error."""
        domain = publishing.domain_or_none(options["domain"])
        if domain is None:
            self.stderr.write(f"dns_records: {options['domain']!r} is not a domain, such as example.org")
            sys.exit(2)
        wanted = wanted_of(domain, settings.BASE_URL)
        if wanted.provider is None or wanted.offer is None:
            self.stderr.write(f"dns_records: no settings are known for {domain}; see manage.py own_domain")
            sys.exit(1)
        if not wanted.provider.is_own:
            self.stderr.write(f"dns_records: {domain} is not marked as own; see manage.py own_domain")
        if not wanted.portal:
            self.stderr.write(
                "dns_records: BASE_URL names no host, so the records that lead to the portal are left out"
            )
        reader = None
        for record in wanted.records:
            if record.method is not reader:
                reader = record.method
                self.stdout.write(f"; {READERS[reader]}")
            self.stdout.write(record.line)
