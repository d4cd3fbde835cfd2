"""The lab's certification authority: one good certificate, and one for each fault that a client must notice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, path: Path, *above: Issued) -> Path:
        """Write the key, the certificate and the certificates above it to a PEM file; the key first, for Postfix."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = b"".join(pem(issued) for issued in (self, *above))
        path.write_bytes(key + chain)
        return path


def pem(issued: Issued) -> bytes:
    """The certificate alone."""
    return issued.certificate.public_bytes(serialization.Encoding.PEM)


def make_authority(name: str, above: Issued | None = None) -> Issued:
    """A certification authority: a root, or one that `above` vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, key, above).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(
        x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
    )
    return _sign(builder, key, above)


def make_certificate(
    hosts: Sequence[str], above: Issued | None, *, starts: dt.timedelta = -DAY, ends: dt.timedelta = 30 * DAY
) -> Issued:
    """A server certificate for `hosts`, issued by `above`, or self-signed. Dates count from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(hosts[0], key, above, starts, ends)
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    if above is not None:  # as public authorities do: where to fetch the certificate above
        issuer = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.lab.test/issuing.der")
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([issuer]), critical=False)
    return _sign(builder, key, above)


def _builder(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    above: Issued | None,
    starts: dt.timedelta = -DAY,
    ends: dt.timedelta = 30 * DAY,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = above.key if above else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, above: Issued | None) -> Issued:
    return Issued(builder.sign(above.key if above else key, hashes.SHA256()), key)


def write_certificates(folder: Path, hosts: Mapping[str, Sequence[str]]) -> Path:
    """Write `<kind>.pem` for every entry of `hosts` (kind -> host names) and return the file of the trusted root.

    The kinds: good, expired, not_yet, self_signed, wrong_name, unknown_ca, incomplete (its chain lacks the
    certificate between it and the root).
    """
    root = make_authority("Lab root")
    between = make_authority("Lab issuing authority", root)
    stranger = make_authority("Nobody's root")
    for kind, names in hosts.items():
        target = folder / f"{kind}.pem"
        match kind:
            case "good":
                make_certificate(names, between).write(target, between)
            case "expired":
                make_certificate(names, between, starts=-30 * DAY, ends=-DAY).write(target, between)
            case "not_yet":
                make_certificate(names, between, starts=DAY).write(target, between)
            case "self_signed":
                make_certificate(names, None).write(target)
            case "wrong_name":
                make_certificate(["another.lab.test"], between).write(target, between)
            case "unknown_ca":
                make_certificate(names, stranger).write(target, stranger)
            case "incomplete":
                make_certificate(names, between).write(target)
            case _:
                raise ValueError(kind)
    trusted = folder / "root.pem"
    trusted.write_bytes(pem(root))
    return trusted
