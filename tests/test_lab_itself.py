"""The lab behaves as the other tests rely on: asked with the standard library's clients, not with the portal's."""

from __future__ import annotations

import base64
import imaplib
import os
import poplib
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from guides.mail.accounts import Protocol, Security
from tests.conftest import OutsideNetworkError
from tests.lab import Lab, LabError, Person, hosts
from tests.lab import lab as lab_module

pytestmark = pytest.mark.lab

GOOD_PEOPLE = ("anna", "boris", "clara", "dmitri", "emiko", "short.login")


class Connected:
    """The standard library's clients take a host name for SNI and the address to connect to from one argument."""

    def __init__(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        names = {name: lab.addresses[host] for host in lab.addresses for name in host.names}
        create = socket.create_connection

        def connect(address: tuple[str, int], *arguments: object, **options: object) -> socket.socket:
            return create((names.get(address[0], address[0]), address[1]), *arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "create_connection", connect)
        self.lab = lab
        self.context = ssl.create_default_context(cafile=str(lab.ca_file))

    def imap(self, security: Security = Security.TLS, host: str = "imap.lab.test") -> imaplib.IMAP4:
        if security is Security.TLS:
            return imaplib.IMAP4_SSL(host, self.lab.ports.imaps, ssl_context=self.context, timeout=10)
        client = imaplib.IMAP4(host, self.lab.ports.imap, timeout=10)
        if security is Security.STARTTLS:
            client.starttls(self.context)
        return client

    def pop3(self, security: Security = Security.TLS, host: str = "pop.lab.test") -> poplib.POP3:
        if security is Security.TLS:
            return poplib.POP3_SSL(host, self.lab.ports.pop3s, context=self.context, timeout=10)
        client = poplib.POP3(host, self.lab.ports.pop3, timeout=10)
        if security is Security.STARTTLS:
            client.stls(self.context)
        return client

    def smtp(self, security: Security = Security.TLS, host: str = "smtp.lab.test") -> smtplib.SMTP:
        if security is Security.TLS:
            return smtplib.SMTP_SSL(host, self.lab.ports.submissions, "portal.lab.test", context=self.context)
        client = smtplib.SMTP(host, self.lab.ports.submission, "portal.lab.test")
        if security is Security.STARTTLS:
            client.starttls(context=self.context)
        return client


@pytest.fixture
def connected(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Connected:
    return Connected(lab, monkeypatch)


def plain(person: Person) -> str:
    return f"\0{person.username}\0{person.password}"


def imap_login(client: imaplib.IMAP4, person: Person) -> None:
    client.authenticate("PLAIN", lambda _: plain(person).encode())


def pop3_login(client: poplib.POP3, person: Person) -> bytes:
    blob = base64.b64encode(plain(person).encode()).decode()
    client._shortcmd("AUTH PLAIN")  # type: ignore[attr-defined]
    return client._shortcmd(blob)  # type: ignore[attr-defined, no-any-return]


def smtp_login(client: smtplib.SMTP, person: Person) -> tuple[int, bytes]:
    client.ehlo()
    blob = base64.b64encode(plain(person).encode()).decode()
    return client.docmd("AUTH", f"PLAIN {blob}")


def envelope(client: smtplib.SMTP, sender: str, recipient: str) -> tuple[int, str]:
    """The reply to RCPT, or to MAIL where that was refused already."""
    code, words = client.mail(sender)
    if code == 250:
        code, words = client.rcpt(recipient)
    client.rset()
    return code, words.decode()


# --- good accounts -------------------------------------------------------------------------------


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("name", GOOD_PEOPLE)
def test_good_people_log_in_everywhere(lab: Lab, connected: Connected, name: str, security: Security) -> None:
    person = lab.people[name]
    with lab.counting() as attempts:
        with connected.imap(security) as imap:
            imap_login(imap, person)
            assert imap.select("INBOX", readonly=True)[0] == "OK"
            assert b" QUOTA" in imap.capability()[1][0]
        pop3 = connected.pop3(security)
        assert pop3_login(pop3, person).startswith(b"+OK")
        assert pop3.stat()[0] >= 0
        pop3.quit()
        with connected.smtp(security) as smtp:
            assert smtp_login(smtp, person)[0] == 235
            assert envelope(smtp, person.address, person.address) == (250, "2.1.5 Ok")
    assert attempts == {"imap": 1, "pop3": 1, "smtp": 1}


def test_mail_is_delivered(lab: Lab, connected: Connected) -> None:
    person = lab.people["boris"]
    with connected.smtp() as smtp:
        assert smtp_login(smtp, person)[0] == 235
        smtp.sendmail(person.address, person.address, "Subject: to myself\r\n\r\nhello\r\n")
    with connected.imap() as imap:
        imap_login(imap, person)
        deadline = time.monotonic() + 10
        while int((imap.select("INBOX")[1][0] or b"0").decode()) == 0:
            assert time.monotonic() < deadline, lab.logs()
            time.sleep(0.1)


def test_no_login_before_encryption(connected: Connected) -> None:
    imap = connected.imap(Security.NONE)
    assert {"STARTTLS", "LOGINDISABLED"} <= set(imap.capabilities)
    imap.logout()
    pop3 = connected.pop3(Security.NONE)
    assert "STLS" in pop3.capa()
    with pytest.raises(poplib.error_proto):
        pop3.user("anna@lab.test")
    pop3.close()
    with connected.smtp(Security.NONE) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("starttls")
        assert not smtp.has_extn("auth")


# --- people who cannot ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "imap_words"),
    [
        (Person("anna", "wrong"), "[AUTHENTICATIONFAILED] Authentication failed."),
        (Person("nobody", "unknown"), "[AUTHENTICATIONFAILED] Authentication failed."),
        (Person("closed", "wrong"), "[AUTHENTICATIONFAILED] Authentication failed."),
        (Person("closed", "the right password"), "[CONTACTADMIN] Login disabled for this user"),
        (Person("denied", "on the black list"), "[AUTHENTICATIONFAILED] Authentication failed."),
    ],
)
def test_refused_logins(lab: Lab, connected: Connected, person: Person, imap_words: str) -> None:
    with lab.counting() as attempts:
        with connected.imap() as imap, pytest.raises(imaplib.IMAP4.error) as refused:
            imap_login(imap, person)
        assert imap_words in str(refused.value)
        pop3 = connected.pop3()
        with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\]"):
            pop3_login(pop3, person)
        pop3.close()
        with connected.smtp() as smtp:
            assert smtp_login(smtp, person)[0] == 535
    assert attempts == {"imap": 1, "pop3": 1, "smtp": 1}


