"""Fetching configuration files over https, bounded in hops, bytes and seconds. Part of `guides.mail.network`.

Each hop is checked anew: https, port, name, every address, and the connection goes to a checked address. No cookies;
a request that may contain a visitor's address is not redirected to another host.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urljoin, urlsplit

import h11

from guides.mail.connection.channel import Channel
from guides.mail.connection.limits import ChannelFault, Limits
from guides.mail.net_records import DnsFailure
from guides.mail.vetting import HostForbidden, PortForbidden

MOST_REDIRECTS = 3
MOST_BYTES = 256 * 1024
MOST_SECONDS = 8.0
MOST_PARTS = 1000  # chunks of a body: many one-byte chunks cost far more processor time than their size suggests
LONGEST_URL = 2000
LONGEST_HEAD = 16 * 1024
HTTPS_PORT = 443

_CHUNK = 8 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGENT = "mail-helpdesk (settings lookup)"
_IN_TARGETS = "%/:?#[]@!$&'()*+,;=~-._"


class FetchFailure(Exception):  # noqa: N818
    """A file was not fetched.

    `cause` is a class of names, connections and TLS (`dns.*`, `tcp.*`, `tls.*`, `net.*`), or one of: fetch.forbidden
    (not https, or a forbidden port, name or address), fetch.redirects (too many, or one where none is allowed),
    fetch.too_large, fetch.timeout, fetch.protocol (no HTTP), fetch.encoding (unknown or broken compression).
    """

    def __init__(self, cause: str, url: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.url = url  # the hop that failed


@dataclass(frozen=True, slots=True)
class Fetched:
    """The last response. `body` is read only with status 200. Untrusted."""

    url: str
    status: int
    media_type: str  # lower case, without parameters
    body: bytes
    hops: tuple[str, ...] = ()  # the URLs that redirected


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `private`: it contains personal data, so it is not redirected to another host.

    A redirected POST is sent again as a POST: only Autodiscover uses it, whose servers expect one.
    """

    url: str
    body: bytes | None = None  # sent by POST
    media_type: str = ""
    private: bool = False


class Connects(Protocol):
    """The part of `Egress` that this module needs."""

    limits: Limits

    async def open_https(self, host: str, port: int) -> Channel:
        """A connection with verified TLS."""


async def fetch(
    egress: Connects,
    request: Request,
    *,
    redirects: int = MOST_REDIRECTS,
    most_bytes: int = MOST_BYTES,
    seconds: float = MOST_SECONDS,
) -> Fetched:
    """Fetch a file, following at most `redirects` redirects. Raises FetchFailure."""
    url = request.url
    hops: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                status, headers, body = await _one_hop(egress, url, request, most_bytes)
                location = headers.get("location")
                if status not in _REDIRECTS or not location:
                    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
                    return Fetched(url, status, media_type, body, tuple(hops))
                if len(hops) == redirects:
                    raise FetchFailure("fetch.redirects", url)
                target = _target(url, location)
                stays = _split(target)[0] == _split(url)[0]
                if request.private and not stays:
                    raise FetchFailure("fetch.redirects", url)
                hops.append(url)
                url = target
    except TimeoutError:
        raise FetchFailure("fetch.timeout", url) from None
    except (HostForbidden, PortForbidden):
        raise FetchFailure("fetch.forbidden", url) from None
    except DnsFailure as failure:
        cause = "fetch.forbidden" if failure.cause == "dns.forbidden_address" else failure.cause
        raise FetchFailure(cause, url) from None
    except ChannelFault as fault:
        cause = {"limit.exceeded": "fetch.too_large", "limit.deadline": "fetch.timeout"}.get(fault.cause, fault.cause)
        raise FetchFailure(cause, url) from None


async def _one_hop(egress: Connects, url: str, request: Request, most_bytes: int) -> tuple[int, dict[str, str], bytes]:
    (host, port), target = _split(url)
    channel = await egress.open_https(host, port)
    try:
        return await _Exchange(channel, egress.limits, url, most_bytes).run(
            _head(request, host, port, target), request.body
        )
    finally:
        channel.close()


