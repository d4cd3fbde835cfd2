"""The operator's own servers, checked each minute without credentials, for the status page and the front page."""

from __future__ import annotations

import asyncio
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from guides import runtime
from guides.crowd import memory, outages
from guides.crowd.outages import CHECKER, ServerName
from guides.mail.accounts import Server
from guides.mail.connection.server_check import check_servers
from guides.mail.connection.shared import OURS_ALONE, Place
from guides.mail.outcomes import Outcome, StageResult
from guides.models import Provider

USAGE_ERROR = 2
SECONDS = 60


class Command(BaseCommand):
    """`manage.py check_servers [--once]`: exit 0 when all answer, 1 when one does not, 2 for a wrong set-up."""

    help = "Check the servers of CHECK_DOMAINS, each minute, or once; for systemd or cron."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="check once and end, as cron wants it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, and say a line for each server."""
        if not self._servers():
            self.stderr.write("check_servers: CHECK_DOMAINS names no domain whose servers are known")
            sys.exit(USAGE_ERROR)
        if isinstance(caches["default"], LocMemCache):
            self.stderr.write("check_servers: without CACHE_URL the portal's pages do not see what this process finds")
        if options["once"]:
            sys.exit(0 if self._check() else 1)
        try:
            while True:
                began = time.monotonic()
                self._check_on()
                time.sleep(max(0.0, SECONDS - (time.monotonic() - began)))
        except KeyboardInterrupt:
            sys.exit(0)

    def _servers(self) -> list[Server]:
        """What is listed for the operator's domains, as it stands now."""
        servers: dict[ServerName, Server] = {}
        for domain in settings.CHECK_DOMAINS:
            provider = Provider.objects.find(domain)
            for server in provider.account(domain).servers if provider else ():
                servers.setdefault(ServerName.of(server), server)
        return list(servers.values())

    def _check_on(self) -> None:
        """Check; when the database does not answer, the next minute's check asks it anew."""
        try:
            self._check()
        except DatabaseError as error:
            self.stderr.write(f"check_servers: the database does not answer ({type(error).__name__}); on it goes")
        finally:
            close_old_connections()

    def _check(self) -> bool:
        servers = self._servers()
        looks = asyncio.run(check_servers(servers, runtime.egress()))
        noted = [self._note(server, results) for server, results in zip(servers, looks, strict=True)]
        return all(noted)

    def _note(self, server: Server, results: tuple[StageResult, ...]) -> bool:
        last = results[-1]
        works = last.outcome in (Outcome.OK, Outcome.WARN)
        place = Place.of(server)
        if works:
            memory.learn_success(place)
            outages.note(ServerName.of(server), CHECKER, None)
        elif last.outcome is not Outcome.OURS and last.cause not in OURS_ALONE:
            memory.learn_failure(place, results, looked=True)
            outages.note(ServerName.of(server), CHECKER, last.cause)
        milliseconds = sum(result.milliseconds for result in results)
        words = "ok" if works else f"{last.outcome} at {last.stage}: {last.cause}"
        self.stdout.write(
            f"{server.protocol} {server.host}:{server.port} {server.security}: {words} ({milliseconds} ms)"
        )
        return works