def test_protocols_that_are_shut(lab: Lab, connected: Connected) -> None:
    for name in ("no.imap", "no.pop3", "no.smtp"):
        person = lab.people[name]
        with connected.imap() as imap:
            if name == "no.imap":
                with pytest.raises(imaplib.IMAP4.error):
                    imap_login(imap, person)
            else:
                imap_login(imap, person)
        with connected.smtp() as smtp:
            assert smtp_login(smtp, person)[0] == (535 if name == "no.smtp" else 235)


def test_full_mailbox(lab: Lab, connected: Connected) -> None:
    person = lab.people["full"]
    with connected.imap() as imap:
        imap_login(imap, person)
        quota = imap.getquotaroot("INBOX")[1][1][0].decode()
        used, limit = quota.rpartition("STORAGE ")[2].rstrip(")").split()
        assert int(used) > int(limit) == 8
    with connected.smtp() as smtp:
        assert smtp_login(smtp, person)[0] == 235
        code, words = envelope(smtp, person.address, person.address)
        assert (code, "Mailbox is full" in words) == (552, True)


def test_broken_mailbox(lab: Lab, connected: Connected) -> None:
    with connected.imap() as imap:
        imap_login(imap, lab.people["broken"])
        answer, words = imap.select("INBOX", readonly=True)
        assert (answer, b"[SERVERBUG]" in (words[0] or b"")) == ("NO", True)


