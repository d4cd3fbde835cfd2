"""Outbound network access: which names and addresses are allowed, and the results of DNS and connecting."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic

import pytest
from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer
from hypothesis import given
from hypothesis import strategies as st

from guides.mail import net_own, network
from guides.mail.connection.limits import ChannelFault, Limits
from guides.mail.network import DnsFailure, Egress, EgressConfig, HostForbidden, PortForbidden, Resolution, check_host
from guides.mail.vetting import SPECIAL_SUFFIXES, is_forbidden
from tests.tables import each_row

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("imap.mail.ru", "imap.mail.ru"),
        ("IMAP.Example.COM", "imap.example.com"),
        ("imap.example.com.", "imap.example.com"),
        ("почта.рф", "xn--80a1acny.xn--p1ai"),
        ("メール。日本", "xn--4dkua4c.xn--wgv71a"),
        ("imap.example。com", "imap.example.com"),
        ("bücher.example.de", "xn--bcher-kva.example.de"),
        ("xn--bcher-kva.example.de", "xn--bcher-kva.example.de"),
        ("127.0.0.1.nip.io", "127.0.0.1.nip.io"),
        ("mytest.com", "mytest.com"),
        ("test.com", "test.com"),
        ("1.de", "1.de"),
        (f"{'a' * 63}.com", f"{'a' * 63}.com"),
    ],
)
def test_host_names_are_accepted_in_their_ascii_form(text: str, expected: str) -> None:
    assert check_host(text) == expected


@each_row(
    ("text", "fault"),
    [
        ("", "empty"),
        ("127.0.0.1", "ip_literal"),
        ("127.0.0.1.", "ip_literal"),
        ("①②⑦.⓪.⓪.①", "ip_literal"),
        ("１２７.０.０.１", "ip_literal"),
        ("127。0。0。1", "ip_literal"),
        ("127．0．0．1", "ip_literal"),
        ("127｡0｡0｡1", "ip_literal"),
        ("0x7f.1", "ip_literal"),
        ("0x7f.0x1", "ip_literal"),
        ("0X7F.0X1", "ip_literal"),
        ("0x7f000001", "ip_literal"),
        ("2130706433", "ip_literal"),
        ("127.1", "ip_literal"),
        ("0177.0.0.01", "ip_literal"),
        ("1.2.3.4.5", "ip_literal"),
        ("example.0x", "ip_literal"),
        ("::1", "ip_literal"),
        ("::ffff:127.0.0.1", "ip_literal"),
        ("[::1]", "ip_literal"),
        ("[127.0.0.1]", "ip_literal"),
        ("fe80::1%eth0", "ip_literal"),
        ("127.0.0.1\x00.x", "syntax"),
        ("127.0.0.1\x00", "syntax"),
        ("imap.example.com\x00.evil.org", "syntax"),
        ("imap.example.com\r\n", "syntax"),
        ("imap.exa\u00admple.com", "syntax"),
        ("imap.exa\u200bmple.com", "syntax"),
        ("imap.\u202eexample.com", "syntax"),
        ("imap.example.com%eth0", "syntax"),
        ("imap example.com", "syntax"),
        ("imap.example.com ", "syntax"),
        ("imap\u3000.example.com", "syntax"),
        ("anna@imap.example.com", "syntax"),
        ("anna:secret@imap.example.com", "syntax"),
        ("imap.example.com:993", "syntax"),
        ("https://imap.example.com", "syntax"),
        ("imap.example.com/path", "syntax"),
        ("imap.example.com#", "syntax"),
        ("imap.example.com?", "syntax"),
        ("imap\\example.com", "syntax"),
        ("imap_1.example.com", "syntax"),
        ("-imap.example.com", "syntax"),
        ("imap-.example.com", "syntax"),
        ("imap..example.com", "syntax"),
        (".example.com", "syntax"),
        ("imap.example.com..", "syntax"),
        (".", "syntax"),
        ("*.example.com", "syntax"),
        ("imap.example.c0m", "syntax"),
        ("imap.example.1a", "syntax"),
        ("xn--a.com", "syntax"),
        ("😀.com", "syntax"),
        ("a\ud800.com", "syntax"),
        (f"{'a' * 64}.com", "syntax"),
        (f"{'a.' * 126}com", "syntax"),
        ("a" * 100_000, "syntax"),
        ("mail", "single_label"),
        ("com", "single_label"),
        ("localhost", "suffix"),
        ("LOCALHOST.", "suffix"),
        ("ｌｏｃａｌｈｏｓｔ", "suffix"),
        ("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "suffix"),
        ("a.b.internal", "suffix"),
        ("1.0.0.127.in-addr.arpa", "suffix"),
    ],
)
def test_what_is_not_a_public_host_name_is_refused_with_its_fault(text: str, fault: str) -> None:
    with pytest.raises(HostForbidden) as caught:
        check_host(text)
    assert caught.value.fault == fault


@pytest.mark.parametrize("suffix", sorted(SPECIAL_SUFFIXES))
def test_special_suffixes_are_refused_unless_the_operator_allows_them(suffix: str) -> None:
    with pytest.raises(HostForbidden) as caught:
        check_host(f"imap.{suffix}")
    assert caught.value.fault == "suffix"
    assert check_host(f"imap.{suffix}", {suffix}) == f"imap.{suffix}"
    assert check_host(f"imap.corp1.{suffix}", {f"corp1.{suffix}"}) == f"imap.corp1.{suffix}"
    with pytest.raises(HostForbidden):
        check_host(f"imap.corp2.{suffix}", {f"corp1.{suffix}"})


@given(st.text(max_size=300))
def test_any_text_is_refused_or_becomes_a_plain_name(text: str) -> None:
    try:
        name = check_host(text)
    except HostForbidden:
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert check_host(name) == name
    with pytest.raises(OSError, match="illegal"):
        socket.inet_aton(name)  # takes every spelling of an IPv4 address that getaddrinfo takes


# --- addresses -----------------------------------------------------------------------------------


@each_row(
    "address",
    [
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
        "127.255.255.255", "168.63.129.16", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.0",
        "192.0.0.255", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.0", "192.168.255.255",
        "192.175.48.1", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.255", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::ffff:100.64.0.1", "::ffff:169.254.169.254", "::ffff:224.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:1ff:ffff::1", "2001:db8::1",
        "2002:7f00:1::1", "2620:4f:8000::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd12:3456:789a::1",
        "fe80::1", "fe80::1%eth0", "2a00:1450::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "1fff:ffff::1",
    ],
)  # fmt: skip
def test_addresses_that_are_nobodys_mail_server_are_forbidden(address: str) -> None:
    assert is_forbidden(ipaddress.ip_address(address))


@each_row(
    "address",
    [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "94.100.180.31", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "168.63.129.15", "168.63.129.17", "172.15.255.255", "172.32.0.0", "192.0.1.0",
        "192.167.255.255", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888",
        "2003::1", "2a00:1450:4001::1", "2620:4f:8001::1", "3ffe:ffff::1", "::ffff:8.8.8.8",
    ],
)  # fmt: skip
def test_their_public_neighbours_are_not(address: str) -> None:
    assert not is_forbidden(ipaddress.ip_address(address))


def test_an_operator_can_let_private_networks_through() -> None:
    allowed = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00:1::/32"))
    assert not is_forbidden(ipaddress.ip_address("10.1.2.3"), allowed)
    assert not is_forbidden(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)
    assert not is_forbidden(ipaddress.ip_address("fd00:1::5"), allowed)
    assert is_forbidden(ipaddress.ip_address("10.2.0.1"), allowed)
    assert is_forbidden(ipaddress.ip_address("fd00:2::5"), allowed)
    assert is_forbidden(ipaddress.ip_address("fd00:1::5%eth0"), allowed)


def test_own_addresses_are_recognised() -> None:
    assert net_own.is_own(ipaddress.ip_address("127.0.0.1"))
    assert net_own.is_own(ipaddress.ip_address("127.5.6.7"))
    assert not net_own.is_own(ipaddress.ip_address("94.100.180.31"))
    assert not net_own.is_own(ipaddress.ip_address("2a00:1450::1"))


def test_own_addresses_are_recognised_where_any_can_be_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_own, "_can_bind", lambda address: True)
    assert net_own.is_own(ipaddress.ip_address("127.0.0.1"))
    assert not net_own.is_own(ipaddress.ip_address("127.0.0.2"))  # leaves from 127.0.0.1


def test_a_name_with_an_own_address_is_refused_unless_the_operator_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_own, "is_own", lambda address: str(address) == "94.100.180.31")
    with dns_server({"own.example.com": ["94.100.180.31"], "other.example.com": ["94.100.180.32"]}) as servers:
        assert resolve("other.example.com", servers).addresses
        with pytest.raises(DnsFailure) as caught:
            resolve("own.example.com", servers)
        assert caught.value.cause == "dns.forbidden_address"
        allowed = (ipaddress.ip_network("94.100.180.31/32"),)
        assert resolve("own.example.com", servers, allowed_networks=allowed).addresses


# --- DNS -----------------------------------------------------------------------------------------

Servers = tuple[tuple[str, int], ...]
Zone = dict[str, list[str]]


class ZoneResolver(BaseResolver):
    """Answers from a table: addresses, `CNAME target`, or a word for how it fails."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.questions: list[str] = []

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        name = str(request.q.qname)
        self.questions.append(name)
        reply = request.reply()
        owner = name.rstrip(".")
        if owner not in self.zone:
            reply.header.rcode = RCODE.NXDOMAIN
            return reply
        family = 4 if request.q.qtype == QTYPE.A else 6
        for _ in range(20):
            values = self.zone.get(owner, [])
            target = next((value.removeprefix("CNAME ") for value in values if value.startswith("CNAME ")), None)
            if target is None:
                break
            reply.add_answer(RR(owner, QTYPE.CNAME, rdata=CNAME(target)))
            owner = target
        for value in values:
            if value == f"SERVFAIL{family}" or value == "SERVFAIL":
                reply.header.rcode = RCODE.SERVFAIL
            elif value == f"NXDOMAIN{family}":
                reply.header.rcode = RCODE.NXDOMAIN
            elif value == f"SILENT{family}" or value == "SILENT":
                raise TimeoutError
            elif value.isupper() or value.startswith("CNAME"):
                continue
            elif ipaddress.ip_address(value).version == family:
                packed = tuple(ipaddress.ip_address(value).packed)
                reply.add_answer(
                    RR(owner, QTYPE.A, rdata=A(packed)) if family == 4 else RR(owner, QTYPE.AAAA, rdata=AAAA(packed))
                )
        return reply


