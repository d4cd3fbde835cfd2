"""Typed readers of the environment. A value that makes no sense stops the start with one clear line."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import redis
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry

from helpdesk.data_folder import sqlite_name

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class Env:
    """Reads settings by name; `NAME_FILE` names a file that holds the value (for secrets)."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = os.environ if values is None else values
        self.asked: set[str] = set()  # the names of all settings that were read

    def text(self, name: str, default: str = "") -> str:
        """The value, or the content of the file that NAME_FILE names, without white space at its ends."""
        self.asked.add(name)
        path = self.values.get(f"{name}_FILE")
        if path:
            if name in self.values:
                raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them")
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error}") from error
        return self.values.get(name, default).strip()

    def flag(self, name: str, default: bool = False) -> bool:
        """A switch: 1/0, true/false, yes/no, on/off."""
        text = self.text(name, str(default)).lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ImproperlyConfigured(f"{name}={text!r} is neither on nor off")

    def one_of(self, name: str, *values: str) -> str:
        """One of `values`, the first when nothing is set. Letter case does not matter."""
        text = self.text(name, values[0])
        for value in values:
            if text.lower() == value.lower():
                return value
        raise ImproperlyConfigured(f"{name}={text!r} is none of: {', '.join(values)}")

    def number(self, name: str, default: int, least: int = 0, most: int = 10**9) -> int:
        """A whole number between `least` and `most`."""
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            raise ImproperlyConfigured(f"{name}={text!r} is not a whole number") from None
        if not least <= value <= most:
            raise ImproperlyConfigured(f"{name}={value} is not between {least} and {most}")
        return value

    def colour(self, name: str) -> str:
        """A colour as `#rrggbb` in small letters; "" when there is none."""
        text = self.text(name).lower()
        if text and not re.fullmatch("#[0-9a-f]{6}", text):
            raise ImproperlyConfigured(f"{name}={text!r} is not a colour like #0b57a4")
        return text

    def items(self, name: str, default: str = "") -> list[str]:
        """A list, separated by commas."""
        return [item.strip() for item in self.text(name, default).split(",") if item.strip()]

    def networks(self, name: str) -> tuple[IPNetwork, ...]:
        """A list of networks (CIDR). An IPv4-mapped one is the IPv4 network that it stands for."""
        networks = []
        for item in self.items(name):
            try:
                networks.append(_unmapped(ipaddress.ip_network(item)))
            except ValueError as error:
                raise ImproperlyConfigured(f"{name}: {item!r} is not a network: {error}") from None
        return tuple(networks)

    def ports(self, name: str) -> frozenset[int]:
        """A set of ports: `10143,20000-20999`."""
        ports: set[int] = set()
        for item in self.items(name):
            first, _, last = item.partition("-")
            try:
                low, high = int(first), int(last or first)
            except ValueError:
                raise ImproperlyConfigured(f"{name}: {item!r} is not a port or a range of ports") from None
            if not 1 <= low <= high <= 65535:
                raise ImproperlyConfigured(f"{name}: {item!r} is not within 1 to 65535")
            ports.update(range(low, high + 1))
        return frozenset(ports)

    def servers(self, name: str, default_port: int) -> tuple[tuple[str, int], ...]:
        """A list of `host:port`; hosts are IP addresses, IPv6 in brackets; the port may be left out."""
        servers = []
        for item in self.items(name):
            try:
                parts = urlsplit(f"//{item}")
                host = str(ipaddress.ip_address(parts.hostname or ""))
                port = parts.port or default_port
            except ValueError:
                raise ImproperlyConfigured(f"{name}: {item!r} is not an IP address with a port") from None
            servers.append((host, port))
        return tuple(servers)

    def url(self, name: str, default: str = "", schemes: tuple[str, ...] = ("http", "https")) -> str:
        """An absolute address without a final slash, or nothing."""
        text = self.text(name, default)
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            is_absolute = parts.scheme in schemes and bool(parts.hostname or parts.scheme == "mailto")
        except ValueError:  # an unclosed bracket
            is_absolute = False
        if not is_absolute:
            raise ImproperlyConfigured(f"{name}={text!r} is not an address that starts with {' or '.join(schemes)}")
        return text.rstrip("/")

    def file(self, name: str) -> Path | None:
        """A file that must exist, or nothing."""
        text = self.text(name)
        if not text:
            return None
        path = Path(text)
        if not path.is_file():
            raise ImproperlyConfigured(f"{name}={text!r} is not a file")
        return path

    def database(self, name: str, sqlite_path: Path, pool_size: int = 0) -> dict[str, object]:
        """Django's DATABASES entry from a URL; SQLite at `sqlite_path` when the setting is empty.

        With a `pool_size`, this process holds so many connections to PostgreSQL at most, and waits a bounded time for
        one and for each statement. Without, as for commands, each thread has its own, and a statement takes as long
        as it takes.
        """
        text = self.text(name)
        try:
            parts = urlsplit(text or f"sqlite:///{sqlite_path}")
            port = str(parts.port or "")
        except ValueError as error:  # says what is wrong without the text, which may hold a password
            raise ImproperlyConfigured(f"{name} is not an address: {error}") from None
        if parts.scheme == "sqlite":
            path = unquote(parts.path[1:] if text else str(sqlite_path))
            return {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": sqlite_name(path),
                "CONN_MAX_AGE": 60,  # seconds; opening one takes 0.8 ms
                "OPTIONS": {
                    # Deferred transactions failed two of three writes under contention, IMMEDIATE ones none.
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 5,
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                },
            }
        if parts.scheme in ("postgres", "postgresql"):
            return {
                "ENGINE": "helpdesk.postgresql" if pool_size else "django.db.backends.postgresql",
                "NAME": unquote(parts.path.lstrip("/")),
                "USER": unquote(parts.username or ""),
                "PASSWORD": unquote(parts.password or ""),
                "HOST": unquote(parts.hostname or ""),
                "PORT": port,
                "CONN_HEALTH_CHECKS": True,
                "OPTIONS": _postgresql_options(pool_size),
            }
        raise ImproperlyConfigured(f"{name}: {parts.scheme!r} is neither sqlite nor postgresql")

    def cache(self, name: str) -> dict[str, object]:
        """Django's CACHES entry from a URL: local memory when empty, else redis://."""
        text = self.text(name)
        if not text:
            return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
        if urlsplit(text).scheme in ("redis", "rediss", "unix"):
            return {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": text,
                # Without them, a cache that hangs would hang every page that asks it. One new attempt, for connections
                # that were open when Redis was restarted; redis-py's own three would wait for up to 30 s in all.
                "OPTIONS": {
                    "socket_timeout": 1.0,
                    "socket_connect_timeout": 1.0,
                    "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
                },
            }
        raise ImproperlyConfigured(f"{name}: only redis://, rediss:// and unix:// are known")


