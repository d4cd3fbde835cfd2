"""The operator's own domain."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand

from guides.mail.accounts import AddressError, Protocol, Security, Server, UsernameForm, domain_to_ascii
from guides.mail.vetting import HostForbidden, check_host
from guides.models import Provider
from guides.services import discovering
from guides.services.own_domain import Change, IncompleteError, make_own

USAGE_ERROR = 2


class Command(BaseCommand):
    """`manage.py own_domain DOMAIN`: exit 0 when it is own now, 1 when no server is known, 2 for a wrong call."""

    help = "Make a domain the operator's own: mail clients get its settings on autoconfig.DOMAIN and the like."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain", metavar="DOMAIN")
        for protocol in Protocol:
            parser.add_argument(
                f"--{protocol}",
                metavar="HOST:PORT:SECURITY",
                action="append",
                help=f"a {protocol.name} server, the preferred one first; SECURITY is tls or starttls",
            )
        parser.add_argument(
            "--username",
            choices=[UsernameForm.ADDRESS.value, UsernameForm.LOCAL_PART.value],
            help="what the servers take as user name; without it, the address",
        )
        parser.add_argument("--name", metavar="NAME", default="", help="what people call the provider")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or change the entry, and show it."""
        try:
            domain = domain_to_ascii(options["domain"])
        except AddressError:
            self._stop(USAGE_ERROR, f"{options['domain']!r} is not a domain, such as example.org")
        username = UsernameForm(options["username"]) if options["username"] else None
        servers = tuple(
            self._server(protocol, text, username or UsernameForm.ADDRESS)
            for protocol in Protocol
            for text in options[protocol.value] or ()
        )
        if len(options["name"]) > 100:
            self._stop(USAGE_ERROR, "--name is longer than 100 characters")
        if not servers:
            servers = self._found(domain)
        try:
            provider = make_own(Change(domain, servers, username, options["name"].strip()))
        except IncompleteError as error:
            wanted = "--smtp" if error.missing == "outgoing" else "--imap or --pop3"
            self._stop(USAGE_ERROR, f"mail programs need a server for either direction: name {wanted} too")
        self._show(provider, domain)

    def _server(self, protocol: Protocol, text: str, username: UsernameForm) -> Server:
        host, _, rest = text.partition(":")
        port, _, security = rest.partition(":")
        if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port[:6]) <= 65535:
            self._stop(
                USAGE_ERROR, f"--{protocol} {text}: HOST:PORT:SECURITY is wanted, such as mail.example.org:993:tls"
            )
        if security not in (Security.TLS, Security.STARTTLS):
            self._stop(USAGE_ERROR, f"--{protocol} {text}: SECURITY is tls or starttls")
        try:
            host = check_host(host, settings.ALLOWED_SUFFIXES)
        except HostForbidden as error:
            self._stop(USAGE_ERROR, f"--{protocol} {text}: {host!r} is not a public host name ({error.fault})")
        return Server(protocol, host, int(port), Security(security), username)

    def _found(self, domain: str) -> tuple[Server, ...]:
        """The servers when none were named: none to change where the table has them, else what discovery finds."""
        if Provider.objects.for_domain(domain).filter(servers__isnull=False).exists():
            return ()
        discovery = discovering.thoroughly(domain)
        if not discovery.found:
            causes = ", ".join(f"{finding.source}: {finding.error}" for finding in discovery.findings if finding.error)
            self.stderr.write(f"own_domain: {causes}")
            self._stop(1, f"no servers were found for {domain}: name them with --imap (or --pop3) and --smtp")
        assert discovery.winner is not None  # noqa: S101  # servers come from somewhere
        self.stdout.write(f"Found by: {discovery.winner.source} ({discovery.winner.origin})")
        if discovery.confirm:
            self.stdout.write(
                f"Only the DNS points to {discovery.confirm}: make sure that the servers are the right ones"
            )
        return discovery.account.servers

    def _show(self, provider: Provider, domain: str) -> None:
        self.stdout.write(f"{domain} is the operator's own: {provider.name} ({provider.slug})")
        for server in provider.account(domain).servers:
            self.stdout.write(
                f"  {server.protocol:<5} {server.host}:{server.port} {server.security} user name: {server.username}"
            )
        self.stdout.write(f"Records to publish: manage.py dns_records {domain}")

    def _stop(self, code: int, message: str) -> NoReturn:
        self.stderr.write(f"own_domain: {message}")
        sys.exit(code)
