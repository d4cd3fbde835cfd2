"""Asking for MX, SRV, TXT and CNAME records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic

import pytest
from dnslib import CNAME, MX, SRV, TXT, A

from guides.mail.connection.limits import Limits
from guides.mail.net_records import MOST_RECORDS, check_record_name
from guides.mail.network import CnameRecord, DnsFailure, HostForbidden, MxRecord, RecordSet, SrvRecord, TxtRecord
from tests.internet import Internet
from tests.lab.dns import Name


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    made = Internet()
    made.records("mail.test", MX("B.mail.test", 20), MX("a.mail.test", 10), TXT([b"part one, ", b"part two"]))
    made.records("null.test", MX(".", 0))
    made.records("_imaps._tcp.mail.test", SRV(1, 5, 993, "b.mail.test"), SRV(0, 1, 993, "c.mail.test"))
    made.records("_imaps._tcp.mail.test", SRV(0, 9, 993, "A.mail.test"))
    made.records("_pop3s._tcp.mail.test", SRV(0, 0, 0, "."))
    made.records("many.test", *(SRV(n, 0, 993, f"host{n}.many.test") for n in range(1000, 0, -1)))
    made.records("alias.test", CNAME("mail.test"))
    made.records("loop.test", CNAME("loop2.test"))
    made.records("loop2.test", CNAME("loop.test"))
    made.records("bare.test", A("127.0.0.1"))
    made.zone["broken.test"] = Name(broken=True)
    made.zone["mute.test"] = Name(mute=True)
    for step in range(12):
        made.records(f"chain{step}.test", CNAME(f"chain{step + 1}.test" if step < 11 else "mail.test"))
    with made:
        yield made


def ask(internet: Internet, name: str, kind: str, limits: Limits | None = None) -> RecordSet:
    return asyncio.run(internet.egress(limits).query(name, kind))  # type: ignore[arg-type]


def test_each_kind_is_read(internet: Internet) -> None:
    found = ask(internet, "MAIL.test.", "MX")
    assert found.found == (MxRecord(10, "a.mail.test"), MxRecord(20, "b.mail.test"))
    assert found.name == "mail.test"
    assert ask(internet, "mail.test", "TXT").found == (TxtRecord("part one, part two"),)
    assert ask(internet, "alias.test", "CNAME").found == (CnameRecord("mail.test"),)
    assert ask(internet, "alias.test", "MX").found == found.found


def test_services_come_by_priority_then_weight_and_a_dot_is_no_host(internet: Internet) -> None:
    assert ask(internet, "_imaps._tcp.mail.test", "SRV").found == (
        SrvRecord(0, 9, 993, "a.mail.test"),
        SrvRecord(0, 1, 993, "c.mail.test"),
        SrvRecord(1, 5, 993, "b.mail.test"),
    )
    assert ask(internet, "_pop3s._tcp.mail.test", "SRV").found == (SrvRecord(0, 0, 0, ""),)
    assert ask(internet, "null.test", "MX").found == (MxRecord(0, ""),)


def test_a_thousand_records_come_to_the_best_few(internet: Internet) -> None:
    found = ask(internet, "many.test", "SRV")
    assert found.total == 1000
    assert [record.priority for record in found.found] == list(range(1, MOST_RECORDS + 1))  # type: ignore[union-attr]


def test_failures_are_told_apart(internet: Internet) -> None:
    assert ask(internet, "bare.test", "MX") == RecordSet("bare.test", "MX")
    for name, cause in (
        ("nowhere.test", "dns.nxdomain"),
        ("broken.test", "dns.servfail"),
        ("loop.test", "dns.servfail"),
        ("chain0.test", "dns.servfail"),
    ):
        with pytest.raises(DnsFailure) as caught:
            ask(internet, name, "MX")
        assert caught.value.cause == cause, name
    assert ask(internet, "chain5.test", "MX").found
    began = monotonic()
    with pytest.raises(DnsFailure) as caught:
        ask(internet, "mute.test", "MX", Limits(dns=0.2))
    assert caught.value.cause == "dns.timeout"
    assert monotonic() - began < 2


@pytest.mark.parametrize(
    "name", ["_imaps._tcp.example.com", "_ua-auto-config.Example.COM.", "example.com", "_a._b._c.d.org"]
)
def test_service_labels_may_stand_in_front(name: str) -> None:
    assert check_record_name(name) == name.lower().removesuffix(".")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_imaps",
        "_imaps._tcp",
        "_tcp.com",
        "_._tcp.example.com",
        "_a b._tcp.example.com",
        "_imaps._tcp.127.0.0.1",
        "_imaps._tcp.example.test",
        "a_b.example.com",
        "x._tcp.example.com",
        "_a._b._c._d.example.com",
        "_a._b." + "b" * 300,
        f"_{'a' * 62}.{'a.' * 110}com",
        "_é._tcp.example.com",
        "_\0._tcp.example.com",
    ],
)
def test_what_is_no_name_of_records_is_refused(name: str) -> None:
    with pytest.raises(HostForbidden):
        check_record_name(name)
