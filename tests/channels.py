"""Hostile and faulty servers on loopback, and certificates for them, to test the channel and the loop against."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from guides.mail.connection.channel import Channel
from guides.mail.connection.limits import Limits
from guides.mail.network import Egress, EgressConfig, Resolution

HOST = "imap.example.com"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
RESOLUTION = Resolution(HOST, (ipaddress.ip_address("127.0.0.1"),), HOST)

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server that follows a script with everybody who connects."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.port = 0
        self.connections = 0
        self.sent = 0
        self.gone = asyncio.Event()  # the visitor's side has closed

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await self.script(reader, writer)
                await reader.read()
        finally:
            self.gone.set()
            writer.transport.abort()


@asynccontextmanager
async def serving(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server; on leaving, wait until all of its connections are gone."""
    server = Server(script)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(server.serve(reader, writer))
        tasks.add(task)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=2)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)
        assert not late, "a connection was left open"


def egress_to(server: Server, limits: Limits | None = None, **config: object) -> Egress:
    """An egress that leads to a server on loopback."""
    ports = frozenset({server.port})
    return Egress(EgressConfig(allowed_networks=LOOPBACK, allowed_ports=ports, **config), limits)  # type: ignore[arg-type]


@asynccontextmanager
async def connected_to(server: Server, limits: Limits | None = None) -> AsyncIterator[Channel]:
    """A channel to a server, closed on leaving."""
    channel = await egress_to(server, limits).connect(RESOLUTION, server.port)
    try:
        yield channel
    finally:
        channel.close()
        await asyncio.wait_for(channel.wait_closed(), 1)


# --- certificates ----------------------------------------------------------------------------------------

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """A certificate authority with an intermediate one below it."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="channel-test-"))
        self.key: Key = ec.generate_private_key(ec.SECP256R1())
        self.name = names("Test Root")
        self.root = self._certificate(self.name, self.key, names("Test Root"), self.key, is_authority=True)
        self.intermediate_key: Key = ec.generate_private_key(ec.SECP256R1())
        self.intermediate = self._certificate(
            names("Test Intermediate"), self.intermediate_key, self.name, self.key, is_authority=True
        )
        self.file = self.folder / "root.pem"
        self.file.write_bytes(pem(self.root))

    def server_context(
        self,
        host: str = HOST,
        *,
        days: tuple[int, int] = (-1, 30),
        self_signed: bool = False,
        through_intermediate: bool = False,
        send_intermediate: bool = True,
        issuer_address: bool = False,
        key: Key | None = None,
        extra_names: int = 0,
        digest: hashes.HashAlgorithm | None = None,
    ) -> ssl.SSLContext:
        """A server's context with a certificate made to order."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = names(host, "Example Org")
        issuer, issuer_key = (
            (names("Test Intermediate"), self.intermediate_key) if through_intermediate else (self.name, self.key)
        )
        if self_signed:
            issuer, issuer_key = subject, key
        certificate = self._certificate(
            subject,
            key,
            issuer,
            issuer_key,
            days=days,
            hosts=[host, *(f"n{n}.{host}" for n in range(extra_names))],
            issuer_address=issuer_address,
            digest=digest,
        )
        chain = pem(certificate) + (pem(self.intermediate) if through_intermediate and send_intermediate else b"")
        file = self.folder / f"{certificate.serial_number}.pem"
        file.write_bytes(
            chain
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(file)
        return context

    def _certificate(
        self,
        subject: x509.Name,
        key: Key,
        issuer: x509.Name,
        issuer_key: Key,
        *,
        days: tuple[int, int] = (-1, 30),
        hosts: list[str] | None = None,
        is_authority: bool = False,
        issuer_address: bool = False,
        digest: hashes.HashAlgorithm | None = None,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=days[0]))
            .not_valid_after(now + dt.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if hosts:
            alternatives: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
            alternatives.append(x509.IPAddress(ipaddress.ip_address("192.0.2.7")))
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        if issuer_address:
            address = x509.UniformResourceIdentifier("http://ca.example.com/intermediate.cer")
            access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, address)
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        return builder.sign(issuer_key, digest or hashes.SHA256())


def names(common_name: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@cache
def authority() -> Authority:
    """One authority for all tests: making keys takes time."""
    return Authority()
