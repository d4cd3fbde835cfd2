"""Reading an utterance as a server's reply to signing in or to opening a mailbox."""

from __future__ import annotations

import re

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.codes import Reply
from guides.mail.diagnosis.utterances import Utterance
from guides.mail.outcomes import Stage

_IMAP_CODES = (
    "UNAVAILABLE|AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|PRIVACYREQUIRED|CONTACTADMIN|NOPERM|INUSE|LIMIT"
    "|OVERQUOTA|SERVERBUG|CORRUPTION|CLIENTBUG|ALERT|WEBALERT|NONEXISTENT|CANNOT"
)
_IMAP = re.compile(
    rf"^(?:(?:\* |[A-Za-z]{{0,4}}\d+ )?(?P<status>NO|BAD|BYE)\b"
    rf"|(?=\[(?:{_IMAP_CODES})\b))[ :]{{0,2}}(?:\[(?P<code>[A-Z][A-Z0-9-]*)(?P<arguments>[^\]]*)\])? ?(?P<text>.*)$"
)
_POP3 = re.compile(r"^-ERR\b ?(?:\[(?P<code>[A-Z/-]+)\])? ?(?P<text>.*)$")
_SMTP = re.compile(r"^(?P<status>[245]\d\d)[ \-]#?(?P<code>[245]\.\d{1,3}\.\d{1,3})?\)?:? ?(?P<text>.*)$")
_SMTP_LOGIN = frozenset({"334", "525", "534", "535", "538"})
LOGIN_WORDS = re.compile(r"(?i)\bauthenticat|\bcredential|\bpassword|\blog ?[io]n\b|\bparol\b")
_MAILBOX_WORDS = re.compile(
    r"(?i)\bselect|\bexamine|\bmailbox|\bfolder|\bmaildrop|\bquota|\bmessages? in\b|permission|throttled"
    r"|\binternal error"
)
_AFTER_LOGIN = re.compile(r"(?i)\bunsafe login|authenticated but not connected")
_MAILBOX_CODES = frozenset({"OVERQUOTA", "NONEXISTENT", "NOPERM", "INUSE", "IN-USE", "LIMIT", "SERVERBUG", "CANNOT"})


def reply_of(utterance: Utterance) -> tuple[Reply | None, Stage | None]:
    """The utterance as a reply to a login or to opening a mailbox, or None."""
    for layer in utterance.layers:
        match = _IMAP.match(layer)
        if match:
            code = (match["code"] or "").upper()
            reply = Reply(
                Protocol.IMAP, match["status"] or "NO", code, match["text"], (match["arguments"] or "").strip()
            )
            return reply, _receiving_stage(code, layer)
        match = _POP3.match(layer)
        if match:
            code = (match["code"] or "").upper()
            return Reply(Protocol.POP3, "-ERR", code, match["text"]), _receiving_stage(code, layer)
    for layer in utterance.layers:
        match = _SMTP.match(layer)
        if match:
            reply = Reply(Protocol.SMTP, match["status"], match["code"] or "", match["text"])
            worded = reply.status in ("432", "454", "504") and LOGIN_WORDS.search(layer) is not None
            login = reply.status in _SMTP_LOGIN or worded
            return reply, Stage.LOGIN if login else None
    return None, None


def _receiving_stage(code: str, layer: str) -> Stage:
    if (
        code in _MAILBOX_CODES
        or _AFTER_LOGIN.search(layer)
        or (_MAILBOX_WORDS.search(layer) and not LOGIN_WORDS.search(layer))
    ):
        return Stage.MAILBOX
    return Stage.LOGIN
