"""Signing Apple profiles (CMS, RFC 5652): the device then shows the signer, and that the profile is unaltered."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs7


class SigningFault(ValueError):  # noqa: N818
    """A certificate and key cannot be used; the message says why, without any part of the key."""


class ProfileSigner:
    """Signs with one certificate and its key, and includes the rest of the chain. `repr` shows nothing of the key."""

    __slots__ = ("_certificate", "_chain", "_key")

    def __init__(self, certificates: bytes, key: bytes) -> None:
        """`certificates`: PEM, the signer's own and the intermediate ones in any order; `key`: PEM, not encrypted."""
        self._key = _private_key(key)
        own = _public_bytes(self._key.public_key())
        try:
            chain = x509.load_pem_x509_certificates(certificates)
        except ValueError:
            raise SigningFault("the certificate file holds no certificates in PEM") from None
        matching = [each for each in chain if _public_bytes(each.public_key()) == own]
        if not matching:
            raise SigningFault("the key belongs to none of the certificates")
        self._certificate = matching[0]
        self._chain = [each for each in chain if each is not self._certificate]

    def __repr__(self) -> str:
        return f"<ProfileSigner {self._certificate.subject.rfc4514_string()}>"

    def sign(self, profile: bytes) -> bytes:
        """The signed profile, in DER."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(profile)
        builder = builder.add_signer(self._certificate, self._key, hashes.SHA256())
        for certificate in self._chain:
            builder = builder.add_certificate(certificate)
        return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _private_key(pem: bytes) -> RSAPrivateKey | EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):  # TypeError: the key is encrypted
        raise SigningFault("the key is no private key in PEM, or is encrypted") from None
    if not isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey)):
        raise SigningFault("the key is neither RSA nor of an elliptic curve that CMS knows")
    return key


def _public_bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