def _head(request: Request, host: str, port: int, target: str) -> h11.Request:
    headers = [
        ("Host", host if port == HTTPS_PORT else f"{host}:{port}"),
        ("User-Agent", _AGENT),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    if request.body is not None:
        headers += [("Content-Type", request.media_type), ("Content-Length", str(len(request.body)))]
    try:
        return h11.Request(method="GET" if request.body is None else "POST", target=target, headers=headers)
    except h11.LocalProtocolError:
        raise FetchFailure("fetch.forbidden", request.url) from None


class _Exchange:
    """One request and its answer on one connection."""

    def __init__(self, channel: Channel, limits: Limits, url: str, most_bytes: int) -> None:
        self._channel = channel
        self._limits = limits
        self._url = url
        self._most_bytes = most_bytes
        self._http = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)

    async def run(self, head: h11.Request, body: bytes | None) -> tuple[int, dict[str, str], bytes]:
        """Send `head` and `body`; the answer's status, its headers, and of a 200 its body, unpacked."""
        http = self._http
        sent = (http.send(head) or b"") + (http.send(h11.Data(data=body)) or b"" if body else b"")
        await self._channel.write(sent + (http.send(h11.EndOfMessage()) or b""))
        answer = await self._next()
        while isinstance(answer, h11.InformationalResponse):
            answer = await self._next()
        if not isinstance(answer, h11.Response):
            raise FetchFailure("fetch.protocol", self._url)
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in reversed(answer.headers)}
        if answer.status_code != 200:
            return answer.status_code, headers, b""
        unpacked = _Unpacked(headers.get("content-encoding", ""), self._most_bytes, self._url)
        received = parts = 0
        while isinstance(part := await self._next(), h11.Data):
            received += len(part.data)
            parts += 1
            if received > self._most_bytes or parts > MOST_PARTS:
                raise FetchFailure("fetch.too_large", self._url)
            unpacked.add(bytes(part.data))
        return answer.status_code, headers, unpacked.whole()

    async def _next(self) -> Any:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._channel.read_some(_CHUNK, self._limits.command))
        except h11.RemoteProtocolError:
            raise FetchFailure("fetch.protocol", self._url) from None
        return event


class _Unpacked:
    """A body being decompressed, within the size limit, as ten bytes can expand to ten million."""

    def __init__(self, encoding: str, most_bytes: int, url: str) -> None:
        self._url = url
        self._most_bytes = most_bytes
        self._body = bytearray()
        self._unpacker: Any = None
        self._may_be_raw = False
        match encoding.strip().lower():
            case "" | "identity":
                pass
            case "gzip" | "x-gzip":
                self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
            case "deflate":  # zlib's format (RFC 9110 section 8.4.1.2); some servers send it without its head
                self._unpacker = zlib.decompressobj()
                self._may_be_raw = True
            case _:
                raise FetchFailure("fetch.encoding", url)

    def add(self, data: bytes) -> None:
        """Take the next part as it came. Raises FetchFailure."""
        if self._unpacker is None:
            self._body += data
            return
        room = self._most_bytes - len(self._body) + 1
        try:
            self._body += self._unpacker.decompress(data, room)
        except zlib.error:
            if not self._may_be_raw or self._body:
                raise FetchFailure("fetch.encoding", self._url) from None
            self._unpacker, self._may_be_raw = zlib.decompressobj(-zlib.MAX_WBITS), False
            self.add(data)
        if len(self._body) > self._most_bytes:
            raise FetchFailure("fetch.too_large", self._url)

    def whole(self) -> bytes:
        """The body. Raises FetchFailure when its end is missing."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise FetchFailure("fetch.encoding", self._url)
        return bytes(self._body)


def _target(url: str, location: str) -> str:
    """Where a redirect leads. Names and paths outside ASCII are sent as UTF-8 by most servers."""
    text = location.encode("latin-1").decode("utf-8", "replace")
    try:
        return urljoin(url, text.strip()).partition("#")[0]
    except ValueError:  # an unclosed bracket
        raise FetchFailure("fetch.forbidden", url) from None


def _split(url: str) -> tuple[tuple[str, int], str]:
    """Host and port, and what to ask the host for. Raises FetchFailure for what is not a plain https address."""
    if len(url) > LONGEST_URL:
        raise FetchFailure("fetch.forbidden", url[:LONGEST_URL])
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise FetchFailure("fetch.forbidden", url) from None
    is_plain = parts.scheme == "https" and parts.username is None and parts.password is None and "\\" not in url
    if not is_plain or not host or re.search(r"[\0-\x20\x7f]", url):
        raise FetchFailure("fetch.forbidden", url)
    target = quote(parts.path or "/", safe=_IN_TARGETS) + (
        f"?{quote(parts.query, safe=_IN_TARGETS)}" if parts.query else ""
    )
    return (host, HTTPS_PORT if port is None else port), target