def test_refused_senders_and_recipients(lab: Lab, connected: Connected) -> None:
    anna, mute, short = (lab.people[name] for name in ("anna", "mute", "short.login"))
    with connected.smtp() as smtp:
        assert smtp_login(smtp, anna)[0] == 235
        assert envelope(smtp, anna.address, "boris@lab.test")[0] == 250
        code, words = envelope(smtp, "boris@lab.test", anna.address)
        assert (code, "not owned by user anna@lab.test" in words) == (553, True)
        code, words = envelope(smtp, anna.address, "nobody@lab.test")
        assert (code, "User unknown" in words) == (550, True)
    with connected.smtp() as smtp:
        assert smtp_login(smtp, mute)[0] == 235
        code, words = envelope(smtp, mute.address, mute.address)
        assert (code, "Sender address rejected: Access denied" in words) == (554, True)
    with connected.smtp() as smtp:
        assert smtp_login(smtp, short)[0] == 235
        assert envelope(smtp, short.address, short.address)[0] == 250


# --- hosts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (hosts.EXPIRED, "certificate has expired"),
        (hosts.NOT_YET, "certificate is not yet valid"),
        (hosts.SELF_SIGNED, "self.signed certificate"),
        (hosts.WRONG_NAME, "Hostname mismatch"),
        (hosts.UNKNOWN_CA, "self.signed certificate in certificate chain|unable to get local issuer certificate"),
        (hosts.INCOMPLETE, "unable to get local issuer certificate"),
    ],
)
def test_faulty_certificates(connected: Connected, host: hosts.Host, words: str) -> None:
    name = host.names[0]
    attempts: list[Callable[[], object]] = [
        lambda: connected.imap(Security.TLS, name),
        lambda: connected.imap(Security.STARTTLS, name),
        lambda: connected.pop3(Security.TLS, name),
        lambda: connected.pop3(Security.STARTTLS, name),
        lambda: connected.smtp(Security.TLS, name),
        lambda: connected.smtp(Security.STARTTLS, name),
    ]
    for attempt in attempts:
        with pytest.raises(ssl.SSLCertVerificationError, match=words):
            attempt()


def test_host_without_starttls(connected: Connected) -> None:
    name = hosts.PLAIN.names[0]
    with connected.imap(Security.NONE, name) as imap:
        assert "STARTTLS" not in imap.capabilities
    pop3 = connected.pop3(Security.NONE, name)
    assert "STLS" not in pop3.capa()
    pop3.quit()
    with connected.smtp(Security.NONE, name) as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("starttls")


def test_hosts_that_do_not_talk(lab: Lab) -> None:
    def connect(host: hosts.Host) -> socket.socket:
        return socket.create_connection((lab.addresses[host], lab.ports.imaps), timeout=0.5)

    with pytest.raises(ConnectionRefusedError):
        connect(hosts.CLOSED)
    with pytest.raises(TimeoutError):
        connect(hosts.BLACK_HOLE)
    with connect(hosts.SILENT) as silent, pytest.raises(TimeoutError):
        silent.recv(1)
    with connect(hosts.HANG_UP) as gone:
        assert gone.recv(1) == b""


def test_repeating_host(lab: Lab, connected: Connected) -> None:
    person = Person("anna", "to be repeated")
    blob = base64.b64encode(plain(person).encode()).decode()
    with connected.imap(host=hosts.ECHO.names[0]) as imap, pytest.raises(imaplib.IMAP4.error) as refused:
        imap_login(imap, person)
    assert blob in str(refused.value)
    assert "to be repeated" in str(refused.value)
    pop3 = connected.pop3(host=hosts.ECHO.names[0])
    with pytest.raises(poplib.error_proto, match="to be repeated"):
        pop3_login(pop3, person)
    pop3.close()
    with connected.smtp(host=hosts.ECHO.names[0]) as smtp:
        code, words = smtp_login(smtp, person)
        assert (code, words.count(b"to be repeated")) == (535, 2)


