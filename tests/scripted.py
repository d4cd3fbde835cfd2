"""Scripted mail servers on loopback, polite and hostile, and an egress that leads to them.

Each server is told in attributes what to say; it counts connections and logins, and keeps what it was sent.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guides.mail.accounts import Address, PasswordKind, Protocol, Security, Server
from guides.mail.connection.channel import Limits
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.network import Egress, EgressConfig, Resolution
from guides.mail.outcomes import Leg, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from tests.unhurried import run_unhurried

HOST = "mail.example.test"
ADDRESS = Address("anna.kovacs", "example.test")
PASSWORD = "correct horse 7%"

QUICK = Limits(greeting=1.0, command=1.0, authentication=1.5, tls=1.5, leg=6.0, test=8.0)


# --- certificates --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Certificates:
    """A certificate authority of the tests' own, and what it signed."""

    folder: Path

    def context(self, name: str) -> ssl.SSLContext:
        """A server's context: `good`, `expired`, `other_name` or `self_signed`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem")
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@cache
def certificates() -> Certificates:
    """Made once a run."""
    folder = Path(mkdtemp(prefix="scripted-ca-"))
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("Tests' own CA")

    def build(
        subject: x509.Name,
        host: str | None,
        key: ec.EllipticCurvePrivateKey,
        signed_by: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        until: dt.datetime,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 30 * day)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        else:
            builder = builder.add_extension(
                x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
            )
        return builder.sign(signed_by, hashes.SHA256())

    ca = build(ca_name, None, ca_key, ca_key, ca_name, now + 30 * day)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for name, host, until, own in (
        ("good", HOST, now + 20 * day, False),
        ("expired", HOST, now - day, False),
        ("other_name", "other.example.test", now + 20 * day, False),
        ("self_signed", HOST, now + 20 * day, True),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(host)
        signer, issuer = (key, subject) if own else (ca_key, ca_name)
        certificate = build(subject, host, key, signer, issuer, until)
        (folder / f"{name}.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
    return Certificates(folder)


# --- servers -------------------------------------------------------------------------------------------


class Gone(Exception):  # noqa: N818
    """The client has gone."""


@dataclass
class Connection:
    """One client at a scripted server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[bytes]
    encrypted: bool

    async def say(self, *lines: bytes) -> None:
        """Send lines."""
        self.writer.write(b"".join(line + b"\r\n" for line in lines))
        await self.writer.drain()

    async def hear(self) -> bytes:
        """The next line of the client."""
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise Gone
        self.heard.append(line.rstrip(b"\r\n"))
        return self.heard[-1]

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on under TLS."""
        await self.writer.start_tls(context)
        self.encrypted = True


@dataclass
class Scripted:
    """A server; subclasses speak a protocol, and `talk` replaces everything."""

    protocol: Protocol = Protocol.IMAP
    security: Security = Security.TLS
    certificate: str = "good"
    speaks_tls: bool | None = None  # None: as `security` says
    talk: Callable[[Connection], Awaitable[None]] | None = None
    port: int = 0
    challenges: tuple[bytes | Callable[[bytes], bytes], ...] = ()
    last_login: bytes = b""
    connections: int = 0
    now_open: int = 0
    logins: int = 0
    heard: list[bytes] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def server(self, **changes: object) -> Server:
        """How a client reaches it."""
        settings: dict[str, object] = {
            "protocol": self.protocol,
            "host": HOST,
            "port": self.port,
            "security": self.security,
        }
        return Server(**(settings | changes))  # type: ignore[arg-type]

    async def __aenter__(self) -> Scripted:
        implicit = self.security is Security.TLS if self.speaks_tls is None else self.speaks_tls
        context = certificates().context(self.certificate) if implicit else None
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=context)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.now_open += 1
        connection = Connection(reader, writer, self.heard, writer.get_extra_info("sslcontext") is not None)
        try:
            await (self.talk(connection) if self.talk else self.speak(connection))
        except (Gone, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self.now_open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def speak(self, connection: Connection) -> None:
        """The protocol."""
        raise NotImplementedError

    async def sasl(self, connection: Connection, argument: bytes, prompt: bytes) -> bytes:
        """The challenges of one authentication; returns all that the client sent, with a blank between its answers."""
        name, has_initial, _ = argument.partition(b" ")
        challenges = list(self.challenges)
        if not has_initial and name.upper() not in (b"LOGIN", b"CRAM-MD5"):
            challenges.insert(0, b"")
        if name.upper() == b"LOGIN" and not challenges:
            challenges = [b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"]
        for challenge in challenges:
            said = challenge(argument) if callable(challenge) else challenge
            await connection.say(prompt + said)
            argument += b" " + await connection.hear()
        return argument


@dataclass
class Imap(Scripted):
    """IMAP. `{arg}` in an answer is what the client sent."""

    protocol: Protocol = Protocol.IMAP
    greeting: bytes = b"* OK ready"
    capabilities: bytes = b"IMAP4rev1 SASL-IR AUTH=PLAIN QUOTA"
    clear_capabilities: bytes = b"IMAP4rev1 STARTTLS LOGINDISABLED"
    starttls: bytes = b"OK begin"
    login: bytes = b"OK done"
    login_notice: bytes = b""
    examine: bytes = b"OK [READ-ONLY] done"
    quota: bytes = b"* QUOTA root (STORAGE 5 100)"
    status: bytes = b"* STATUS INBOX (APPENDLIMIT 1000)"
    identity: bytes = b'* ID ("name" "Scripted" "version" "1.0")'
    identity_end: bytes = b"OK done"
    folders: tuple[bytes, ...] = (b'* LIST (\\HasNoChildren) "/" Sent',)
    special: tuple[bytes, ...] = ()
    hang_up_after: str = ""

    async def speak(self, connection: Connection) -> None:
        await connection.say(self.greeting)
        while True:
            tag, _, rest = (await connection.hear()).partition(b" ")
            command, _, argument = rest.partition(b" ")
            name = command.upper().decode()
            if name == "CAPABILITY":
                offered = self.capabilities if connection.encrypted else self.clear_capabilities
                await connection.say(b"* CAPABILITY " + offered, tag + b" OK done")
            elif name == "STARTTLS":
                await connection.say(tag + b" " + self.starttls)
                if self.starttls.startswith(b"OK"):
                    await connection.start_tls(certificates().context(self.certificate))
            elif name in ("LOGIN", "AUTHENTICATE"):
                self.logins += 1
                if name == "AUTHENTICATE":
                    argument = await self.sasl(connection, argument, b"+ ")
                while argument.endswith(b"}"):
                    if not argument.endswith(b"+}"):
                        await connection.say(b"+ go on")
                    argument += b"\r\n" + await connection.hear()
                self.last_login = argument
                if self.login_notice:
                    await connection.say(self.login_notice.replace(b"{arg}", argument))
                await connection.say(tag + b" " + self.login.replace(b"{arg}", argument))
            elif name == "EXAMINE":
                await connection.say(b"* 12 EXISTS", b"* FLAGS (\\Seen)", tag + b" " + self.examine)
            elif name == "ID":
                await connection.say(self.identity, tag + b" " + self.identity_end)
            elif name == "STATUS":
                await connection.say(self.status, tag + b" OK done")
            elif name == "LIST":
                asked_for_names = b"Sent%" in argument
                await connection.say(*(self.folders if asked_for_names else self.special), tag + b" OK done")
            elif name == "GETQUOTAROOT":
                await connection.say(b"* QUOTAROOT INBOX root", self.quota, tag + b" OK done")
            elif name == "LOGOUT":
                await connection.say(b"* BYE", tag + b" OK done")
                return
            else:
                await connection.say(tag + b" BAD what?")
            if name == self.hang_up_after:
                return


@dataclass
class Pop3(Scripted):
    """POP3."""

    protocol: Protocol = Protocol.POP3
    greeting: bytes = b"+OK ready"
    capabilities: tuple[bytes, ...] | None = (b"USER", b"UIDL", b"TOP", b"SASL PLAIN LOGIN")
    clear_capabilities: tuple[bytes, ...] = (b"STLS", b"UIDL")
    starttls: bytes = b"+OK begin"
    user: bytes = b"+OK"
    login: bytes = b"+OK done"
    stat: bytes = b"+OK 12 3400"
    uidl: bytes = b"+OK 1 whqtswO00WBw418f9t5JxYwZ"

    async def speak(self, connection: Connection) -> None:
        await connection.say(self.greeting)
        while True:
            name, _, argument = (await connection.hear()).partition(b" ")
            match name.upper():
                case b"CAPA":
                    offered = self.capabilities if connection.encrypted else self.clear_capabilities
                    await connection.say(*([b"+OK", *offered, b"."] if offered is not None else [b"-ERR what?"]))
                case b"STLS":
                    await connection.say(self.starttls)
                    if self.starttls.startswith(b"+OK"):
                        await connection.start_tls(certificates().context(self.certificate))
                case b"USER":
                    await connection.say(self.user)
                case b"PASS" | b"AUTH" as verb:
                    self.logins += 1
                    if verb == b"AUTH":
                        argument = await self.sasl(connection, argument, b"+ ")
                    self.last_login = argument
                    await connection.say(self.login.replace(b"{arg}", argument))
                case b"STAT":
                    await connection.say(self.stat)
                case b"UIDL":
                    await connection.say(self.uidl)
                case b"QUIT":
                    await connection.say(b"+OK bye")
                    return
                case _:
                    await connection.say(b"-ERR what?")


@dataclass
class Smtp(Scripted):
    """SMTP submission."""

    protocol: Protocol = Protocol.SMTP
    greeting: bytes = b"220 mail.example.test ESMTP"
    ehlo: tuple[bytes, ...] = (b"250-mail.example.test", b"250-SIZE 1000", b"250 AUTH PLAIN LOGIN")
    clear_ehlo: tuple[bytes, ...] = (b"250-mail.example.test", b"250 STARTTLS")
    helo: bytes = b"250 mail.example.test"
    starttls: bytes = b"220 begin"
    login: tuple[bytes, ...] = (b"235 2.7.0 done",)
    mail: bytes = b"250 2.1.0 Ok"
    rcpt: bytes = b"250 2.1.5 Ok"

    async def speak(self, connection: Connection) -> None:
        await connection.say(self.greeting)
        while True:
            name, _, argument = (await connection.hear()).partition(b" ")
            match name.upper():
                case b"EHLO":
                    await connection.say(*(self.ehlo if connection.encrypted else self.clear_ehlo))
                case b"HELO":
                    await connection.say(self.helo)
                case b"STARTTLS":
                    await connection.say(self.starttls)
                    if self.starttls.startswith(b"220"):
                        await connection.start_tls(certificates().context(self.certificate))
                case b"AUTH":
                    self.logins += 1
                    argument = await self.sasl(connection, argument, b"334 ")
                    self.last_login = argument
                    await connection.say(*(line.replace(b"{arg}", argument) for line in self.login))
                case b"MAIL":
                    await connection.say(self.mail)
                case b"RCPT":
                    await connection.say(self.rcpt)
                case b"RSET":
                    await connection.say(b"250 2.0.0 Ok")
                case b"QUIT":
                    await connection.say(b"221 2.0.0 Bye")
                    return
                case _:
                    await connection.say(b"502 5.5.2 what?")


def saying(*lines: bytes, hold: float = 5.0) -> Callable[[Connection], Awaitable[None]]:
    """A talk of fixed lines, whatever the client says; then silence for a while."""

    async def talk(connection: Connection) -> None:
        await connection.say(*lines)
        await asyncio.sleep(hold)

    return talk


# --- running a test ------------------------------------------------------------------------------------


class LoopbackEgress(Egress):
    """An egress whose every name leads to 127.0.0.1; all else is the real one."""

    async def resolve(self, host: str) -> Resolution:
        return Resolution(host, (IPv4Address("127.0.0.1"),), host)


def egress(**changes: object) -> LoopbackEgress:
    """An egress that lets loopback and any port through."""
    settings: dict[str, object] = {
        "dns_servers": (),
        "allowed_networks": (ip_network("127.0.0.0/8"),),
        "allowed_ports": frozenset(range(1, 65536)),
        "allowed_suffixes": frozenset({"test"}),
        "extra_ca_file": certificates().folder / "ca.pem",
        "ehlo_name": "portal.example.test",
    }
    return LoopbackEgress(EgressConfig(**(settings | changes)), QUICK)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Ran:
    """A finished test."""

    stages: list[StageResult]
    verdict: Verdict

    def of(self, leg: Leg) -> list[StageResult]:
        """The stages of one leg, in the order in which they ended."""
        return [result for result in self.stages if result.leg is leg]

    def outcomes(self, leg: Leg) -> list[str]:
        """`stage outcome class` of each stage of a leg."""
        return [f"{r.stage} {r.outcome}" + (f" {r.cause}" if r.cause else "") for r in self.of(leg)]

    def last(self, leg: Leg) -> StageResult:
        """The stage that ended the leg."""
        return next((r for r in self.of(leg) if r.outcome not in ("ok", "warn", "skipped")), self.of(leg)[-1])

    def stage(self, leg: Leg, stage: Stage) -> StageResult:
        """The last result of a stage."""
        return [result for result in self.of(leg) if result.stage is stage][-1]


def run_against(
    *servers: Scripted,
    password: str = PASSWORD,
    username: str | None = None,
    patterns: tuple[Pattern, ...] = (),
    limits: Limits = QUICK,
    through: Egress | None = None,
    reach: Callable[[Scripted], Server] = Scripted.server,
    kind: PasswordKind = PasswordKind.PASSWORD,
    **plan: object,
) -> Ran:
    """Start the servers, run a test against them, stop them."""

    async def run() -> Ran:
        async with AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            settings: dict[str, object] = {"address": ADDRESS, "username": username, "password": kind}
            made = TestPlan(servers=tuple(reach(server) for server in servers), **(settings | plan))  # type: ignore[arg-type]
            results = run_test(made, Secret(password), through or egress(), PatternSet(patterns), limits)
            async with aclosing(results):
                collected = [result async for result in results]
            *stages, verdict = collected
            assert isinstance(verdict, Verdict)
            return Ran([stage for stage in stages if isinstance(stage, StageResult)], verdict)

    return run_unhurried(run())
