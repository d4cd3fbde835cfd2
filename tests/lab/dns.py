"""The lab's DNS server: answers for lab.test over UDP and TCP, well and badly."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from dnslib import AAAA, CNAME, MX, QTYPE, RCODE, RR, SRV, TXT, A, DNSError, DNSRecord

from tests.lab.hosts import HOSTS, Host, Ports
from tests.lab.people import DOMAIN

UDP_SIZE = 1232  # larger answers are cut, and asked for again over TCP
TTL = 60

Data = A | AAAA | CNAME | MX | SRV | TXT


@dataclass(frozen=True, slots=True)
class Name:
    """What the server knows of a name. `broken` answers SERVFAIL; `mute` answers nothing at all."""

    data: tuple[Data, ...] = ()
    broken: bool = False
    mute: bool = False


def make_zone(addresses: Mapping[Host, str], ports: Ports, many: list[str]) -> dict[str, Name]:
    """Every name of the lab, in full and without a final dot. `many` are the addresses of a name with very many."""
    mail = next(host for host in HOSTS if "imap" in host.labels)
    zone = {name: Name((A(addresses[host]),)) for host in HOSTS for name in host.names}
    zone[DOMAIN] = Name((
        MX(f"mail.{DOMAIN}", 10),
        TXT("v=spf1 -all"),
    ))  # fmt: skip
    for service, label, port in (
        ("imap", "imap", ports.imap),
        ("imaps", "imap", ports.imaps),
        ("pop3", "pop", ports.pop3),
        ("pop3s", "pop", ports.pop3s),
        ("submission", "smtp", ports.submission),
        ("submissions", "smtp", ports.submissions),
    ):
        zone[f"_{service}._tcp.{DOMAIN}"] = Name((SRV(0, 1, port, f"{label}.{DOMAIN}"),))
    under = {
        "alias": Name((CNAME(f"imap.{DOMAIN}"),)),
        "dangling": Name((CNAME(f"nowhere.{DOMAIN}"),)),
        "loop": Name((CNAME(f"pool.{DOMAIN}"),)),
        "pool": Name((CNAME(f"loop.{DOMAIN}"),)),
        "noaddress": Name((TXT("no machine here"),)),
        "servfail": Name(broken=True),
        "dnsmute": Name(mute=True),
        "many": Name(tuple(A(address) for address in many)),
        "private": Name((A("10.0.0.1"),)),
        "mixed": Name((A(addresses[mail]), A("192.168.0.1"))),
        "metadata": Name((A("169.254.169.254"),)),
        "loopback6": Name((AAAA("::1"),)),
        "mapped": Name((AAAA("::ffff:a00:1"),)),
        "sixtofour": Name((AAAA("2002:0a00:0001::1"),)),
    }
    zone |= {f"{label}.{DOMAIN}": name for label, name in under.items()}
    for step in range(12):
        target = f"chain{step + 1}" if step < 11 else "imap"
        zone[f"chain{step}.{DOMAIN}"] = Name((CNAME(f"{target}.{DOMAIN}"),))
    return zone


@dataclass(slots=True)
class NameServer:
    """A DNS server for one zone. `queries` counts what was asked: (name, type) -> times."""

    zone: dict[str, Name]
    domain: str = DOMAIN  # questions about names outside it are refused
    queries: Counter[tuple[str, str]] = field(default_factory=Counter)

    def answer(self, packet: bytes) -> bytes | None:
        """The answer to a question, or None where there shall be none."""
        try:
            question = DNSRecord.parse(packet)
        except DNSError:
            return None
        asked = str(question.q.qname).rstrip(".").lower()
        kind = QTYPE[question.q.qtype]
        self.queries[asked, kind] += 1
        reply = question.reply()
        if asked != self.domain and not asked.endswith(f".{self.domain}"):
            reply.header.rcode = RCODE.REFUSED
            return bytes(reply.pack())
        visited = set()
        name = asked
        while True:
            known = self.zone.get(name)
            if known is None:
                reply.header.rcode = RCODE.NXDOMAIN
                break
            if known.mute:
                return None
            if known.broken:
                reply.header.rcode = RCODE.SERVFAIL
                break
            for data in known.data:
                if isinstance(data, CNAME) or type(data).__name__ == kind:
                    reply.add_answer(RR(name, getattr(QTYPE, type(data).__name__), rdata=data, ttl=TTL))
            alias = next((data for data in known.data if isinstance(data, CNAME)), None)
            if alias is None or name in visited:
                break
            visited.add(name)
            name = str(alias.label).rstrip(".")
        return bytes(reply.pack())

    async def serve(self, address: tuple[str, int]) -> tuple[asyncio.DatagramTransport, asyncio.Server]:
        """Listen on UDP and TCP."""
        loop = asyncio.get_running_loop()
        datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), address, family=socket.AF_INET)
        return datagrams, await asyncio.start_server(self._talk, *address)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                answer = self.answer(await reader.readexactly(size))
                if answer is not None:
                    writer.write(len(answer).to_bytes(2, "big") + answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # no subclass of it before Python 3.12

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        answer = self.server.answer(data)
        if answer is None:
            return
        if len(answer) > UDP_SIZE:
            cut = DNSRecord.parse(data).reply()
            cut.header.tc = 1
            answer = bytes(cut.pack())
        self.transport.sendto(answer, sender)
