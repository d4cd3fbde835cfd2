"""The connection test on a terminal, stage by stage."""

from __future__ import annotations

import asyncio
import getpass
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand

from guides import runtime
from guides.mail.accounts import Account, Address, AddressError, Protocol, Security, Server
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.outcomes import Outcome, Verdict
from guides.mail.secret import Secret, SecretFault
from guides.management.testmail_display import Display, display_for
from guides.models import Provider
from guides.services import articles, discovering

USAGE_ERROR = 2


class Command(BaseCommand):
    """`manage.py testmail ADDRESS`: exit 0 when all is well, 1 when something failed, 2 for a wrong call."""

    help = "Test a mailbox: DNS, connection, TLS, login and more, for each of its servers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="ADDRESS", help="the mail address to test")
        parser.add_argument("--username", metavar="U", help="the user name; without it, as the provider's rule says")
        for protocol in Protocol:
            parser.add_argument(
                f"--{protocol}",
                metavar="HOST:PORT:SECURITY",
                help=f"the {protocol.name} server; SECURITY is tls or starttls. Only the servers named are tested",
            )
        parser.add_argument(
            "--deliver", action="store_true", help="send one message to the mailbox itself, find it and delete it"
        )
        secret = parser.add_mutually_exclusive_group()
        secret.add_argument("--password-file", metavar="F", help="read the password from a file; else it is asked for")
        secret.add_argument("--token-file", metavar="F", help="sign in with the OAuth 2.0 token in this file instead")
        parser.add_argument("--json", action="store_true", help="a line of JSON for each finished stage")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the test and show it."""
        address = self._address(options["address"])
        named = [
            self._server(protocol, options[protocol.value])
            for protocol in Protocol
            if options[protocol.value] is not None
        ]
        plan = self._plan(address, named, options["username"])
        if options["deliver"] and not plan.can_deliver:
            self._stop("--deliver needs an IMAP and an SMTP server")
        if options["deliver"] and not plan.signs_in_as_address:
            self._stop("--deliver sends only to the mailbox that is signed in to: the user name must be the address")
        plan = replace(plan, deliver=options["deliver"], token=options["token_file"] is not None)
        secret = self._secret(options["token_file"] or options["password_file"], strip=plan.token)
        shelf = articles.load()
        titles = {slug: title for slug, (title, _summary) in articles.titles("en").items()}
        display = display_for(sys.stdout, plan, shelf, titles, as_json=options["json"])
        try:
            verdict = asyncio.run(_run(plan, secret, shelf, display))
        except KeyboardInterrupt:
            sys.exit(130)
        if verdict.outcome not in (Outcome.OK, Outcome.WARN):
            sys.exit(1)

    def _address(self, text: str) -> Address:
        try:
            return Address.parse(text)
        except AddressError as error:
            self._stop(f"{text!r} is not a mail address ({error.fault})")

    def _server(self, protocol: Protocol, text: str) -> Server:
        host, _, rest = text.partition(":")
        port, _, security = rest.partition(":")
        if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port[:6]) <= 65535:
            self._stop(f"--{protocol} {text}: HOST:PORT:SECURITY is wanted, such as mail.example.org:993:tls")
        if security not in (Security.TLS, Security.STARTTLS):
            self._stop(f"--{protocol} {text}: SECURITY is tls or starttls")
        return Server(protocol, host, int(port), Security(security))

    def _plan(self, address: Address, named: Iterable[Server], username: str | None) -> TestPlan:
        """The servers that were named, else the table's, else what discovery finds. Rules hold for own servers only."""
        named = list(named)
        provider = Provider.objects.find(address.domain)
        own = {server.host for server in provider.account(address.domain).servers} if provider else set()
        if named and own.isdisjoint(server.host for server in named):
            provider = None
        account = provider.account(address.domain) if provider else self._found(address, named)
        servers = tuple(map(account.with_rules, named))
        if not servers:
            found = (account.best(protocol) for protocol in (Protocol.IMAP, Protocol.POP3, Protocol.SMTP))
            servers = tuple(server for server in found if server is not None)
        if not servers:
            self._stop(f"no servers are known for {address.domain}; name them with --imap, --pop3 or --smtp")
        return TestPlan(
            address=address,
            servers=servers,
            username=username,
            password=account.password,
            provider=account.provider,
            password_pattern=provider.password_pattern if provider else "",
            known_servers=account.servers,
        )

    def _found(self, address: Address, named: Iterable[Server]) -> Account:
        """What discovery finds for an address whose servers nobody has named."""
        if named:
            return Account(domain=address.domain)
        discovery = discovering.with_address(discovering.look_up(address.domain), address)
        if discovery.confirm:
            self.stderr.write(f"testmail: only the DNS points to {discovery.confirm} for {address.domain}")
        return discovery.account

    def _secret(self, path: str | None, *, strip: bool) -> Secret:
        try:
            if path is None:
                return Secret(getpass.getpass("Password: "))
            text = Path(path).read_text(encoding="utf-8")
        except SecretFault:
            self._stop("a password cannot hold line breaks or NUL")
        except (OSError, UnicodeDecodeError, EOFError) as error:
            self._stop(f"cannot read the password: {type(error).__name__}")
        try:
            # One line break at the end is the editor's; white space before it may be the password's.
            return Secret(text.strip() if strip else text.removesuffix("\n").removesuffix("\r"))
        except SecretFault:
            self._stop("the password file holds more than one line")

    def _stop(self, message: str) -> NoReturn:
        self.stderr.write(f"testmail: {message}")
        sys.exit(USAGE_ERROR)


async def _run(plan: TestPlan, secret: Secret, shelf: articles.Articles, display: Display) -> Verdict:
    async with aclosing(run_test(plan, secret, runtime.egress(), shelf.patterns)) as results:
        with display:
            async for result in results:
                if isinstance(result, Verdict):
                    display.verdict(result)
                    return result
                display.stage(result)
    raise AssertionError("a test always ends with a verdict")
