"""Finding the delivery test's one message, and deleting it and nothing else.

A server may ignore the search key and return every message. So each hit's subject is fetched and checked, and only a
message with the test's own random token is ever marked.
"""

from __future__ import annotations

from guides.mail.connection.imap import ImapSession
from guides.mail.connection.imap_mailbox import list_folders
from guides.mail.connection.imap_reply import CommandResult, tokens
from guides.mail.connection.imap_string import Literal, imap_string
from guides.mail.connection.session import Refusal
from guides.mail.diagnosis.codes import cause_of
from guides.mail.outcomes import Stage

MAX_LOOKED_AT = 3  # of the messages found, the newest


async def junk_folder(session: ImapSession) -> bytes | None:
    """The folder for spam: the one marked so (RFC 6154), else one with such a name."""
    for pattern in (b'LIST "" "*Spam%"', b'LIST "" "*Junk%"'):
        if "\\junk" in session.folders:
            break
        names = await list_folders(session, pattern)
        if names:
            session.folders["\\junk"] = names[0]
    return session.folders.get("\\junk")


async def find_message(session: ImapSession, folder: bytes, message_id: str, token: str) -> int | None:
    """The UID of the message in `folder`, which is opened read-only; None when it is not there."""
    await _ask(session, b"EXAMINE ", *imap_string(folder))
    keys = f'OR HEADER Message-ID "{message_id}" SUBJECT "{token}"'
    answer = await _ask(session, b"UID SEARCH ", keys.encode())
    for uid in _found(answer)[-MAX_LOOKED_AT:]:
        looked_at = await _ask(session, b"UID FETCH %d (BODY.PEEK[HEADER.FIELDS (SUBJECT)])" % uid)
        if any(token.encode() in response.body for response in looked_at.data):
            return uid
    return None


async def delete_message(session: ImapSession, folder: bytes, uid: int) -> bool:
    """Delete one message. Without UIDPLUS (RFC 4315) only when no other is marked, as EXPUNGE removes them all."""
    await _ask(session, b"SELECT ", *imap_string(folder))
    await _ask(session, b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
    if "UIDPLUS" in session.capabilities:
        await _ask(session, b"UID EXPUNGE %d" % uid)
        return True
    if _found(await _ask(session, b"UID SEARCH DELETED")) != [uid]:
        await _ask(session, b"UID STORE %d -FLAGS.SILENT (\\Deleted)" % uid)
        return False
    await _ask(session, b"EXPUNGE")
    return True


async def _ask(session: ImapSession, *parts: bytes | Literal) -> CommandResult:
    answer = await session.ask(*parts)
    if answer.reply.status != "OK":
        raise Refusal(answer.reply, answer.evidence, cause_of(answer.reply, Stage.MAILBOX))
    return answer


def _found(answer: CommandResult) -> list[int]:
    """The numbers of a SEARCH response, in order."""
    found: list[int] = []
    for response in answer.data:
        words = tokens(response.body)
        if words and words[0].upper() == b"SEARCH":
            found += [int(word) for word in words[1:] if word.isdigit() and len(word) <= 10]
    return sorted(found)