def mapped(network: IPNetwork) -> IPNetwork:
    """An IPv4 network as IPv6 sockets name it (`::ffff:10.0.0.0/104`, RFC 4291 section 2.5.5.2), or the IPv6 one."""
    if network.version == 6:
        return network
    return ipaddress.ip_network(f"::ffff:{network.network_address}/{96 + network.prefixlen}")


def _unmapped(network: IPNetwork) -> IPNetwork:
    address = network.network_address
    if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.ip_network((int(address.ipv4_mapped), network.prefixlen - 96))


def all_or_none(**values: str) -> bool:
    """Whether settings that belong together are there. Stops the start when only some of them are."""
    missing = sorted(name for name, value in values.items() if not value)
    if missing and len(missing) < len(values):
        raise ImproperlyConfigured(f"{', '.join(missing)}: missing, and set together with {', '.join(sorted(values))}")
    return not missing


def _postgresql_options(pool_size: int) -> dict[str, object]:
    options: dict[str, object] = {"connect_timeout": 3}  # seconds
    if pool_size:
        from helpdesk.postgresql.base import BoundedConnection  # psycopg is loaded by those who use PostgreSQL

        options["pool"] = {
            "min_size": 1,
            "max_size": pool_size,
            "timeout": 2,  # seconds; helpdesk.postgresql waits on while the server answers
            "reconnect_timeout": 10,  # after an outage of some minutes the next attempt would be minutes away
            "connection_class": BoundedConnection,
        }
        options["options"] = "-c statement_timeout=3s"
    return options
