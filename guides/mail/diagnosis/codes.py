"""From a reply to a class of the vocabulary (docs/classes.md): pure functions over codes and words.

Words take precedence over codes where they are more specific, as codes are ambiguous. A code takes precedence where it
excludes a cause: what a server calls temporary (`[UNAVAILABLE]`, 454, `[SYS/TEMP]`) is never "wrong password".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from guides.mail.accounts import Protocol
from guides.mail.diagnosis import words
from guides.mail.diagnosis.rulebook import CLEAR, DELIVERY, Rules
from guides.mail.outcomes import Outcome, Stage

REJECTED = "auth.rejected"
UNKNOWN = "unknown.unknown"

# A referral to another server (RFC 2221, RFC 2193). It is not followed: a password is sent only to a server that the
# visitor or the provider's entry names.
REFERRAL = "REFERRAL"
MOVED = "mbox.moved"

_NOTICE = re.compile(r"(?:NO|BAD|BYE) \[([^\] ]+)")

# After one of these, the user name and password are not sent to another server in the same test.
CREDENTIAL_CAUSES = frozenset(
    {
        REJECTED,
        "auth.app_password_required",
        "auth.authcode_required",
        "auth.web_login_required",
        "auth.basic_disabled",
        "auth.policy",
        "auth.account_suspended",
        "auth.account_disabled",
        "auth.locked",
        "auth.throttled",
        "auth.username_unknown",
        "auth.user_or_disabled_ambiguous",
        "auth.expired_password",
        "auth.oauth_token_expired",
        UNKNOWN,  # at a login: refused, for whatever reason
    }
)

# These codes are about the account, whatever the words say (RFC 5530, RFC 3206): a closed one is not tried elsewhere.
CREDENTIAL_CODES = frozenset({"AUTH", "AUTHENTICATIONFAILED", "CONTACTADMIN", "EXPIRED"})

# These causes are about the connecting address, which is this portal's.
ADDRESS_CAUSES = frozenset(
    {"smtp.ip_blocklisted", "smtp.ip_dynamic", "smtp.ip_not_allowed", "smtp.ptr", "smtp.reputation", "smtp.bulk_block"}
)

# The server refuses this portal, for every visitor.
PORTAL_CAUSES = ADDRESS_CAUSES | {"smtp.helo_invalid", "cross.portal_blocked"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply, parsed.

    `status` is OK, NO, BAD, BYE, PREAUTH (IMAP), +OK, -ERR (POP3) or three digits (SMTP); `code` the response code
    without brackets, in capitals, or the enhanced status code; `arguments` what follows it inside the brackets.
    """

    protocol: Protocol
    status: str
    code: str = ""
    text: str = ""
    arguments: str = ""
    notices: tuple[str, ...] = ()  # untagged NO, BAD, BYE and alerts that came before it, as words

    @property
    def words(self) -> str:
        """The text that patterns search: notices, then the reply on one line, without tag."""
        code = self.code if self.protocol is Protocol.SMTP else self._bracketed()
        line = " ".join(part for part in (self.status, code, self.text) if part)
        return "\n".join([*self.notices, line])

    def _bracketed(self) -> str:
        return f"[{self.code}{' ' if self.arguments else ''}{self.arguments}]" if self.code else ""

    @property
    def reason(self) -> str:
        """The response code that gives the reason: the reply's own, else that of a notice before it.

        A server that is about to close explains itself in an untagged BYE, and its refusal has few words.
        """
        if self.code in ("", "ALERT"):
            for notice in self.notices:
                told = _NOTICE.match(notice)
                if told is not None and told[1] in _REASONS:
                    return told[1]
        return self.code

    @property
    def temporary(self) -> bool:
        """Whether the reply's code means a temporary failure."""
        if self.protocol is Protocol.SMTP:
            return self.status.startswith("4")
        if self.protocol is Protocol.IMAP:
            return self.reason in ("UNAVAILABLE", "SERVERBUG", "CORRUPTION", "INUSE", "LIMIT")
        return self.code in ("SYS/TEMP", "IN-USE", "LOGIN-DELAY")


def outcome_of(cause: str) -> Outcome:
    """The outcome of a stage that a server refused for `cause`."""
    if cause in PORTAL_CAUSES:
        return Outcome.OURS
    return Outcome.UNCLEAR if cause == UNKNOWN else Outcome.FAIL


def contradicts(reply: Reply, cause: str) -> bool:
    """Whether the reply's code, a temporary failure, excludes a cause that words suggest."""
    return reply.temporary and cause in CREDENTIAL_CAUSES - {"auth.locked", "auth.throttled"}