class QuietHandler(DNSHandler):
    """Leaves a question unanswered when the resolver wants silence."""

    def handle(self) -> None:
        with suppress(TimeoutError):
            super().handle()


@contextmanager
def dns_server(zone: Zone) -> Iterator[Servers]:
    with running_dns_server(ZoneResolver(zone)) as servers:
        yield servers


@contextmanager
def running_dns_server(resolver: BaseResolver) -> Iterator[Servers]:
    """A DNS server on loopback, over UDP and TCP at the same port."""
    quiet = DNSLogger("-request,-reply,-truncated,-error,-recv,-send,-data", prefix=False)

    def server(port: int, tcp: bool) -> DNSServer:
        return DNSServer(resolver, "127.0.0.1", port, tcp=tcp, handler=QuietHandler, logger=quiet)

    while True:
        udp = server(0, tcp=False)
        port = udp.server.server_address[1]
        try:
            tcp = server(port, tcp=True)
            break
        except OSError:  # another connection has that port
            udp.server.server_close()
    threads = [threading.Thread(target=each.server.serve_forever, args=(0.01,)) for each in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield (("127.0.0.1", port),)
    finally:
        for each, thread in zip((udp, tcp), threads, strict=True):
            each.server.shutdown()
            each.server.server_close()
            thread.join()


def resolve(host: str, servers: Servers, limits: Limits | None = None, **config: object) -> Resolution:
    return asyncio.run(Egress(EgressConfig(dns_servers=servers, **config), limits).resolve(host))  # type: ignore[arg-type]


def cause_of(host: str, servers: Servers, limits: Limits | None = None) -> str:
    with pytest.raises(DnsFailure) as caught:
        resolve(host, servers, limits)
    return caught.value.cause


def test_a_name_resolves_to_its_addresses_families_alternating() -> None:
    zone = {"imap.example.com": ["94.100.180.31", "94.100.180.32", "94.100.180.33", "2a00:1148::1", "2a00:1148::2"]}
    with dns_server(zone) as servers:
        found = resolve("IMAP.example.com.", servers)
    assert [str(address) for address in found.addresses] == [
        "2a00:1148::1",
        "94.100.180.31",
        "2a00:1148::2",
        "94.100.180.32",
        "94.100.180.33",
    ]
    assert found.host == found.canonical == "imap.example.com"


def test_the_name_after_all_aliases_is_kept() -> None:
    with dns_server({"imap.example.com": ["CNAME mx.example.net"], "mx.example.net": ["94.100.180.31"]}) as servers:
        assert resolve("imap.example.com", servers).canonical == "mx.example.net"


def test_different_failures_are_different_causes() -> None:
    zone = {
        "empty.example.com": [],
        "broken.example.com": ["SERVFAIL"],
        "silent.example.com": ["SILENT"],
        "half.example.com": ["SERVFAIL6"],
        "missing-or-silent.example.com": ["NXDOMAIN4", "SILENT6"],
        "good.example.com": ["94.100.180.31"],
    }
    with dns_server(zone) as servers:
        assert resolve("good.example.com", servers).addresses
        assert cause_of("missing.example.com", servers) == "dns.nxdomain"
        assert cause_of("missing-or-silent.example.com", servers, Limits(dns=20)) == "dns.nxdomain"
        assert cause_of("empty.example.com", servers) == "dns.no_address"
        assert cause_of("broken.example.com", servers) == "dns.servfail"
        assert cause_of("half.example.com", servers) == "dns.servfail"
        began = monotonic()
        assert cause_of("silent.example.com", servers, Limits(dns=0.5)) == "dns.timeout"
        assert monotonic() - began < 5


def test_dns_servers_that_cannot_be_asked_are_our_own_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreachable(*args: object, **options: object) -> None:
        raise OSError(101, "network is unreachable")

    monkeypatch.setattr(network.dns.asyncquery, "udp", unreachable)
    assert cause_of("imap.example.com", (("127.0.0.1", 53), ("127.0.0.2", 53))) == "dns.temp"


def test_a_machine_without_dns_servers_is_our_own_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured(self: object, *args: object) -> None:
        raise network.dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(network.dns.resolver.BaseResolver, "read_resolv_conf", unconfigured)
    assert cause_of("imap.example.com", ()) == "dns.temp"


def test_a_second_server_is_asked_when_the_first_fails() -> None:
    with dns_server({"a.example.com": ["SERVFAIL"]}) as bad, dns_server({"a.example.com": ["94.100.180.31"]}) as good:
        assert resolve("a.example.com", bad + good).addresses


@pytest.mark.parametrize("trouble", ["SERVFAIL6", "SILENT6"])
def test_one_family_is_enough(trouble: str) -> None:
    with dns_server({"imap.example.com": ["94.100.180.31", trouble]}) as servers:
        began = monotonic()
        assert [str(address) for address in resolve("imap.example.com", servers).addresses] == ["94.100.180.31"]
        assert monotonic() - began < 2


@pytest.mark.parametrize("bad", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1", "fe80::1", "64:ff9b::7f00:1"])
def test_one_forbidden_address_refuses_the_name(bad: str) -> None:
    zone = {"imap.example.com": ["94.100.180.31", "2a00:1148::1", bad], "good.example.com": ["94.100.180.31"]}
    with dns_server(zone) as servers:
        assert resolve("good.example.com", servers).addresses
        assert cause_of("imap.example.com", servers) == "dns.forbidden_address"


def test_an_alias_of_a_private_server_is_refused() -> None:
    zone = {"imap.example.com": ["CNAME db.internal"], "db.internal": ["10.0.0.1"]}
    with dns_server(zone) as servers:
        assert cause_of("imap.example.com", servers) == "dns.forbidden_address"


def test_of_a_thousand_addresses_eight_are_kept_and_all_are_judged() -> None:
    many = [f"94.100.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    with dns_server({"many.example.com": many, "trap.example.com": [*many, "10.0.0.1"]}) as servers:
        assert len(resolve("many.example.com", servers).addresses) == 8
        assert cause_of("trap.example.com", servers) == "dns.forbidden_address"


def test_long_chains_of_aliases_are_not_followed() -> None:
    def chain(length: int, name: str) -> Zone:
        links = {f"{name}{n}.example.com": [f"CNAME {name}{n + 1}.example.com"] for n in range(length)}
        return links | {f"{name}{length}.example.com": ["94.100.180.31"]}

    loop = {"loop1.example.com": ["CNAME loop2.example.com"], "loop2.example.com": ["CNAME loop1.example.com"]}
    with dns_server(chain(8, "a") | chain(9, "b") | loop) as servers:
        assert resolve("a0.example.com", servers).addresses
        assert cause_of("b0.example.com", servers) == "dns.servfail"
        assert cause_of("loop1.example.com", servers) in ("dns.servfail", "dns.no_address")


def test_a_forbidden_name_is_never_asked_for() -> None:
    resolver = ZoneResolver({"localhost": ["94.100.180.31"]})
    with running_dns_server(resolver) as servers:
        for name in ("localhost", "db.internal", "127.1", "mail"):
            with pytest.raises(HostForbidden):
                resolve(name, servers)
        with pytest.raises(DnsFailure):
            resolve("a.example.com", servers)
    assert set(resolver.questions) == {"a.example.com."}


def test_a_search_list_is_not_used() -> None:
    resolver = ZoneResolver({})
    with running_dns_server(resolver) as servers:
        assert cause_of("imap.example.com", servers) == "dns.nxdomain"
    assert set(resolver.questions) == {"imap.example.com."}


def test_resolving_can_be_cancelled_at_once() -> None:
    async def scenario(servers: Servers) -> float:
        task = asyncio.create_task(Egress(EgressConfig(dns_servers=servers)).resolve("silent.example.com"))
        await asyncio.sleep(0.1)
        began = monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1
        return monotonic() - began

    with dns_server({"silent.example.com": ["SILENT"]}) as servers:
        assert asyncio.run(scenario(servers)) < 0.5


# --- connecting ----------------------------------------------------------------------------------


def egress(*ports: int, limits: Limits | None = None) -> Egress:
    return Egress(EgressConfig(allowed_networks=LOOPBACK, allowed_ports=frozenset(ports)), limits)


def resolution(*addresses: str) -> Resolution:
    return Resolution("imap.example.com", tuple(map(ipaddress.ip_address, addresses)), "imap.example.com")


@asynccontextmanager
async def listening(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """A server that takes connections and says nothing."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(hold, host, port)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait_for(gone.wait(), 2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_connects_to_the_address_and_says_how_it_went() -> None:
    async def scenario() -> None:
        async with listening() as port:
            channel = await egress(port).connect(resolution("127.0.0.1"), port)
            assert channel.ip_address == "127.0.0.1"
            assert not channel.encrypted
            assert [(attempt.ip, attempt.outcome) for attempt in channel.attempts] == [("127.0.0.1", None)]
            channel.close()
            await channel.wait_closed()

    asyncio.run(scenario())


def test_only_mail_ports_and_those_of_the_operator() -> None:
    for port in (110, 143, 465, 587, 993, 995):
        egress().check_port(port)
    egress(2525).check_port(2525)
    for port in (0, 22, 25, 80, 443, 2525, 3306, 65536, -1):
        with pytest.raises(PortForbidden):
            egress().check_port(port)
    with pytest.raises(PortForbidden):
        asyncio.run(egress().connect(resolution("127.0.0.1"), 22))


def test_it_connects_to_no_forbidden_address_whoever_names_it() -> None:
    async def scenario(config: EgressConfig, port: int) -> None:
        channel = await Egress(config).connect(resolution("127.0.0.1"), port)
        channel.close()

    async def both() -> None:
        async with listening() as port:
            ports = frozenset({port})
            await scenario(EgressConfig(allowed_networks=LOOPBACK, allowed_ports=ports), port)
            with pytest.raises(DnsFailure) as caught:
                await scenario(EgressConfig(allowed_ports=ports), port)
            assert caught.value.cause == "dns.forbidden_address"

    asyncio.run(both())


def test_a_closed_port_is_refused() -> None:
    port = free_port()
    with pytest.raises(ChannelFault) as caught:
        asyncio.run(egress(port).connect(resolution("127.0.0.1", "127.0.0.2"), port))
    assert caught.value.cause == "tcp.refused"
    assert [(attempt.ip, attempt.outcome) for attempt in caught.value.attempts] == [
        ("127.0.0.1", "tcp.refused"),
        ("127.0.0.2", "tcp.refused"),
    ]


def test_the_next_address_is_tried_at_once_when_one_fails() -> None:
    async def scenario() -> None:
        async with listening() as port:
            limits = Limits(connect_apart=60)
            channel = await asyncio.wait_for(
                egress(port, limits=limits).connect(resolution("::1", "127.0.0.1"), port), 10
            )
            assert channel.ip_address == "127.0.0.1"
            assert [attempt.outcome is None for attempt in channel.attempts] == [False, True]
            channel.close()

    asyncio.run(scenario())


def test_at_most_two_addresses_of_a_family_are_tried() -> None:
    port = free_port()
    addresses = [f"127.0.0.{n}" for n in range(1, 9)]
    with pytest.raises(ChannelFault) as caught:
        asyncio.run(egress(port).connect(resolution(*addresses), port))
    assert [attempt.ip for attempt in caught.value.attempts] == ["127.0.0.1", "127.0.0.2"]


Connect = Callable[..., object]


def scripted_connections(
    monkeypatch: pytest.MonkeyPatch, delays: dict[str, float | OSError]
) -> list[tuple[str, float]]:
    """Let connections to addresses hang, fail, or go to the listening server after a delay."""
    real = asyncio.BaseEventLoop.create_connection
    began: list[tuple[str, float]] = []

    async def create_connection(self: asyncio.BaseEventLoop, factory: object, host: str, port: int) -> object:
        began.append((host, monotonic()))
        delay = delays[host]
        if isinstance(delay, OSError):
            raise delay
        await asyncio.sleep(delay)
        return await real(self, factory, "127.0.0.1", port)

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", create_connection)
    return began


def test_a_silent_address_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    began = scripted_connections(monkeypatch, {"::1": 60, "127.0.0.9": 0})

    async def scenario() -> None:
        async with listening() as port:
            channel = await egress(port).connect(resolution("::1", "127.0.0.9"), port)
            assert channel.ip_address == "127.0.0.9"
            assert len(asyncio.all_tasks()) <= 2  # the other attempt was given up
            channel.close()

    asyncio.run(scenario())
    (_, first), (_, second) = began
    assert 0.2 < second - first < 5


def test_all_addresses_silent_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["::1", "127.0.0.7", "127.0.0.8"]
    scripted_connections(monkeypatch, dict.fromkeys(addresses, 60))
    limits = Limits(connect_each=0.2, connect_apart=0.05)
    with pytest.raises(ChannelFault) as caught:
        asyncio.run(egress(993, limits=limits).connect(resolution(*addresses), 993))
    assert caught.value.cause == "tcp.timeout"
    assert [attempt.outcome for attempt in caught.value.attempts] == ["tcp.timeout"] * 3
    assert all(150 < attempt.milliseconds < 10_000 for attempt in caught.value.attempts)


def test_connecting_as_a_whole_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted_connections(monkeypatch, {"127.0.0.7": 60, "127.0.0.8": 60})
    limits = Limits(connect_each=5, connect_apart=1, connect_total=0.2)
    began = monotonic()
    with pytest.raises(ChannelFault) as caught:
        asyncio.run(egress(993, limits=limits).connect(resolution("127.0.0.7", "127.0.0.8"), 993))
    assert caught.value.cause == "tcp.timeout"
    assert monotonic() - began < 4  # one attempt may take 5 s


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectionRefusedError(111, "refused"), "tcp.refused"),
        (ConnectionResetError(104, "reset"), "tcp.reset"),
        (TimeoutError(110, "timed out"), "tcp.timeout"),
        (OSError(101, "network is unreachable"), "tcp.unreachable"),
        (OSError(113, "no route to host"), "tcp.unreachable"),
        (PermissionError(1, "a firewall says no"), "tcp.unreachable"),
    ],
)
def test_failures_to_connect_are_told_apart(monkeypatch: pytest.MonkeyPatch, error: OSError, cause: str) -> None:
    scripted_connections(monkeypatch, {"127.0.0.7": error})
    with pytest.raises(ChannelFault) as caught:
        asyncio.run(egress(993).connect(resolution("127.0.0.7"), 993))
    assert caught.value.cause == cause


def test_two_that_connect_at_once_leave_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted_connections(monkeypatch, {"127.0.0.7": 0.2, "127.0.0.8": 0.15})
    limits = Limits(connect_apart=0.05)
    open_now: set[asyncio.StreamWriter] = set()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        await reader.read()
        open_now.remove(writer)
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            channel = await egress(port, limits=limits).connect(resolution("127.0.0.7", "127.0.0.8"), port)
            await asyncio.sleep(0.1)
            assert len(open_now) == 1
            channel.close()
            await asyncio.sleep(0.1)
            assert not open_now

    asyncio.run(scenario())


def test_connecting_can_be_cancelled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted_connections(monkeypatch, {"127.0.0.7": 60, "127.0.0.8": 60})

    async def scenario() -> None:
        task = asyncio.create_task(egress(993).connect(resolution("127.0.0.7", "127.0.0.8"), 993))
        await asyncio.sleep(0.4)
        began = monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert monotonic() - began < 5
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())
