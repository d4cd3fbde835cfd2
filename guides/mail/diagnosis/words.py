"""The meaning of words that servers of all providers use: the fall-back after staff's patterns.

The first matching row of a table counts, so specific causes come before general ones. All expressions are RE2, ignore
case, and are searched in one line at a time.
"""

from __future__ import annotations

from typing import Any

import re2

MAX_LINE = 4096

Table = tuple[tuple[str, Any], ...]


def cause_in(words: str, *tables: Table) -> str | None:
    """The first cause, in the order of the tables, that matches a line of `words`."""
    lines = [line[:MAX_LINE] for line in words.splitlines()]
    for table in tables:
        for cause, expression in table:
            if any(expression.search(line) for line in lines):
                return cause
    return None


def hit_in(line: str, *tables: Table) -> tuple[str, int, int] | None:
    """The first cause that matches a line, and the span."""
    line = line[:MAX_LINE]
    for table in tables:
        for cause, expression in table:
            match = expression.search(line)
            if match is not None:
                return (cause, *match.span())
    return None


def _table(*rows: tuple[str, ...]) -> Table:
    return tuple((cause, re2.compile(f"(?i){'|'.join(expressions)}")) for cause, *expressions in rows)


_TOO_MANY_CONNECTIONS = r"(too many|maximum number of)( simultaneous| concurrent)? (\w+ )?connections"

_LOCKED = (
    ("mbox.conn_limit", _TOO_MANY_CONNECTIONS),
    ("auth.locked", r"account (is |has been )?(temporarily )?locked", r"\blocked out\b"),
    (
        "auth.throttled",
        r"too many (bad |failed |invalid |wrong )?(auth\w*|log ?in|password)( attempt| failure)?s?",
        r"too many attempts",
        r"rate limit",
        r"login limit",
        r"exceeded the .*limit",
    ),
)

LOGIN = _table(
    # An `or` between two causes is a cause of its own, and comes before both.
    (
        "auth.user_or_disabled_ambiguous",
        r"(credentials|failure|password)\.? or (imap|pop3?|smtp)( access)? (is )?disabled",
    ),
    (
        "auth.protocol_disabled_by_admin",
        r"(imap|pop3?|smtp)( access)? is disabled for your (domain|organi[sz]ation)",
        r"login disabled for this user",
    ),
    (
        "auth.smtp_auth_disabled",
        r"smtpclientauthentication is disabled",
        r"smtp auth(entication)? (is )?disabled",
        r"^550 user has no permission",
    ),
    (
        "auth.protocol_disabled",
        r"not enabled for (imap|pop3?|smtp)",
        r"yet to enable (imap|pop3?)",
        r"\b(imap|pop3?|smtp)( access| service)? (is |has been )?(disabled|not enabled|turned off)",
        r"does not have access rights to this service",
    ),
    ("auth.app_password_required", r"\bapp(lication)?[- ]?(specific)? ?password", r"neobhodim parol"),
    ("auth.authcode_required", r"\bauthori[sz](ed|ation) code\b", r"using weixin token"),
    (
        "auth.web_login_required",
        r"log ?in (to your account )?(with|via|through) (a|your) (web )?browser",
        r"web login required",
    ),
    ("auth.basic_disabled", r"basic authentication is disabled"),
    (
        "auth.encryption_required",
        r"(clear|plain) ?text (authentication|login|password)s? (is )?(disallowed|not allowed|disabled)",
        r"only available under a layer",
        r"encryption (is )?required",
        r"must issue a starttls",
        r"use stls first",
    ),
    ("auth.expired_password", r"password (has |is )?expired", r"password is no longer valid"),
    (
        "auth.policy",
        r"security defaults policy",
        r"conditional access",
        r"servicedisabled",
        r"(violates|blocked by) .*policy",
    ),
    *_LOCKED,
    (
        "auth.account_suspended",
        r"access to this account is disabled",
        r"account (is |has been )?(temporarily )?(suspended|restricted|blocked)",
    ),
    (
        "auth.account_disabled",
        r"(account|user|mailbox) (is |has been )?(disabled|deactivated|closed|inactive|terminated)",
    ),
    (
        "auth.temp_unavailable",
        r"temporary (\w+ )?(authentication )?(failure|error|problem)",
        r"temporarily (unable|unavailable|rejected)",
        r"internal (server )?error",
        r"try again later",
        r"service (is )?(currently )?unavailable",
        r"\b(backend|database|server|directory|service)\b.{0,20}\b(unavailable|not responding|down)\b",
    ),
    (
        "auth.username_unknown",
        r"\bno such user",
        r"\buser (is )?(unknown|not found|does ?n[o']t exist)",
        r"\bunknown (user|account|mailbox)\.?$",
    ),
    (
        "auth.rejected",
        r"password\b.{0,20}\b(does not|doesn't) (fit|match)",
        r"(invalid|incorrect|bad|wrong|unknown) (user|login|credential|password|auth)",
        r"log(in|on) (failed|failure|error|incorrect)",
        r"invalid credential",
        r"(user|password).* not accepted",
        r"auth\w* (credentials invalid|fail)",
    ),
)

# With a temporary code, only these causes may be more specific than "temporary".
TEMPORARY_LOGIN = _table(*_LOCKED)