def cause_of(reply: Reply, stage: Stage) -> str:
    """The class of a refusal at `stage`. Never raises; the default is `unknown.unknown`."""
    match stage:
        case Stage.GREETING:
            return _greeting(reply)
        case Stage.LOGIN:
            return _login(reply)
        case Stage.IDENTITY | Stage.MAILBOX | Stage.QUOTA | Stage.FOLDERS:
            return _mailbox(reply)
        case Stage.ENVELOPE:
            return _recipient(reply)
        case Stage.TLS:
            return "tls.starttls_refused"
        case _:
            return words.cause_in(reply.words, words.CONNECTION) or _BYE.get(reply.status, "net.protocol")


_BYE = {"BYE": "greet.bye", "421": "greet.421"}


def _greeting(reply: Reply) -> str:
    if reply.reason == REFERRAL:
        return MOVED
    cause = words.cause_in(reply.words, words.CONNECTION)
    if cause is not None:
        return cause
    return _BYE.get(reply.status, "greet.refused")


_IMAP_LOGIN_CODES: Mapping[str, str] = {
    "UNAVAILABLE": "auth.temp_unavailable",
    "SERVERBUG": "auth.temp_unavailable",
    "CORRUPTION": "auth.temp_unavailable",
    "AUTHORIZATIONFAILED": "auth.authz",
    "NOPERM": "auth.authz",
    "EXPIRED": "auth.expired_password",
    "PRIVACYREQUIRED": "auth.encryption_required",
    "CONTACTADMIN": "auth.contact_admin",
    "INUSE": "mbox.inuse",
    "LIMIT": "mbox.conn_limit",
    "OVERQUOTA": "mbox.overquota",
    "CLIENTBUG": "auth.syntax",
    "WEBALERT": "auth.web_login_required",
}

_POP3_LOGIN_CODES: Mapping[str, str] = {
    "SYS/TEMP": "auth.temp_unavailable",
    "SYS/PERM": "auth.contact_admin",
    "IN-USE": "mbox.inuse",
    "LOGIN-DELAY": "auth.login_delay",
}

_SMTP_LOGIN_CODES: Mapping[str, str] = {
    "432": "auth.mech_transition",
    "500": "cap.mech_missing",
    "501": "auth.syntax",
    "502": "cap.no_auth",
    "503": "auth.protocol_error",
    "504": "cap.mech_missing",
    "523": "auth.encryption_required",
    "524": "auth.mech_transition",
    "525": "auth.account_disabled",
    "530": "auth.encryption_required",
    "534": "auth.mech_weak",
    "535": REJECTED,
    "538": "auth.encryption_required",
}

_SMTP_LOGIN_ENHANCED: Mapping[str, str] = {
    "4.7.12": "auth.mech_transition",
    "5.7.12": "auth.mech_transition",
    "5.7.10": "auth.encryption_required",
    "5.7.11": "auth.encryption_required",
    "5.7.13": "auth.account_disabled",
    "5.7.14": "auth.policy",
    "5.7.4": "cap.mech_missing",
}


def _login(reply: Reply) -> str:
    if reply.protocol is Protocol.SMTP:
        return _smtp_login(reply)
    codes = _IMAP_LOGIN_CODES if reply.protocol is Protocol.IMAP else _POP3_LOGIN_CODES
    if reply.status == "BYE" and not reply.temporary:
        cause = words.cause_in(reply.words, words.CONNECTION, words.LOGIN)
        return "net.closed" if cause is None else cause
    if reply.status == "BAD":  # the command was not understood, so its arguments were not checked
        return words.cause_in(reply.words, words.LOGIN) or "auth.syntax"
    if any("[WEBALERT" in notice.upper() for notice in reply.notices):
        return "auth.web_login_required"
    if reply.reason == REFERRAL:
        return MOVED
    by_code = codes.get(reply.reason)
    if reply.temporary:
        return words.cause_in(reply.words, words.TEMPORARY_LOGIN) or by_code or "auth.temp_unavailable"
    by_words = words.cause_in(reply.words, words.LOGIN)
    if by_code is not None:
        if by_code == "auth.authz" and by_words == REJECTED and "password" in reply.text.lower():
            return REJECTED  # the words name the password
        return by_code if by_words in (None, REJECTED) else by_words
    if by_words is not None:
        return by_words
    # A NO with a code other than these is not "wrong password" (RFC 5530).
    return REJECTED if reply.reason in ("", "AUTHENTICATIONFAILED", "ALERT", "AUTH") else UNKNOWN


