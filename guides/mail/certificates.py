"""The content of a certificate that failed verification, read from its DER.

Python decodes only certificates that it has verified, but the page must describe a faulty one. This reads the few
fields that the page shows (RFC 5280 section 4.1), with bounds; they are untrusted, and no access depends on them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_NAMES = 20
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class CertificateSummary:
    """Subject, names, issuer and validity of a certificate. The texts are untrusted: escape them."""

    subject: str
    names: tuple[str, ...]  # at most MAX_NAMES
    issuer: str
    not_before: datetime
    not_after: datetime
    self_signed: bool  # subject and issuer are equal
    chain_length: int = 1  # certificates that the server sent
    has_issuer_address: bool = False  # the last one has a caIssuers URL, as certificates of public CAs do

    @property
    def chain_cause(self) -> str:
        """The most specific class for "no issuer found" that the sent chain allows."""
        if self.self_signed:
            return "tls.cert_self_signed"
        match self.chain_length > 1, self.has_issuer_address:
            case False, True:
                return "tls.chain_incomplete"  # a public certificate, sent alone
            case True, False:
                return "tls.unknown_ca"  # the issuer was sent too, and its own issuer cannot be fetched
            case _:
                return "tls.chain_or_unknown_ca"


class NotACertificate(ValueError):  # noqa: N818
    """The bytes are not a certificate that can be read."""


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    body: bytes

    def children(self) -> list[_Element]:
        return list(_elements(self.body))


_UTC_TIME = 0x17
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_NAME = 0x82, 0x87
_UTF16_STRING, _UTF32_STRING = 0x1E, 0x1C

_COMMON_NAME, _ORGANISATION = bytes.fromhex("550403"), bytes.fromhex("55040a")
_SUBJECT_ALT_NAME, _AUTHORITY_ACCESS = bytes.fromhex("551d11"), bytes.fromhex("2b06010505070101")
_CA_ISSUERS = bytes.fromhex("2b06010505073002")


def describe(chain: Sequence[bytes]) -> CertificateSummary:
    """Describe the first certificate of a chain in DER. Raises NotACertificate."""
    try:
        issuer, validity, subject, extensions = _parts(chain[0])
        last_extensions = _parts(chain[-1])[-1]
        begins, ends = validity.children()
        return CertificateSummary(
            subject=_name(subject),
            names=_alternative_names(extensions.get(_SUBJECT_ALT_NAME, b"")),
            issuer=_name(issuer),
            not_before=_time(begins),
            not_after=_time(ends),
            self_signed=issuer.body == subject.body,
            chain_length=len(chain),
            has_issuer_address=_CA_ISSUERS in last_extensions.get(_AUTHORITY_ACCESS, b""),
        )
    except (ValueError, IndexError) as error:
        raise NotACertificate(str(error)) from error


def _parts(certificate: bytes) -> tuple[_Element, _Element, _Element, dict[bytes, bytes]]:
    """Issuer, validity, subject and extensions."""
    fields = _only(list(_elements(certificate))).children()[0].children()
    if fields[0].tag == _VERSION:
        del fields[0]
    _serial, _algorithm, issuer, validity, subject, _key = fields[:6]
    return issuer, validity, subject, dict(_extensions(fields[6:]))


def _elements(data: bytes) -> Iterator[_Element]:
    """The elements of a DER body (X.690 section 8.1)."""
    position = 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length & 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 3:
                raise ValueError("length")
            length = int.from_bytes(data[position : position + octets])
            position += octets
        if position + length > len(data):
            raise ValueError("cut off")
        yield _Element(tag, data[position : position + length])
        position += length


def _only(elements: Sequence[_Element]) -> _Element:
    (element,) = elements
    return element


def _extensions(fields: Sequence[_Element]) -> Iterator[tuple[bytes, bytes]]:
    for field in fields:
        if field.tag == _EXTENSIONS:
            for extension in _only(field.children()).children():
                parts = extension.children()  # identifier, whether critical, value
                yield parts[0].body, parts[-1].body


def _alternative_names(extension: bytes) -> tuple[str, ...]:
    if not extension:
        return ()
    names: list[str] = []
    for name in _only(list(_elements(extension))).children()[:MAX_NAMES]:
        if name.tag == _DNS_NAME:
            names.append(name.body.decode("ascii", "replace")[:MAX_TEXT])
        elif name.tag == _IP_NAME:
            names.append(str(ipaddress.ip_address(name.body)))
    return tuple(names)


def _name(name: _Element) -> str:
    """Common name and organisation; "" when it has neither."""
    found: dict[bytes, str] = {}
    for part in name.children():
        for attribute in part.children():
            kind, value = attribute.children()
            found[kind.body] = _text(value)[:MAX_TEXT]
    shown = [found[kind] for kind in (_COMMON_NAME, _ORGANISATION) if found.get(kind)]
    return ", ".join(dict.fromkeys(shown))


def _text(value: _Element) -> str:
    encoding = {_UTF16_STRING: "utf-16-be", _UTF32_STRING: "utf-32-be"}.get(value.tag, "utf-8")
    return value.body.decode(encoding, "replace")


def _time(value: _Element) -> datetime:
    """UTCTime has two digits for the year, from 1950 to 2049 (RFC 5280 section 4.1.2.5)."""
    text = value.body.decode("ascii").removesuffix("Z")
    if value.tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
