"""The IMAP stages after the login: the server's software, the quota, the folders.

They change nothing: the mailbox was opened with EXAMINE, and no message is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from guides.mail.connection.imap_reply import CommandResult, Response, tokens
from guides.mail.connection.limits import Limits
from guides.mail.connection.session import Refusal, StageFault, StageFinding
from guides.mail.connection.sizes import in_words
from guides.mail.diagnosis.codes import cause_of
from guides.mail.outcomes import Stage

# RFC 2971, without personal data. No space after the bracket: 163.com then treats the client as unidentified.
_OWN_ID = b'ID ("name" "mail help portal" "version" "1")'

NEARLY_FULL = 90  # per cent
_MAX_DIGITS = 18
_LIST = re.compile(rb"LIST +\(([^)]*)\) +(?:NIL|\"(?:[^\"\\]|\\.)*\") +(.+)", re.IGNORECASE | re.DOTALL)
_KIBIBYTE = 1024


class MailboxSession(Protocol):
    """The part of `ImapSession` that these functions need. (`imap` imports this module, so it cannot be imported.)"""

    capabilities: frozenset[str]
    folders: dict[str, bytes]
    limits: Limits

    async def ask(self, *parts: bytes, lines: int | None = None) -> CommandResult:
        """Send a command; the result may have up to `lines` lines."""


async def identify(session: MailboxSession) -> StageFinding:
    """Exchange ID with a server that supports it (RFC 2971), and note its software."""
    if "ID" not in session.capabilities:
        return StageFinding(skipped=True)
    answer = await session.ask(_OWN_ID)
    if answer.reply.status != "OK":
        cause = cause_of(answer.reply, Stage.MAILBOX)
        if cause == "mbox.id_required":
            raise Refusal(answer.reply, answer.evidence, cause)
        return StageFinding(evidence=answer.evidence)  # a server that advertises ID and refuses it does no harm
    details = {}
    for response in answer.data:
        words = tokens(response.body)
        if words and words[0].upper() == b"ID":
            values = [word for word in words[1:] if word not in (b"(", b")")]
            told = {name.lower(): value for name, value in zip(values[::2], values[1::2], strict=False)}
            software = b" ".join(told[name] for name in (b"name", b"version") if told.get(name, b"NIL") != b"NIL")
            if software:
                details["software"] = software.decode("utf-8", "replace")
    return StageFinding(details=details)


@dataclass(frozen=True, slots=True)
class _Resource:
    """One resource of a quota (RFC 9208): STORAGE in KiB, MESSAGE in messages."""

    name: str
    used: int
    limit: int

    @property
    def per_cent(self) -> int:
        return self.used * 100 // self.limit

    def __str__(self) -> str:
        return f"{self._amount(self.used)} / {self._amount(self.limit)} ({self.per_cent} %)"

    def _amount(self, count: int) -> str:
        return in_words(count) if self.name == "STORAGE" else str(count)


async def check_quota(session: MailboxSession) -> StageFinding:
    """The mailbox's usage and quota (RFC 9208), and the largest message allowed (RFC 7889)."""
    offered = session.capabilities
    details: dict[str, str] = {}
    largest = next((name.partition("=")[2] for name in offered if name.startswith("APPENDLIMIT=")), "")
    if "APPENDLIMIT" in offered:  # without a value: it differs between mailboxes, so STATUS is needed
        largest = await _append_limit(session)
    if largest.isascii() and largest.isdigit() and len(largest) <= _MAX_DIGITS:
        details["largest"] = in_words(int(largest) / _KIBIBYTE)
    if not any(name == "QUOTA" or name.startswith("QUOTA=") for name in offered):
        return StageFinding(details=details, skipped=not details)
    answer = await session.ask(b"GETQUOTAROOT INBOX")
    if answer.reply.status != "OK":  # the quota is unknown, which is no fault of the mailbox
        return StageFinding(evidence=answer.evidence, details=details)
    found = [(response, resource) for response in answer.data for resource in _resources(response)]
    if not found:
        return StageFinding(details=details)
    response, fullest = max(found, key=lambda pair: pair[1].per_cent)
    details["usage"] = str(fullest)
    if fullest.per_cent >= 100:
        raise StageFault("mbox.overquota", response.raw, details=details)
    if fullest.per_cent >= NEARLY_FULL:
        return StageFinding("mbox.overquota", response.raw, details)
    return StageFinding(details=details)


async def _append_limit(session: MailboxSession) -> str:
    answer = await session.ask(b"STATUS INBOX (APPENDLIMIT)")
    for response in answer.data:
        words = [word.upper() for word in tokens(response.body)]
        if words[:1] == [b"STATUS"] and b"APPENDLIMIT" in words[:-1]:
            return words[words.index(b"APPENDLIMIT") + 1].decode("ascii", "replace")
    return ""


def _resources(response: Response) -> Iterator[_Resource]:
    """The resources of `QUOTA root (STORAGE used limit MESSAGE used limit)` that have a limit."""
    parts = tokens(response.body)
    if not parts or parts[0].upper() != b"QUOTA" or b"(" not in parts:
        return
    inside = [part for part in parts[parts.index(b"(") + 1 :] if part != b")"]
    for name, used, limit in zip(inside[::3], inside[1::3], inside[2::3], strict=False):
        if used.isdigit() and limit.isdigit() and len(used) <= _MAX_DIGITS and len(limit) <= _MAX_DIGITS and int(limit):
            yield _Resource(name.decode("ascii", "replace").upper(), int(used), int(limit))


async def check_folders(session: MailboxSession) -> StageFinding:
    """The special-use folders (RFC 6154), and whether there is one for sent messages.

    Not all folders are listed, as there may be thousands.
    """
    folders = session.folders
    if "SPECIAL-USE" in session.capabilities:
        if "LIST-EXTENDED" in session.capabilities:
            command = b'LIST (SPECIAL-USE) "" "*"'
        elif "X-GM-EXT-1" in session.capabilities:  # Gmail's are below [Gmail] or [Google Mail], with translated names
            command = b'LIST "" "[G%/%"'
        else:
            command = b'LIST "" "%"'
        await list_folders(session, command)
    if "\\sent" not in folders and not await list_folders(session, b'LIST "" "*Sent%"'):
        return StageFinding("mbox.no_sent_folder", details=_told(folders))
    return StageFinding(details=_told(folders))


async def list_folders(session: MailboxSession, command: bytes) -> list[bytes]:
    """The names of the folders that a LIST finds; special-use ones are also stored in `session.folders`."""
    answer = await session.ask(command, lines=session.limits.list_lines)
    if answer.reply.status != "OK":
        raise Refusal(answer.reply, answer.evidence, cause_of(answer.reply, Stage.FOLDERS))
    names = []
    for response in answer.data:
        match = _LIST.fullmatch(response.body)
        name = tokens(match[2])[:1] if match else []
        attributes = match[1].decode("ascii", "replace").lower().split() if match else []
        if not name or "\\nonexistent" in attributes or "\\noselect" in attributes:  # not a mailbox
            continue
        names += name
        for attribute in attributes:
            session.folders.setdefault(attribute, name[0])
    return names


_USES = ("\\sent", "\\drafts", "\\junk", "\\trash", "\\archive")


def _told(folders: dict[str, bytes]) -> dict[str, str]:
    marked = [use.removeprefix("\\") for use in _USES if use in folders]
    return {"marked": " ".join(marked)} if marked else {}