CONNECTION = _table(
    (
        "smtp.ip_blocklisted",
        r"\b(black|block) ?-?list",
        r"\bdnsbl\b",
        r"\brbl\b",
        r"spamhaus",
        r"spamcop",
        r"banned sending ip",
        r"poor reputation",
        r"\b(ip|address|host)( \S+)? (is |has been )?(blocked|banned|blacklisted|listed)\b",
        r"client host rejected: access denied",
        r"you are not allowed to connect",
        r"^554 ip=",
    ),
    ("smtp.ip_dynamic", r"\bdynamic ip\b", r"generic (dns )?ptr", r"dynamic(ally)? (assigned )?(ip )?address"),
    ("smtp.ptr", r"cannot find your (reverse )?hostname", r"not have a ptr", r"no ptr record", r"\breverse dns\b"),
    ("smtp.helo_invalid", r"(helo|ehlo)( command| argument)?.* (rejected|invalid)", r"need fully-qualified hostname"),
    ("mbox.conn_limit", _TOO_MANY_CONNECTIONS),
    ("greet.too_many_bad", r"too many (invalid|bad|unrecogni[sz]ed) (imap |pop3 |smtp )?commands"),
)

SENDER = _table(
    ("smtp.starttls_first", r"must issue a starttls"),
    ("smtp.auth_required", r"authentication (is )?required", r"client not authenticated", r"log ?in first"),
    ("smtp.account_send_disabled", r"sending for this account is disabled", r"unusual sending activity"),
    (
        "smtp.sender_not_owned",
        r"not owned by",
        r"sendasdenied",
        r"send as this sender",
        r"must equal authori[sz]ed user",
        r"relaying disallowed as",
        r"not local sender",
        r"sender (address )?(is )?not allowed",
        r"not allowed to send (as|from)",
    ),
    ("smtp.sender_domain", r"sender address rejected: domain", r"domain of sender .*(not|does)"),
    ("smtp.sender_generic", r"sender (address )?(is )?(rejected|refused|denied|invalid)"),
    ("smtp.daily_quota", r"submission quota", r"daily .*(quota|limit)", r"over the limit", r"sending limit"),
    (
        "smtp.rate_limit",
        r"rate[- ]limit",
        r"too (many|much) (messages|mail)",
        r"limit exceed",
        r"slow down",
        r"unusual rate",
    ),
    ("smtp.pop_before_smtp", r"check for new mail before sending", r"pop before smtp"),
)

MESSAGE = _table(("smtp.virus", r"\bvirus", r"\bmalware\b"), ("smtp.spam", r"\bspam\b", r"\bbulk mail\b"))

RECIPIENT = _table(
    ("smtp.greylist", r"\bgr[ea]y-?list"),
    ("smtp.relay_denied", r"relay(ing)? (access )?(denied|not permitted|prohibited|not allowed)", r"allowed rcpthosts"),
    (
        "rcpt.full",
        r"\bmailbox (is )?full\b",
        r"over ?-?quota\b",
        r"quota (is )?exceeded",
        r"not enough (disk )?(quota|space)",
    ),
    (
        "smtp.recipient_verify",
        r"recipient verification failed",
        r"undeliverable address",
        r"unverified (address|recipient)",
    ),
    ("rcpt.disabled", r"\b(account|mailbox|user)\b.{0,60}\b(disabled|inactive|suspended|terminated|deactivated)"),
    (
        "rcpt.unknown",
        r"\b(user|account|mailbox|recipient)( \S+){0,4} (unknown|not found|does ?n[o']t exist|not exist)",
        r"\bunknown (user|recipient|or illegal alias)",
        r"no such (user|mailbox|recipient|account)",
        r"no mailbox here",
    ),
    ("rcpt.rate", r"receiving mail too quickly", r"receiving mail at a rate"),
    ("rcpt.restricted", r"not in allowed-senders"),
    ("rcpt.domain_unknown", r"domain (name )?not found", r"unknown domain"),
)

MAILBOX = _table(
    (
        "mbox.not_enabled_after_login",
        r"authenticated but not connected",
        r"\b(imap|pop3?)( access| service)? (is )?(disabled|not enabled)",
        r"not enabled for (imap|pop)",
    ),
    ("mbox.id_required", r"unsafe login"),
    ("mbox.bandwidth", r"\bbandwidth\b"),
    ("mbox.throttled", r"\bthrottled\b", r"backoff time", r"rate limit"),
    ("mbox.conn_limit", _TOO_MANY_CONNECTIONS),
    ("mbox.overquota", r"over ?quota\b", r"quota (is )?exceeded", r"not enough disk quota", r"\bmailbox (is )?full\b"),
    (
        "mbox.inuse",
        r"\b(mailbox|maildrop).{0,20}(in use|locked|busy)",
        r"unable to lock maildrop",
        r"another (pop3? )?session",
    ),
    ("mbox.limit", r"only \d+ messages"),
    ("mbox.nonexistent", r"(mailbox|folder|inbox) (does ?n[o']t exist|not found)", r"no such mailbox"),
    ("mbox.noperm", r"permission denied", r"access denied", r"no permission"),
    ("mbox.temp", r"\btemporar", r"internal (server )?error", r"try again", r"could ?n[o']t sync", r"unavailable"),
)
