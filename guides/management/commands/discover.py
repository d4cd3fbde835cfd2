"""The settings of an address or a domain on a terminal, with every source and how far to trust it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from guides.mail.accounts import Address, AddressError, domain_to_ascii
from guides.mail.discovery.findings import Discovery
from guides.mail.discovery.serialization import as_record
from guides.services import discovering

USAGE_ERROR = 2


class Command(BaseCommand):
    """`manage.py discover ADDRESS_OR_DOMAIN`: exit 0 when settings were found, 1 when not, 2 for a wrong call."""

    help = "Find the mail settings of an address or a domain, and say where they come from."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="ADDRESS_OR_DOMAIN", help="a mail address, or the part after @")
        parser.add_argument("--json", action="store_true", help="one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask every source, wait for all of them, and show what they say."""
        address: Address | None = None
        try:
            if "@" in options["name"]:
                address = Address.parse(options["name"])
            domain = address.domain if address else domain_to_ascii(options["name"])
        except AddressError as error:
            self.stderr.write(f"discover: {options['name']!r} is neither a mail address nor a domain ({error.fault})")
            sys.exit(USAGE_ERROR)
        discovery = discovering.thoroughly(domain)
        if address is not None:
            discovery = discovering.with_address(discovery, address)
        record = as_record(discovery)
        if options["json"]:
            self.stdout.write(json.dumps(record, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(lines(discovery, record)))
        if not discovery.found and not record["provider"]:
            sys.exit(1)


def lines(discovery: Discovery, record: dict[str, Any]) -> list[str]:
    """The same in words."""
    head = f"{record['domain']}: provider {record['provider'] or 'unknown'}, password: {record['password']}"
    shown = [head if discovery.found or record["provider"] else f"{record['domain']}: no settings found"]
    for server in record["servers"]:
        where = f"{server['host']}:{server['port']}:{server['security']}"
        shown.append(
            f"  {server['protocol']:<5} {where:<50} user name: {server['username']}; {', '.join(server['auth'])}"
        )
    shown.append("sources, the most trusted first:")
    for source in record["sources"]:
        chosen = "*" if discovery.winner is not None and discovery.winner.source == source["name"] else " "
        what = f"found, trust {source['trust']}" if source["found"] else source["error"]
        shown.append(f" {chosen} {source['name']:<13} {what}")
        shown += [f"     doubt: {doubt}" for doubt in source.get("doubts", [])]
        shown += [
            f"     says: {server['protocol']} {server['host']}:{server['port']}:{server['security']}"
            for server in source.get("differs", [])
        ]
    if record["confirm"]:
        shown.append(f"only the DNS points to {record['confirm']}: ask its owner before a password goes there")
    return [*shown, *(f"note: {warning}" for warning in record["warnings"])]