def _smtp_login(reply: Reply) -> str:
    if reply.temporary:
        cause = words.cause_in(reply.words, words.TEMPORARY_LOGIN, words.CONNECTION)
        return cause or _SMTP_LOGIN_CODES.get(reply.status, "auth.temp_unavailable")
    if reply.status == "503":
        return "cap.no_auth" if "not advertised" in reply.text.lower() else "auth.protocol_error"
    by_words = words.cause_in(reply.words, words.LOGIN)
    if by_words is not None and by_words != REJECTED:
        return by_words
    code = _SMTP_LOGIN_ENHANCED.get(reply.code) or _SMTP_LOGIN_CODES.get(reply.status)
    return code or by_words or words.cause_in(reply.words, words.CONNECTION) or UNKNOWN


_MAILBOX_CODES: Mapping[str, str] = {
    "UNAVAILABLE": "mbox.temp",
    "SERVERBUG": "mbox.temp",
    "CORRUPTION": "mbox.temp",
    "SYS/TEMP": "mbox.temp",
    "SYS/PERM": "mbox.noperm",
    "INUSE": "mbox.inuse",
    "IN-USE": "mbox.inuse",
    "LIMIT": "mbox.conn_limit",
    "OVERQUOTA": "mbox.overquota",
    "NOPERM": "mbox.noperm",
    "AUTHORIZATIONFAILED": "mbox.noperm",
    "NONEXISTENT": "mbox.nonexistent",
    "CONTACTADMIN": "auth.contact_admin",
    "LOGIN-DELAY": "auth.login_delay",
}


def _mailbox(reply: Reply) -> str:
    if reply.reason == REFERRAL:
        return MOVED
    by_words = words.cause_in(reply.words, words.MAILBOX)
    if by_words is not None and by_words not in ("mbox.temp", "mbox.noperm"):
        return by_words
    by_code = _MAILBOX_CODES.get(reply.reason) or by_words
    if by_code is not None:
        return by_code
    # The login was right and opening is refused: the protocol is switched off (Gmail's POP3 at STAT, Exchange's IMAP).
    return "net.closed" if reply.status == "BYE" else "mbox.not_enabled_after_login"


# Codes of untagged notices that can explain a refusal; ALERT alone does not.
_REASONS = (_IMAP_LOGIN_CODES.keys() | _MAILBOX_CODES.keys() | CREDENTIAL_CODES | {REFERRAL}) - {"WEBALERT"}


def _by_rules(reply: Reply) -> str | None:
    """The class by the rules for pasted texts and bounces, if the words are clear."""
    hits = Rules.of(*DELIVERY).hits(reply.words)
    return hits[0].cause if hits and hits[0].strength >= CLEAR else None


def sender_cause(reply: Reply) -> str:
    """The class of a refusal of MAIL FROM."""
    cause = words.cause_in(reply.words, words.SENDER, words.CONNECTION) or _by_rules(reply)
    if cause is not None:
        return cause
    by_code = {
        "421": "smtp.temp",
        "501": "smtp.syntax",
        "503": "smtp.not_compliant",
        "530": "smtp.auth_required",
        "552": "smtp.size",
        "555": "smtp.syntax",
    }
    if reply.code == "4.3.1":
        return "mbox.server_storage"
    return by_code.get(reply.status) or ("smtp.temp" if reply.temporary else "smtp.sender_generic")


def message_cause(reply: Reply) -> str:
    """The class of a refusal of the message itself, at DATA or after it."""
    cause = words.cause_in(reply.words, words.MESSAGE, words.SENDER, words.RECIPIENT, words.CONNECTION)
    if cause is not None:
        return cause
    return "smtp.size" if reply.status == "552" else "smtp.temp" if reply.temporary else "smtp.other"


_RECIPIENT_ENHANCED: Mapping[str, str] = {
    "1.1": "rcpt.unknown",
    "1.2": "rcpt.domain_unknown",
    "1.6": "rcpt.moved",
    "1.10": "rcpt.nullmx",
    "1.7": "smtp.sender_generic",
    "1.8": "smtp.sender_domain",
    "2.1": "rcpt.disabled",
    "2.2": "rcpt.full",
    "3.1": "mbox.server_storage",
    "3.4": "smtp.size",
    "5.3": "rcpt.rate",
    "7.25": "smtp.ptr",
}


def _recipient(reply: Reply) -> str:
    """The class of a refusal of RCPT TO. Servers that delay their checks (Postfix) check the sender here, too."""
    by_words = words.cause_in(reply.words, words.SENDER, words.RECIPIENT, words.CONNECTION) or _by_rules(reply)
    if by_words is not None:
        return by_words
    by_code = _RECIPIENT_ENHANCED.get(reply.code.partition(".")[2])
    if by_code is not None:
        return by_code
    by_status = {"530": "smtp.auth_required", "551": "rcpt.moved", "552": "rcpt.full", "556": "rcpt.nullmx"}
    return by_status.get(reply.status) or ("smtp.temp" if reply.temporary else "rcpt.generic")
