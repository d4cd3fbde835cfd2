"""The outer shapes: headers, RFC 3464 reports, plain texts; in any charset, transfer encoding and line ending."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Sequence
from dataclasses import dataclass

SENDER = "anna@sender.example"
RECIPIENT = "boris@there.example"


@dataclass(frozen=True)
class Case:
    """One bounce and what it must be explained as."""

    name: str
    data: bytes
    cause: str
    language: str = "en"
    also: tuple[str, ...] = ()  # classes that are right as well, where systems themselves do not tell them apart


def encoded(text: str, charset: str, transfer: str) -> str:
    raw = text.encode(charset)
    if transfer == "base64":
        return base64.encodebytes(raw).decode()
    if transfer == "quoted-printable":
        return quopri.encodestring(raw).decode()
    return raw.decode("latin-1")


def word(text: str, charset: str = "utf-8") -> str:
    """An encoded word (RFC 2047), when the text needs one."""
    return text if text.isascii() else f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def mailbox(sender: str, charset: str) -> str:
    """A mailbox for a header; its name as an encoded word, when it needs one."""
    name, bracket, address = sender.partition("<")
    return f"{word(name.strip(), charset)} {bracket}{address}" if bracket else sender


def head(subject: str, sender: str, *more: str, charset: str = "utf-8") -> str:
    lines = [
        "Return-Path: <>",
        "Received: from mx.reporter.example (mx.reporter.example [192.0.2.25]) by mx.sender.example",
        "Date: Tue, 24 Nov 2026 10:00:00 +0000",
        f"From: {mailbox(sender, charset)}",
        f"To: {SENDER}",
        f"Subject: {word(subject, charset)}",
        "Message-ID: <20261124100000.1234@reporter.example>",
        *more,
    ]
    return "\n".join(lines)


def plain(
    subject: str,
    text: str,
    *,
    sender: str = "MAILER-DAEMON@reporter.example",
    charset: str = "utf-8",
    transfer: str = "8bit",
    ending: str = "\n",
    more: Sequence[str] = (),
    subtype: str = "plain",
    mime: bool = True,
) -> bytes:
    """A bounce of one part."""
    headers = [*more]
    if mime:
        headers += [
            "MIME-Version: 1.0",
            f"Content-Type: text/{subtype}; charset={charset}",
            f"Content-Transfer-Encoding: {transfer}",
        ]
    whole = f"{head(subject, sender, *headers, charset=charset)}\n\n{encoded(text, charset, transfer)}\n"
    return whole.replace("\n", ending).encode("latin-1")


def original(sender: str = SENDER) -> str:
    return (
        f"Received: from laptop.sender.example by mx.sender.example; Tue, 24 Nov 2026 09:59:00 +0000\n"
        f"From: Anna <{sender}>\nTo: {RECIPIENT}\nSubject: Spam report: mailbox full of viruses\n"
        "Message-ID: <1@sender.example>\nX-Virus-Scanned: clean\n"
    )


def report(
    subject: str,
    text: str,
    fields: str,
    *,
    sender: str = "Mail Delivery System <MAILER-DAEMON@reporter.example>",
    charset: str = "us-ascii",
    transfer: str = "7bit",
    ending: str = "\n",
    more: Sequence[str] = (),
    subtype: str = "plain",
    status_type: str = "message/delivery-status",
) -> bytes:
    """An RFC 3464 report: a text for people, the fields, the original message's headers."""
    boundary = "=_reporter_1234"
    whole = "\n".join(
        [
            head(
                subject,
                sender,
                *more,
                "MIME-Version: 1.0",
                f'Content-Type: multipart/report; report-type=delivery-status;\n boundary="{boundary}"',
                charset=charset if charset != "us-ascii" else "utf-8",
            ),
            "",
            "This is a MIME-encapsulated message.",
            "",
            f"--{boundary}",
            f"Content-Type: text/{subtype}; charset={charset}",
            f"Content-Transfer-Encoding: {transfer}",
            "",
            encoded(text, charset, transfer),
            "",
            f"--{boundary}",
            f"Content-Type: {status_type}",
            "",
            fields,
            "",
            f"--{boundary}",
            "Content-Type: text/rfc822-headers",
            "",
            original(),
            f"--{boundary}--",
            "",
        ]
    )
    return whole.replace("\n", ending).encode("latin-1")


def fields(
    diagnostic: str,
    *,
    status: str = "5.0.0",
    action: str = "failed",
    recipient: str = RECIPIENT,
    remote: str = "mx.there.example",
    kind: str = "smtp",
    reporter: str = "mx.reporter.example",
) -> str:
    """The fields of a report about one recipient."""
    lines = [
        f"Reporting-MTA: dns; {reporter}",
        "Arrival-Date: Tue, 24 Nov 2026 09:59:00 +0000",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        f"Action: {action}",
        f"Status: {status}",
    ]
    if remote:
        lines.append(f"Remote-MTA: dns; {remote}")
    if diagnostic:
        lines.append(f"Diagnostic-Code: {kind}; {diagnostic}")
    return "\n".join(lines)