# --- names ---------------------------------------------------------------------------------------


def test_names(lab: Lab) -> None:
    before = lab.dns.queries["nowhere.lab.test", "A"]
    resolver = dns.resolver.Resolver(configure=False)
    host, port = lab.dns_server
    resolver.nameservers, resolver.port, resolver.lifetime = [host], port, 1.0

    def addresses(label: str, kind: str = "A") -> list[str]:
        return [str(record) for record in resolver.resolve(f"{label}.lab.test.", kind)]

    assert addresses("imap") == addresses("ALIAS") == addresses("chain0") == [lab.addresses[hosts.MAIL]]
    assert addresses("private") == ["10.0.0.1"]
    assert addresses("mapped", "AAAA") == ["::ffff:10.0.0.1"]
    assert len(set(addresses("many"))) == 1000  # over TCP: it does not fit into a datagram
    for label, error in (
        ("nowhere", dns.resolver.NXDOMAIN),
        ("dangling", dns.resolver.NXDOMAIN),
        ("noaddress", dns.resolver.NoAnswer),
        ("servfail", dns.resolver.NoNameservers),
        ("dnsmute", dns.exception.Timeout),
    ):
        with pytest.raises(error):
            addresses(label)
    assert lab.dns.queries["nowhere.lab.test", "A"] == before + 1
    foreign = dns.query.udp(dns.message.make_query("example.com.", "A"), host, 1, port)
    assert foreign.rcode() == dns.rcode.REFUSED


# --- the lab as a tool ---------------------------------------------------------------------------


def test_open_connections_are_seen(lab: Lab) -> None:
    end = (lab.addresses[hosts.SILENT], lab.ports.imap)
    with socket.create_connection(end):
        assert lab.connections(hosts.SILENT) == [end]
    deadline = time.monotonic() + 1
    while lab.connections(hosts.SILENT) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lab.connections(hosts.SILENT) == []


def test_servers_and_settings(lab: Lab) -> None:
    server = lab.server(Protocol.SMTP, Security.STARTTLS)
    assert (server.host, server.port) == ("smtp.lab.test", lab.ports.submission)
    assert lab.server(Protocol.IMAP, host=hosts.EXPIRED).host == "expired.lab.test"
    settings = lab.environment()
    assert Path(settings["EXTRA_CA_FILE"]).is_file()
    assert str(lab.ports.imaps) in settings["ALLOWED_PORTS"].split(",")


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lab_module.NEEDED, "dovecot-pop3d", Path("/usr/lib/dovecot/no-such-program"))
    with pytest.raises(LabError, match="apt-get install dovecot-pop3d"):
        Lab().start()


def test_other_users_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="started by root"):
        Lab().start()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_command_leaves_nothing_behind(end: signal.Signals) -> None:
    """Two labs at a time; and one whose owner is killed takes its servers and files with it."""
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-m", "tests.lab"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = ""
        while "broken@" not in printed:
            printed += process.stdout.readline() or pytest.fail(f"the lab did not start: {printed}")
        assert time.monotonic() - began < 10
        ca_file = Path(printed.partition("EXTRA_CA_FILE=")[2].split()[0])
        assert ca_file.is_file()
        process.send_signal(end)
    deadline = time.monotonic() + 10
    while ca_file.exists() or _users_of(str(ca_file.parents[1])):
        assert time.monotonic() < deadline, _users_of(str(ca_file.parents[1]))
        time.sleep(0.05)


def _users_of(text: str) -> list[str]:
    """Processes whose command line holds `text`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_text(errors="replace")
            except OSError:
                continue
            if text in command:
                found.append(command)
    return found


def test_outside_network_is_refused(lab: Lab) -> None:
    with pytest.raises(OutsideNetworkError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(OutsideNetworkError):
        socket.getaddrinfo("example.com", 80)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, pytest.raises(OutsideNetworkError):
        datagrams.sendto(b"x", ("192.0.2.1", 53))
    socket.create_connection((lab.addresses[hosts.SILENT], lab.ports.imap), timeout=1).close()
